"""``with holding():`` a transaction that nobody else tells of."""

from contextvars import ContextVar
from types import TracebackType

from buoy import Job

from .hold import Batch
from .push import push, start

blocks: ContextVar[tuple["Block", ...]] = ContextVar("blocks", default=())


def holding() -> "Block":
    """``with holding():`` jobs with AfterCommit that are enqueued inside are pushed when the block
    ends, and dropped when it raises. Put it around a transaction: it must end last."""
    return Block()


class Block(Batch):
    """The jobs that are enqueued in one such block."""

    open = False

    def __enter__(self) -> None:
        self.open = True
        blocks.set((*open_blocks(), self))

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

            await shield(start(jobs))

    def close(self, error: BaseException | None) -> list[Job]:
        """End the block; returns the jobs that may go."""
        self.open = False
        around = open_blocks()
        if error is None:
            return self.commit(bool(around))
        self.drop(around)
        return []


def open_blocks() -> tuple[Block, ...]:
    """The blocks around the caller, in this thread or task and in those that it comes from."""
    return tuple(block for block in blocks.get() if block.open)
