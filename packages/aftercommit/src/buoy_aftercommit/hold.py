"""Jobs that wait for transactions: which wait for what, and which may go. No database here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from weakref import finalize

from buoy import Job
from buoy.process.logs import ERROR, INFO, heard, logger

LOG = "buoy.aftercommit"
HALF = (
    "not pushed, since of the transactions in which it was enqueued one has committed and another "
    "has not (rolled back, or never ended); if it is to run, enqueue it again"
)


@dataclass(eq=False, slots=True)
class Fate:
    """What has become of the transactions around a job. It outlives the hold, to tell its end."""

    job: Job
    pending: int = 0
    """How many have not committed."""
    committed: bool = False
    """Whether one has."""
    dropped: bool = False

    def drop(self) -> None:
        """One of them has ended without a commit, or was forgotten: the job is not pushed."""
        if not self.dropped:
            self.dropped = True
            self.tell()

    def commit(self, inside: bool) -> None:
        """One of them has committed; ``inside`` of another it is not for good yet."""
        self.pending -= 1
        if inside:
            return
        self.committed = True
        if self.dropped:
            self.tell()

    def tell(self) -> None:
        """A job that goes with its transactions is no news; one that others have committed is."""
        if self.committed:
            log(ERROR, f"{HALF}: {facts(self.job)}")
        else:
            log(INFO, f"not committed, dropped: {facts(self.job)}")

    def end(self) -> None:
        """Nothing can commit any more."""
        if self.pending:
            self.drop()


@dataclass(eq=False, slots=True, weakref_slot=True)
class Hold:
    """A job that is kept back by transactions. When all of these are gone, so is the hold."""

    fate: Fate

    def __post_init__(self) -> None:
        finalize(self, self.fate.end)


@dataclass(eq=False)
class Batch:
    """The jobs that one transaction, or one savepoint, keeps back, in the order of enqueueing.

    A job inside several belongs to all of them: it goes when the last has committed, and never if
    one of them does not commit. So nothing must be moved from a savepoint to what is around it.
    """

    holds: list[Hold] = field(default_factory=list)

    def commit(self, inside: bool = False) -> list[Job]:
        """The transaction has committed; ``inside`` of another, a savepoint was released. Returns
        the jobs that wait for no other one."""
        fates = [hold.fate for hold in self.holds]
        for fate in fates:
            fate.commit(inside)
        self.holds.clear()
        return [fate.job for fate in fates if not fate.pending and not fate.dropped]

    def drop(self, around: "Iterable[Batch]" = ()) -> None:
        """The transaction has ended without a commit. Those ``around`` it go on without its jobs:
        that a savepoint was rolled back is no news to them."""
        gone = set(self.holds)
        for each in around if gone else ():
            each.holds = [hold for hold in each.holds if hold not in gone]
        for hold in self.holds:
            hold.fate.drop()
        self.holds.clear()


def keep(job: Job, batches: Iterable[Batch]) -> None:
    """Keep a job back until all of these have committed."""
    hold = Hold(Fate(job))
    for batch in batches:
        hold.fate.pending += 1
        batch.holds.append(hold)


def log(level: int, what: str) -> None:
    if heard(LOG, level):
        logger(LOG).log(level, "%s", what)


def facts(job: Job) -> str:
    """A job in the log."""
    return f"id={job.id} class={job.payload.name} queue={job.queue}"
