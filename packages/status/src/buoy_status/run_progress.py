"""What a run reports (its progress), and what it asks (whether it is cancelled)."""

from buoy import Job
from buoy.plugins import seen_by_hooks

from .plugin import Status, status_of
from .report import report_steps
from .state import Number


def progress(job: Job, done: Number, of: Number | None = None, note: str | None = None) -> None:
    """Report how far this run is: ``done`` of ``of``. At most five reports a second are sent, and
    always the last one (``done == of``). If Redis cannot be reached, that is logged, not raised.
    The reports of a run that has lost its job are dropped. Raises InvalidArguments.

    ``job.progress(...)`` does the same for a job with the plugin Status.
    """
    job.app.run_steps(report_steps(seen_by_hooks(job), done, of, note, ttl_of(job)))


async def aprogress(
    job: Job, done: Number, of: Number | None = None, note: str | None = None
) -> None:
    """Report how far this run is, in ``async def perform``; see progress. Awaits Redis."""
    await job.app.arun_steps(report_steps(seen_by_hooks(job), done, of, note, ttl_of(job)))


def cancelled(job: Job) -> bool:
    """Whether this run has lost its job, as ``job.cancelled()`` tells."""
    return Job.cancelled(job)


async def acancelled(job: Job) -> bool:
    """Whether this run has lost its job, to a coroutine; see cancelled."""
    return await Job.acancelled(job)


def ttl_of(job: Job) -> float:
    """Returns the seconds for which the progress is kept."""
    return (status_of(job) or Status()).ttl
