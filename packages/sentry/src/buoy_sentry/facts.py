"""What Sentry is told of a job and its run: tags, a context, the arguments."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import sentry_sdk

from buoy import Job, RunInfo
from buoy.plugins import arguments_of, is_sealed, shown_arguments

LONGEST_TAG = 200
"""Characters. Sentry drops tags with a longer value."""
CONTEXT = "buoy job"


def describer(job: Job | None, run: RunInfo, arguments: bool) -> Callable[[Any, Any], Any]:
    """Returns a function that puts the facts of a run into an event. Most runs have no event, so
    nothing is put together before. ``arguments``: whether to add those of the job."""

    def describe(event: Any, hint: Any) -> Any:
        if job is not None and is_sealed(job):
            remove_variables(event)
        event["tags"] = tags_of(run) | dict(event.get("tags") or {})
        contexts = event.setdefault("contexts", {})
        contexts.setdefault(CONTEXT, context_of(job, run, arguments))
        return event

    return describe


def remove_variables(event: Any) -> None:
    """Take the local variables out of the stacks of an event: they hold arguments of the job."""
    for part in ("exception", "threads"):
        for each in (event.get(part) or {}).get("values") or ():
            for frame in ((each or {}).get("stacktrace") or {}).get("frames") or ():
                frame.pop("vars", None)


def tags_of(run: RunInfo) -> dict[str, str]:
    """Returns the tags of a run, by which Sentry finds events; named as the fields of log
    records."""
    tags = {
        "job_class": run.name,
        "job_id": run.id,
        "queue": run.queue,
        "attempt": str(run.attempt),
        "worker": run.worker,
        "job_tags": ",".join(run.tags),
    }
    return {key: value[:LONGEST_TAG] for key, value in tags.items() if value}


def context_of(job: Job | None, run: RunInfo, arguments: bool) -> dict[str, Any]:
    """Returns the facts of a run that an event shows."""
    facts: dict[str, Any] = {
        "class": run.name,
        "id": run.id,
        "queue": run.queue,
        "attempt": run.attempt,
        "worker": run.worker,
        "tags": list(run.tags),
        "waited": run.waited,
        "lost": run.lost,
    }
    if job is not None:
        facts["identifier"] = job.identifier
        facts["enqueued_at"] = job.payload.enqueued_at
        if arguments:
            facts["arguments"] = masked(named_arguments(job))
    return facts


def masked(arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns a copy of arguments, in which Sentry's client has masked those with names like
    ``password``, if the app has not switched that off."""
    copy = deepcopy(arguments)
    scrubber = sentry_sdk.get_client().options.get("event_scrubber")
    if scrubber is not None:
        scrubber.scrub_dict(copy)
    return copy


def named_arguments(job: Job) -> dict[str, Any]:
    """Returns the arguments, as people may see them, by their names; by their positions if the
    class takes others now."""
    try:
        return arguments_of(job, shown=True)
    except TypeError:
        args, kwargs = shown_arguments(job)
        return {str(place): value for place, value in enumerate(args)} | kwargs
