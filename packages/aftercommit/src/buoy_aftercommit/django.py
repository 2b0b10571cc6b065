"""Transactions of Django: ``atomic`` blocks, on all of its databases."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from weakref import ref

from django.conf import settings
from django.db import connections

from .batch import DeferredBatch
from .push import push


class AtomicBatch(DeferredBatch):
    """A job that was enqueued in an atomic block. It knows the batch of the next one if there is no
    callback or savepoint between them, so that all of these are pushed in one round trip.

    Each has a callback of its own: in a test, ``captureOnCommitCallbacks`` calls only the callbacks
    that are new in its block.
    """

    next: "AtomicBatch | None" = None

    def push(self) -> None:
        """Push this job and the next ones. Django calls it after the commit, and logs its errors
        (``robust=True``): an error that is raised would keep the callbacks of others from being
        called."""
        push([job for batch in self.unlinked() for job in batch.commit()])

    def unlinked(self) -> "Iterator[AtomicBatch]":
        """Yields this batch and the next ones, which then know each other no more: the callback of
        the next one need not look at them again."""
        batch: AtomicBatch | None = self
        while batch is not None:
            yield batch
            following, batch.next = batch.next, None
            batch = following


def open_transactions(using: str | None) -> Iterator[DeferredBatch]:
    """Returns the batches that a job of the caller must join: of the database ``using``, or of all
    databases."""
    chosen = open_connections() if using is None else [connections[using]]
    return (batch_of(each) for each in chosen if each.in_atomic_block or is_manual(each))


def open_connections() -> list[Any]:
    """Returns the connections of this thread."""
    return list(connections.all(initialized_only=True)) if settings.configured else []


def is_manual(connection: Any) -> bool:
    """Whether autocommit is switched off. Django then does not know of commits, and ``on_commit``
    raises TransactionManagementError."""
    return connection.connection is not None and not connection.autocommit


def batch_of(connection: Any) -> DeferredBatch:
    """Returns a new batch, linked to the one before if no callback or savepoint came between.
    Django itself forgets the callbacks of a block or savepoint that is rolled back."""
    batch, before = AtomicBatch(), batch_before(connection)
    if before is None:
        guard_callbacks(batch, connection.run_on_commit)
    else:
        before.next = batch
    connection.on_commit(batch.push, robust=True)
    return batch


def batch_before(connection: Any) -> AtomicBatch | None:
    """Returns the batch of the job before; None if a callback or savepoint came between."""
    if not connection.run_on_commit:
        return None
    savepoints, last, *_ = connection.run_on_commit[-1]
    before = getattr(last, "__self__", None)
    together = isinstance(before, AtomicBatch) and savepoints == set(connection.savepoint_ids)
    return before if together else None


class GuardedCallback:
    """Wraps a callback of others that Django calls before ours. If it raises, Django does not call
    the callbacks after it, although the transaction has committed. Then this pushes their jobs."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback
        self.batches_after: list[ref[AtomicBatch]] = []

    def add(self, batch: AtomicBatch) -> None:
        """Push the jobs of this batch, too, if the callback raises."""
        self.batches_after.append(ref(batch))

    def __call__(self) -> None:
        try:
            self.callback()
        except BaseException:
            # Where a savepoint was rolled back, Django has forgotten its batch: the reference is
            # dead.
            for batch in filter(None, [each() for each in self.batches_after]):
                with suppress(Exception):  # it is logged; the caller gets the error of the callback
                    batch.push()
            raise


def guard_callbacks(batch: AtomicBatch, callbacks: list[Any]) -> None:
    """Let the callbacks that are registered already push this batch if they raise."""
    for number, (savepoints, callback, *robust) in enumerate(callbacks):
        if any(robust):
            continue
        if not isinstance(callback, GuardedCallback):
            callback = GuardedCallback(callback)
            callbacks[number] = (savepoints, callback, *robust)
        callback.add(batch)
