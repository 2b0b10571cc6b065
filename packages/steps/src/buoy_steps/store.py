"""What this package keeps in Redis: a part of the payload of a job, and no key of its own."""

from typing import Any

from buoy import BrokerError, Job
from buoy.plugins import Log, log_fields
from buoy.plugins.redis import find_job

NAME = "steps"
"""The name of this package in ``job.plugin_data``."""

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
