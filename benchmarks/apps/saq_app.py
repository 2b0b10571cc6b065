"""saq. A job gets a second attempt: without one, a lost job is aborted, not run again."""

import os
from collections.abc import Awaitable, Callable

from saq import Queue

from benchmarks import ajobs, jobs

queue = Queue.from_url(jobs.URL, name=jobs.QUEUE)


async def mark(ctx: object, *, number: int) -> None:
    await ajobs.mark(number)


async def nap(ctx: object, *, number: int) -> None:
    await ajobs.nap(number)


settings = {
    "queue": queue,
    "functions": [mark, nap],
    "concurrency": int(os.environ.get("BENCH_SLOTS", "10")),
}


def enqueue(kind: str) -> Callable[[int], Awaitable[object]]:
    async def one(number: int) -> object:
        return await queue.enqueue(kind, number=number, retries=3, ttl=-1)

    return one
