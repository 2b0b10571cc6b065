"""What happens to held jobs once their transactions have committed."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import groupby
from typing import TYPE_CHECKING, Any

from buoy import BuoyError, EnqueueError, Handle, Job
from buoy.process.logs import DEBUG, ERROR, INFO

from .hold import facts, log

if TYPE_CHECKING:
    from asyncio import Future

released: ContextVar[frozenset[str]] = ContextVar("released", default=frozenset())
"""Ids of the jobs that are being pushed: whatever is open by now, they do not wait again."""

under_way: "set[Future[None]]" = set()
"""Pushes that are not finished: the event loop alone would not keep them alive."""


class NotPushed(BuoyError):
    """A transaction has committed, but jobs that it had held could not be pushed.

    ``jobs`` are those; ``job.app.submit(job)`` pushes one, and never doubles it.
    """

    def __init__(self, jobs: Sequence[Job], error: Exception) -> None:
        which = f"job {jobs[0].id}" if len(jobs) == 1 else f"{len(jobs)} jobs"
        super().__init__(
            f"the transaction has committed, but {which} could not be pushed: {error}; "
            "do not repeat the transaction; push again: job.app.submit(job) for each of error.jobs"
        )
        self.jobs = list(jobs)


class Errand:
    """The pushing of some jobs: what one of them cannot do does not keep back the others."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.parts = parts(jobs)
        self.unpushed: list[tuple[Job, Exception]] = []

    @contextmanager
    def attempt(self, jobs: list[Job]) -> Iterator[None]:
        """One call of Redis. A part that is refused for one of its jobs is tried job by job."""
        token = released.set(frozenset(job.id for job in jobs))
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the other jobs go on
            if len(jobs) > 1 and not isinstance(error, EnqueueError):
                self.parts[:0] = [[job] for job in jobs]
            else:
                self.unpushed += [(job, error) for job in jobs]
        except BaseException as error:
            for job in [job for part in [jobs, *self.parts] for job in part]:
                log_unpushed(job, error)
            raise
        finally:
            released.reset(token)

    def end(self) -> None:
        """Tell what could not be done."""
        for job, error in self.unpushed:
            log_unpushed(job, error)
        if self.unpushed:
            first, error = self.unpushed[0]
            if first.app.is_inline:
                raise error  # the job has run: this is its own
            raise NotPushed([job for job, _ in self.unpushed], error) from error


def push(jobs: Sequence[Job]) -> None:
    """Push jobs whose transactions have committed; raises NotPushed."""
    errand = Errand(jobs)
    while errand.parts:
        part = errand.parts.pop(0)
        with errand.attempt(part):
            report(part, part[0].app.enter(part))
    errand.end()


async def apush(jobs: Sequence[Job]) -> None:
    """The same, awaiting Redis."""
    errand = Errand(jobs)
    while errand.parts:
        part = errand.parts.pop(0)
        with errand.attempt(part):
            report(part, await part[0].app.aenter(part))
    errand.end()


def start(jobs: Sequence[Job]) -> "Future[None]":
    """Begin to push them; whoever waits for it, behind a shield, may be cancelled meanwhile."""
    from asyncio import ensure_future

    pushing = ensure_future(apush(jobs))
    under_way.add(pushing)
    pushing.add_done_callback(under_way.discard)
    return pushing


def parts(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs that may enter together, in one round trip, without leaving their order."""
    now = time.time()
    for job in jobs:
        renew(job, now)
    if any(job.app.is_inline for job in jobs):
        return [[job] for job in jobs]
    return [list(group) for _, group in groupby(jobs, lambda job: (type(job), job.queue))]


def renew(job: Job, now: float) -> None:
    """Let the times of a job count from now, when it is really enqueued."""
    payload, waited = job.payload, now - job.payload.enqueued_at
    payload.enqueued_at = round(now, 3)
    if payload.expires_at is not None and job.expires is not None:
        at = job.due and not job.due.startswith("+")
        later = now + job.expires if at else payload.expires_at + waited
        payload.expires_at = round(max(payload.expires_at, later), 3)


def report(jobs: Sequence[Job], handles: Sequence[Handle[Any]]) -> None:
    """Who enqueued them has an answer since long; so what became of a job is in the log."""
    for job, handle in zip(jobs, handles, strict=True):
        level = DEBUG if handle.state in ("queued", "delayed") else INFO
        reason = f" ({handle.reason})" if handle.reason else ""
        log(level, f"committed: {handle.state}{reason} {facts(job)}")


def log_unpushed(job: Job, error: BaseException) -> None:
    said = str(error) or type(error).__name__
    log(ERROR, f"committed, but not pushed: {facts(job)}: {said}")
