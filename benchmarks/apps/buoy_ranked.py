"""A job of buoy with the priority BENCH_PRIORITY, or with each of the three in turn: "all"."""

import os
from collections.abc import Callable, Iterable
from typing import Literal

from benchmarks import jobs
from buoy import Job

LEVELS: tuple[Literal["high", "normal", "low"], ...] = ("high", "normal", "low")
GIVEN = os.environ.get("BENCH_PRIORITY", "all")
USED = [level for level in LEVELS if GIVEN in (level, "all")]


class Mark(Job):
    queue = jobs.QUEUE
    priority = USED[0]

    def perform(self, number: int) -> None:
        jobs.mark(number)


CALLS = [Mark.using(priority=level) for level in USED]


def enqueue(_kind: str) -> Callable[[int], object]:
    if len(USED) == 1:
        return Mark.enqueue
    return lambda number: CALLS[number % len(CALLS)].enqueue(number)


def enqueue_many(_kind: str, numbers: Iterable[int]) -> None:
    rows = [(number,) for number in numbers]
    if len(USED) == 1:
        Mark.enqueue_many(rows)
        return
    for n, call in enumerate(CALLS):
        call.enqueue_many(rows[n :: len(CALLS)])
