"""taskiq, without results, on a list or on a stream (BENCH_BROKER)."""

import os
from collections.abc import Awaitable, Callable

from taskiq_redis import ListQueueBroker, RedisStreamBroker

from benchmarks import ajobs, jobs

kind_of_broker = RedisStreamBroker if os.environ["BENCH_BROKER"] == "stream" else ListQueueBroker
broker = kind_of_broker(jobs.URL, queue_name=jobs.QUEUE)


@broker.task
async def mark(number: int) -> None:
    await ajobs.mark(number)


@broker.task
async def nap(number: int) -> None:
    await ajobs.nap(number)


JOBS = {"mark": mark, "nap": nap}
started: list[bool] = []


def enqueue(kind: str) -> Callable[[int], Awaitable[object]]:
    async def one(number: int) -> object:
        if not started:
            started.append(True)
            await broker.startup()
        return await JOBS[kind].kiq(number)

    return one
