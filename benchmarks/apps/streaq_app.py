"""streaq, without results; started by a script of one's own, so that it logs warnings only."""

import logging
import os
from collections.abc import Awaitable, Callable, Sequence

from streaq import Worker

from benchmarks import ajobs, jobs

worker = Worker(redis_url=jobs.URL, concurrency=int(os.environ.get("BENCH_SLOTS", "16")))


@worker.task(name="mark", ttl=0)
async def mark(number: int) -> None:
    await ajobs.mark(number)


@worker.task(name="nap", ttl=0)
async def nap(number: int) -> None:
    await ajobs.nap(number)


JOBS = {"mark": mark, "nap": nap}
entered: list[object] = []


async def enter() -> None:
    if not entered:
        entered.append(await worker.__aenter__())


def enqueue(kind: str) -> Callable[[int], Awaitable[object]]:
    async def one(number: int) -> object:
        await enter()
        return await JOBS[kind].enqueue(number)

    return one


async def enqueue_many(kind: str, numbers: Sequence[int]) -> None:
    await enter()
    await worker.enqueue_many([JOBS[kind].enqueue(number) for number in numbers])


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    worker.run_sync()
