"""What this package keeps in Redis: a part of the payload of a job, and no key of its own."""

import json
from typing import Any

from buoy import BrokerError, Job, SealError
from buoy.plugins import SEALED, Log, encode_json, log_fields, open_text, seal_text
from buoy.plugins.redis import find_job

from .progress import Progress

NAME = "steps"
"""The name of this package in ``job.plugin_data``."""
CURSOR = "cursor"
"""What a sealed cursor is to those who open it."""

log = Log("buoy.steps")


def stored_progress(job: Job) -> Any:
    """Returns what is stored of the progress of a job, in one round trip: what its last run has
    kept, also if its process died. If Redis cannot be reached, what was known when that run began.
    """
    try:
        view, _ = job.app.run_steps(find_job(job.app, job.queue, job.id))
    except BrokerError as error:
        text = "%r goes on where its run began, since its progress cannot be read: %s"
        log.warning(text, job, error, extra=log_fields(job))
        view = None
    return job.plugin_data.get(NAME) if view is None else view.plugin_data.get(NAME)


# Cursors of jobs whose arguments are sealed


def sealed_cursor(job: Job, cursor: Any) -> dict[str, str]:
    """Returns the fields that keep a cursor in place of itself, if the class of the job seals its
    arguments; nothing if it does not. Raises SealError."""
    if cursor is None:
        return {}
    sealed = seal_text(job.name, job.id, encode_json(cursor), CURSOR)
    return {} if sealed is None else {"cursor": SEALED, "sealed": sealed}


def opened(progress: Progress, job: Job | None) -> Progress:
    """Returns that progress with its cursor opened. Raises SealError."""
    if progress.sealed is not None and job is not None:
        try:
            text = open_text(job.name, job.id, progress.sealed, CURSOR)
        except SealError as error:
            raise SealError(f"{job.name}: cursor of step {progress.step!r}: {error}") from None
        progress.cursor, progress.sealed = json.loads(text), None
    return progress
