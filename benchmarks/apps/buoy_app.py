"""The jobs of buoy, and how all apps of buoy enqueue."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks import jobs
from buoy import Job

QUEUES = int(os.environ.get("BENCH_QUEUES", "1"))
"""The number of queues: bench, or bench0, bench1, ..."""

Enqueue = Callable[[int], object]


class Mark(Job):
    queue = jobs.QUEUE

    def perform(self, number: int) -> None:
        jobs.mark(number)


class Nap(Job):
    queue = jobs.QUEUE

    def perform(self, number: int) -> None:
        jobs.nap(number)


class Hold(Job):
    queue = jobs.QUEUE

    def perform(self, number: int) -> None:
        jobs.hold(number)


class Spare(Job):
    """The jobs of fill.py; they are not on the board."""

    queue = jobs.QUEUE

    def perform(self, number: int) -> None: ...


class Ways:
    """The functions with which produce.py enqueues the jobs of an app."""

    def __init__(self, **classes: Any) -> None:
        self.classes = classes

    def enqueue(self, kind: str) -> Enqueue:
        job = self.classes[kind]
        if QUEUES == 1:
            enqueue: Enqueue = job.enqueue
            return enqueue
        calls = [job.using(queue=f"{jobs.QUEUE}{n}") for n in range(QUEUES)]
        return lambda number: calls[number % QUEUES].enqueue(number)

    def enqueue_many(self, kind: str, numbers: Iterable[int]) -> None:
        job, rows = self.classes[kind], [(number,) for number in numbers]
        if QUEUES == 1:
            job.enqueue_many(rows)
            return
        for n in range(QUEUES):
            job.using(queue=f"{jobs.QUEUE}{n}").enqueue_many(rows[n::QUEUES])

    def enqueue_at(self, kind: str) -> Callable[[int, float], object]:
        job = self.classes[kind]
        return lambda number, when: job.using(at=when).enqueue(number)


ways = Ways(mark=Mark, nap=Nap, hold=Hold)
enqueue, enqueue_many, enqueue_at = ways.enqueue, ways.enqueue_many, ways.enqueue_at
