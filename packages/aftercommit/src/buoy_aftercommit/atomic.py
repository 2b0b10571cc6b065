"""Transactions of Django: ``atomic`` blocks, on any of its databases."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from weakref import ref

from django.conf import settings
from django.db import connections

from .hold import Batch
from .push import push


class Atomic(Batch):
    """The jobs of one atomic block that were enqueued in a row."""

    def push(self) -> None:
        """What Django calls after the commit. An error is in its log and ours: raised, it would
        keep back what others have asked to be called."""
        push(self.commit())


def open_blocks(using: str | None) -> Iterator[Batch]:
    """Where jobs of the caller must wait: in one database, or in all in which it is in a block."""
    chosen = opened() if using is None else [connections[using]]
    return (batch_of(each) for each in chosen if each.in_atomic_block or is_manual(each))


def opened() -> list[Any]:
    """The connections of this thread."""
    return list(connections.all(initialized_only=True)) if settings.configured else []


def is_manual(connection: Any) -> bool:
    """Whether someone has switched autocommit off: then nobody says when there was a commit, and
    ``on_commit`` raises."""
    return connection.connection is not None and not connection.autocommit


def batch_of(connection: Any) -> Batch:
    """The jobs before this one, if no callback or savepoint came between: they go in one round
    trip. Django itself forgets those of a block, or savepoint, that is rolled back."""
    if connection.run_on_commit:
        savepoints, last, *_ = connection.run_on_commit[-1]
        before = getattr(last, "__self__", None)
        if isinstance(before, Atomic) and savepoints == set(connection.savepoint_ids):
            return before
    batch = Atomic()
    guard(batch, connection.run_on_commit)
    connection.on_commit(batch.push, robust=True)
    return batch


class Guarded:
    """A callback of others that will be called before ours. If it raises, Django calls none of
    those behind it, although the transaction has committed: then they are pushed from here."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback
        self.behind: list[ref[Atomic]] = []

    def __call__(self) -> None:
        try:
            self.callback()
        except BaseException:
            # What Django has forgotten, since its savepoint was rolled back, is there no more.
            for batch in filter(None, [each() for each in self.behind]):
                with suppress(Exception):  # it is in the log, and who waits gets the first error
                    batch.push()
            raise


def guard(batch: Atomic, callbacks: list[Any]) -> None:
    for number, (savepoints, callback, *robust) in enumerate(callbacks):
        if any(robust):
            continue
        if not isinstance(callback, Guarded):
            callback = Guarded(callback)
            callbacks[number] = (savepoints, callback, *robust)
        callback.behind.append(ref(batch))
