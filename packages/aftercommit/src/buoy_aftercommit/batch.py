"""Jobs that wait for transactions: which job waits for which, and which may be pushed.

This file knows no database. A job in several transactions is in the batch of each of them.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from weakref import finalize

from buoy import Job
from buoy.plugins import Log, log_fields

log = Log("buoy.aftercommit")
PARTLY_COMMITTED = (
    "not pushed, because one of the transactions in which it was enqueued has committed and "
    "another has not (it was rolled back, or never ended); enqueue it again if it must run"
)


@dataclass(eq=False, slots=True)
class DeferredJob:
    """A job, and the state of the transactions in which it was enqueued. It may outlive the
    batches, to log how they ended."""

    job: Job
    pending: int = 0
    """The number of transactions that have not committed."""
    committed: bool = False
    """Whether one has committed."""
    dropped: bool = False
    """Whether one has ended without a commit, so that the job is not pushed."""

    def drop(self) -> None:
        """Note that one of the transactions has ended without a commit, or was forgotten."""
        if not self.dropped:
            self.dropped = True
            self.log_drop()

    def commit(self, inside: bool) -> None:
        """Note that one of the transactions has committed. ``inside`` of another one, the commit is
        not final yet."""
        self.pending -= 1
        if inside:
            return
        self.committed = True
        if self.dropped:
            self.log_drop()

    def log_drop(self) -> None:
        """Log that the job is not pushed: as an error if one of its transactions has committed."""
        fields = log_fields(self.job)
        if self.committed:
            log.error("%s: %s", PARTLY_COMMITTED, describe(self.job), extra=fields)
        else:
            log.info("not committed, dropped: %s", describe(self.job), extra=fields)

    def abandon(self) -> None:
        """Note that the pending transactions can no longer commit."""
        if self.pending:
            self.drop()


@dataclass(eq=False, slots=True, weakref_slot=True)
class DeferredJobRef:
    """A reference to a deferred job, shared by all its batches. When the last batch is gone, the
    reference is garbage-collected, and the job is abandoned."""

    deferred: DeferredJob

    def __post_init__(self) -> None:
        finalize(self, self.deferred.abandon)


@dataclass(eq=False)
class DeferredBatch:
    """The jobs that wait for one transaction or savepoint, in the order of enqueueing.

    A job in several transactions is in all their batches: it is pushed when the last one commits,
    and never if one of them does not. So a savepoint's jobs must not be moved to the transaction
    around it: they are in that batch already.
    """

    refs: list[DeferredJobRef] = field(default_factory=list)

    def add(self, ref: DeferredJobRef) -> None:
        """Let a job wait for this transaction, too."""
        self.refs.append(ref)

    def commit(self, inside: bool = False) -> list[Job]:
        """Note that the transaction has committed; ``inside`` of another one, that its savepoint
        was released. Returns the jobs that wait for no other transaction."""
        jobs = [ref.deferred for ref in self.refs]
        for each in jobs:
            each.commit(inside)
        self.refs.clear()
        return [each.job for each in jobs if not each.pending and not each.dropped]

    def drop(self, around: "Iterable[DeferredBatch]" = ()) -> None:
        """Note that the transaction has ended without a commit. The batches ``around`` it forget
        its jobs: a savepoint that was rolled back is no error when they commit."""
        dropped = set(self.refs)
        for each in around if dropped else ():
            each.refs = [ref for ref in each.refs if ref not in dropped]
        for ref in self.refs:
            ref.deferred.drop()
        self.refs.clear()


def defer(job: Job, batches: Collection[DeferredBatch]) -> None:
    """Add a job to all these batches: it waits until all of them have committed."""
    ref = DeferredJobRef(DeferredJob(job, pending=len(batches)))
    for batch in batches:
        batch.add(ref)


def describe(job: Job) -> str:
    """Returns the id, class and queue of a job, for the log."""
    return f"id={job.id} class={job.payload.name} queue={job.queue}"
