"""Dramatiq, on its default broker settings."""

from collections.abc import Callable

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks import jobs

broker = RedisBroker(url=jobs.URL)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=jobs.QUEUE)
def mark(number: int) -> None:
    jobs.mark(number)


@dramatiq.actor(queue_name=jobs.QUEUE)
def nap(number: int) -> None:
    jobs.nap(number)


JOBS = {"mark": mark, "nap": nap}


def enqueue(kind: str) -> Callable[[int], object]:
    return JOBS[kind].send
