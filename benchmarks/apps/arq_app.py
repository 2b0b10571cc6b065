"""arq, without results. BENCH_POLL: seconds between its looks at the queue."""

import os
from collections.abc import Awaitable, Callable

from arq import create_pool, func, run_worker
from arq.connections import ArqRedis, RedisSettings

from benchmarks import ajobs, jobs

REDIS = RedisSettings.from_dsn(jobs.URL)


async def mark(ctx: object, number: int) -> None:
    await ajobs.mark(number)


async def nap(ctx: object, number: int) -> None:
    await ajobs.nap(number)


class Settings:
    """As ``arq`` takes them; but without its logging."""

    redis_settings = REDIS
    functions = [func(mark, keep_result=0), func(nap, keep_result=0)]
    max_jobs = int(os.environ.get("BENCH_SLOTS", "10"))
    poll_delay = float(os.environ.get("BENCH_POLL", "0.5"))


pools: list[ArqRedis] = []


def enqueue(kind: str) -> Callable[[int], Awaitable[object]]:
    async def one(number: int) -> object:
        if not pools:
            pools.append(await create_pool(REDIS))
        return await pools[0].enqueue_job(kind, number)

    return one


if __name__ == "__main__":
    run_worker(Settings)
