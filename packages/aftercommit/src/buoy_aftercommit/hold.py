"""Jobs that wait for transactions: which wait for what, and which may go. No database here."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from buoy import Job
from buoy.logs import INFO, heard, logger

LOG = "buoy.aftercommit"


@dataclass(eq=False, slots=True)
class Hold:
    """A job that is kept back, and how many of the transactions around it have not committed."""

    job: Job
    pending: int = 0


@dataclass(eq=False)
class Batch:
    """The jobs that one transaction, or one savepoint, keeps back, in the order of enqueueing.

    A job inside several belongs to all of them: it goes when the last has committed, and never if
    one of them does not commit. So nothing must be moved from a savepoint to what is around it.
    """

    holds: list[Hold] = field(default_factory=list)

    def commit(self) -> list[Job]:
        """The transaction has committed. Returns the jobs that wait for no other one."""
        for hold in self.holds:
            hold.pending -= 1
        free = [hold.job for hold in self.holds if not hold.pending]
        self.holds.clear()
        return free

    def drop(self) -> None:
        """The transaction has ended without a commit."""
        for hold in self.holds:
            log(INFO, f"not committed, dropped: {facts(hold.job)}")
        self.holds.clear()


def keep(job: Job, batches: Iterable[Batch]) -> None:
    """Keep a job back until all of these have committed."""
    hold = Hold(job)
    for batch in batches:
        hold.pending += 1
        batch.holds.append(hold)


def log(level: int, what: str) -> None:
    if heard(LOG, level):
        logger(LOG).log(level, "%s", what)


def facts(job: Job) -> str:
    """A job in the log."""
    return f"id={job.id} class={job.payload.name} queue={job.queue}"
