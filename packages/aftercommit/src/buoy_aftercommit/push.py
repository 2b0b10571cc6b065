"""Pushes jobs whose transactions have committed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import groupby
from typing import TYPE_CHECKING, Any

from buoy import BuoyError, EnqueueError, Handle, Job
from buoy.plugins import log_fields

from .batch import describe, log

if TYPE_CHECKING:
    from asyncio import Future

pushing: ContextVar[frozenset[str]] = ContextVar("pushing", default=frozenset())
"""The ids of the jobs that are being pushed now. They are not deferred again if a transaction
is open."""

started_pushes: "set[Future[None]]" = set()
"""Pushes that are not finished. The event loop keeps only weak references to them."""


class NotPushed(BuoyError):
    """A transaction has committed, but deferred jobs could not be pushed.

    ``jobs`` are these jobs. ``job.app.submit(job)`` pushes one; it never enqueues a job twice.
    """

    def __init__(self, jobs: Sequence[Job], error: Exception) -> None:
        which = f"job {jobs[0].id}" if len(jobs) == 1 else f"{len(jobs)} jobs"
        super().__init__(
            f"the transaction has committed, but {which} could not be pushed: {error}; "
            "do not repeat the transaction; push again: job.app.submit(job) for each of error.jobs"
        )
        self.jobs = list(jobs)


class JobPusher:
    """Pushes jobs in groups. An error of one job does not keep the others from being pushed."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.groups = group_jobs(jobs)
        self.not_pushed: list[tuple[Job, Exception]] = []

    @contextmanager
    def attempt(self, jobs: list[Job]) -> Iterator[None]:
        """Surrounds the push of one group. If the group is refused because of one of its jobs, each
        job of it becomes a group of its own."""
        token = pushing.set(frozenset(job.id for job in jobs))
        try:
            yield
        except Exception as error:  # noqa: BLE001 - after any error, the other jobs are pushed
            if len(jobs) > 1 and not isinstance(error, EnqueueError):
                self.groups[:0] = [[job] for job in jobs]
            else:
                self.not_pushed += [(job, error) for job in jobs]
        except BaseException as error:
            for job in [job for group in [jobs, *self.groups] for job in group]:
                log_not_pushed(job, error)
            raise
        finally:
            pushing.reset(token)

    def finish(self) -> None:
        """Log the jobs that could not be pushed, and raise NotPushed for them. An error of a job
        that ran inline is raised as it is."""
        for job, error in self.not_pushed:
            log_not_pushed(job, error)
        if self.not_pushed:
            first, error = self.not_pushed[0]
            if first.app.is_inline:
                raise error
            raise NotPushed([job for job, _ in self.not_pushed], error) from error


def push(jobs: Sequence[Job]) -> None:
    """Push jobs whose transactions have committed; raises NotPushed."""
    pusher = JobPusher(jobs)
    while pusher.groups:
        group = pusher.groups.pop(0)
        with pusher.attempt(group):
            log_handles(group, group[0].app.submit_many(group))
    pusher.finish()


async def apush(jobs: Sequence[Job]) -> None:
    """Push jobs whose transactions have committed, awaiting Redis; raises NotPushed."""
    pusher = JobPusher(jobs)
    while pusher.groups:
        group = pusher.groups.pop(0)
        with pusher.attempt(group):
            log_handles(group, await group[0].app.asubmit_many(group))
    pusher.finish()


def start_push(jobs: Sequence[Job]) -> "Future[None]":
    """Start to push the jobs on the event loop. Await the future inside ``asyncio.shield``: the
    push continues if the waiting task is cancelled."""
    from asyncio import ensure_future

    future = ensure_future(apush(jobs))
    started_pushes.add(future)
    future.add_done_callback(started_pushes.discard)
    return future


def group_jobs(jobs: Sequence[Job]) -> list[list[Job]]:
    """Returns groups that can be enqueued in one round trip each, in the order of the jobs. Inline,
    each job is a group."""
    if any(job.app.is_inline for job in jobs):
        return [[job] for job in jobs]
    return [list(group) for _, group in groupby(jobs, lambda job: (type(job), job.queue))]


def log_handles(jobs: Sequence[Job], handles: Sequence[Handle[Any]]) -> None:
    """Log the answers for the jobs: their callers have got the answer "deferred" before."""
    for job, handle in zip(jobs, handles, strict=True):
        write = log.debug if handle.state in ("queued", "blocked", "delayed") else log.info
        reason = f" ({handle.reason})" if handle.reason else ""
        fields = log_fields(job) | {"state": handle.state}
        write("committed: %s%s %s", handle.state, reason, describe(job), extra=fields)


def log_not_pushed(job: Job, error: BaseException) -> None:
    reason = str(error) or type(error).__name__
    fields = log_fields(job)
    log.error("committed, but not pushed: %s: %s", describe(job), reason, extra=fields)
