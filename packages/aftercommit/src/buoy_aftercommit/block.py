"""``with deferring():`` for transactions of libraries that this package does not know."""

from contextvars import ContextVar
from types import TracebackType

from buoy import Job

from .batch import DeferredBatch
from .push import push, start_push

entered_blocks: ContextVar[tuple["DeferringBlock", ...]] = ContextVar("entered_blocks", default=())


def deferring() -> "DeferringBlock":
    """Returns a context manager, ``with`` or ``async with``. Jobs with AfterCommit that are
    enqueued inside are pushed when the block ends, and dropped when it raises. Put it around a
    transaction, so that it ends after the commit."""
    return DeferringBlock()


class DeferringBlock(DeferredBatch):
    """The jobs that are enqueued in one block."""

    open = False

    def __enter__(self) -> None:
        self.open = True
        entered_blocks.set((*open_blocks(), self))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        push(self.close(error))

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if jobs := self.close(error):
            from asyncio import shield

            await shield(start_push(jobs))

    def close(self, error: BaseException | None) -> list[Job]:
        """End the block; returns the jobs that can be pushed now."""
        self.open = False
        around = open_blocks()
        if error is None:
            return self.commit(bool(around))
        self.drop(around)
        return []


def open_blocks() -> tuple[DeferringBlock, ...]:
    """Returns the open blocks around the caller: those of this thread or task, and those in which
    it was started."""
    return tuple(block for block in entered_blocks.get() if block.open)
