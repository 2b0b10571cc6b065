"""Huey, without results."""

from collections.abc import Callable

from huey import RedisHuey

from benchmarks import jobs

huey = RedisHuey(jobs.QUEUE, url=jobs.URL, results=False)


@huey.task()
def mark(number: int) -> None:
    jobs.mark(number)


@huey.task()
def nap(number: int) -> None:
    jobs.nap(number)


JOBS = {"mark": mark, "nap": nap}


def enqueue(kind: str) -> Callable[[int], object]:
    return JOBS[kind]
