"""Jobs of buoy that are members of one batch, which lives in their queue."""

from collections.abc import Iterable
from functools import partial

from benchmarks import jobs
from buoy_batch import Batch

from .buoy_app import Enqueue, Mark

batch = Batch(queue=jobs.QUEUE)


def enqueue(kind: str) -> Enqueue:
    return partial(batch.enqueue, Mark)


def enqueue_many(kind: str, numbers: Iterable[int]) -> None:
    batch.enqueue_many(Mark, [(number,) for number in numbers])
