"""Which job holds which claim. No other file of this package asks Redis."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec

from buoy import App, ConfigurationError, Job
from buoy.plugins import Performs, job_classes, plugins_of
from buoy.plugins.redis import (
    ClaimView,
    JobView,
    RedisSteps,
    find_claims,
    find_jobs,
    steps_of,
)

from .plugin import Loner
from .uniqueness import PREFIX, claim_of

P = ParamSpec("P")


def holder(job: type[Performs[P, Any]], /, *args: P.args, **kwargs: P.kwargs) -> str | None:
    """Returns the id of the job that keeps a job of this class and these arguments from being
    enqueued; None if there is none, or in inline mode.

    Raises ConfigurationError when the class has no Loner.
    """
    unique, claims = own_claims(job, args, kwargs)
    return unique.app.run_steps(holder_steps(unique, claims))


async def aholder(job: type[Performs[P, Any]], /, *args: P.args, **kwargs: P.kwargs) -> str | None:
    """Returns the id of the job that keeps such a job out, to a coroutine; see holder."""
    unique, claims = own_claims(job, args, kwargs)
    return await unique.app.arun_steps(holder_steps(unique, claims))


def own_claims(job: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Job, list[str]]:
    """Returns a job of this class and these arguments, and the claims that it would take. Raises
    ConfigurationError when the class has no Loner."""
    unique: Job = job.app.build(job, *args, **kwargs)
    loners = plugins_of(unique, Loner)
    if not loners:
        raise ConfigurationError(
            f"{unique.name}: expected Loner among the plugins of its class, got none"
        )
    return unique, [claim_of(unique, loner.key) for loner in loners]


def holder_steps(unique: Job, claims: Sequence[str]) -> RedisSteps[str | None]:
    """Returns the id of the job that holds the first of these claims that is held."""
    for claim in () if unique.app.is_inline else claims:
        id = yield from steps_of(unique.app.monitor.holder, unique.queue, claim)
        if id is not None:
            return id
    return None


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """A claim that is held, and the job that holds it.

    ``since`` is when that job was enqueued, in epoch seconds. ``state`` is where the job is, "gone"
    if somebody has deleted it by hand; then ``name`` and ``since`` are None. ``until``: what the
    job holds it until, "started" or "finished"; None if its class is not loaded.
    """

    claim: str
    id: str
    queue: str
    name: str | None
    since: float | None
    state: str
    until: str | None
    args: str
    """The arguments, as people may see them."""


PAGE = 500
"""How many jobs are looked up in one round trip."""


def held_claims(app: App, queue: str | None = None) -> Iterator[HeldClaim]:
    """Yields the claims of this plugin that are held in one queue, or in all, queue by queue; in a
    queue those of the oldest jobs come first."""
    queues = app.monitor.queue_names() if queue is None else [queue]
    found = app.run_steps(find_claims(app, queues))
    claims = [view for view in found if is_own(view.claim)]
    claims.sort(key=lambda view: (view.queue, view.id))
    for start in range(0, len(claims), PAGE):
        yield from look_up(app, claims[start : start + PAGE])


def is_own(claim: str) -> bool:
    """Returns whether a claim is one of this plugin."""
    return claim.startswith(PREFIX)


def look_up(app: App, claims: Sequence[ClaimView]) -> Iterator[HeldClaim]:
    """Yields claims with their holders; takes one round trip, and one for each holder that is not
    there."""
    jobs = app.run_steps(find_jobs(app, [(each.queue, each.id) for each in claims]))
    for view, job in zip(claims, jobs, strict=True):
        if job is not None or app.monitor.holder(view.queue, view.claim) == view.id:
            yield held_claim(view, job)
        # else the job has ended since the claims were read


def held_claim(view: ClaimView, job: JobView | None) -> HeldClaim:
    """Returns a claim with what is known of the job that holds it; None if that is gone."""
    place = (view.claim, view.id, view.queue)
    if job is None:
        return HeldClaim(*place, None, None, "gone", None, "")
    return HeldClaim(*place, job.name, job.enqueued_at, job.state, until_of(job), shown(job))


def until_of(job: JobView) -> str | None:
    """Returns until when a job holds its claim: a running one has been started."""
    if job.state == "running":
        return "finished"
    declared = job_classes.get(job.name or "")
    loners = plugins_of(declared, Loner) if declared else []
    return loners[0].until if loners else None


def shown(job: JobView) -> str:
    named = [f"{name}={json.dumps(value)}" for name, value in job.shown_kwargs.items()]
    return ", ".join([*map(json.dumps, job.shown_args), *named])
