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
    """Jobs that were enqueued in one atomic block, with no callback or savepoint between them."""

    def push(self) -> None:
        """Push the jobs. Django calls it after the commit, and logs its errors (``robust=True``):
        an error that is raised would keep the callbacks of others from being called."""
        push(self.commit())


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
    """Returns the batch of the job before if no callback or savepoint came between, so that both
    are pushed in one round trip; else a new one. Django itself forgets the callbacks of a block or
    savepoint that is rolled back."""
    if connection.run_on_commit:
        savepoints, last, *_ = connection.run_on_commit[-1]
        before = getattr(last, "__self__", None)
        if isinstance(before, AtomicBatch) and savepoints == set(connection.savepoint_ids):
            return before
    batch = AtomicBatch()
    guard_callbacks(batch, connection.run_on_commit)
    connection.on_commit(batch.push, robust=True)
    return batch


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
