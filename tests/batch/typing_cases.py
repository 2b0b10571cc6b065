"""Read by type checkers, never run: see tests/core/typing_cases.py."""

from buoy import App, Handle, Job
from buoy_batch import Batch, Progress, current_batch


class Row(Job):
    def perform(self, number: int, name: str = "") -> str:
        return name


class Announce(Job):
    async def perform(self, batch: str) -> None: ...


def fill() -> None:
    with Batch(queue="mail", description="rows", app=App()) as batch:
        batch.on_success(Announce, batch.id)
        batch.on_complete(Announce.using(delay=60), batch.id)
        batch.on_death(Announce, batch=batch.id)
        handle: Handle[str] = batch.enqueue(Row, 1, name="a")
        other: Handle[None] = batch.enqueue(Announce, "x")
        batch.enqueue(Row.using(queue="slow"), 1)
        batch.enqueue_many(Row, [(1,), {"number": 2}])
        with batch.nest(description="inner") as inner:
            inner.enqueue(Row, 1)
    progress: Progress | None = batch.progress()
    lost: int = batch.repair()
    _ = handle, other, progress, lost
    current_batch().enqueue(Row, 1)


async def fill_awaiting() -> None:
    async with Batch() as batch:
        handle: Handle[str] = await batch.aenqueue(Row, 1)
        await batch.aenqueue_many(Row, [(1,)])
    progress: Progress | None = await batch.aprogress()
    await batch.acancel()
    _ = handle, progress


def wrong() -> None:
    batch = Batch()
    batch.on_success(Announce)  # type: ignore[call-arg]
    batch.on_complete(Announce, 5)  # type: ignore[arg-type]
    batch.on_death(Row, "x")  # type: ignore[arg-type]
    batch.enqueue(Row, "x")  # type: ignore[call-overload]
    batch.enqueue(Row, 1, 2)  # type: ignore[call-overload]
    batch.enqueue_many(5, [])  # type: ignore[arg-type]
    Batch(queue=5)  # type: ignore[arg-type]
    Batch("mail")  # type: ignore[call-arg]
    Batch.by_id(5)  # type: ignore[arg-type]
