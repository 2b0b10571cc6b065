"""A job of buoy that another one follows, in the same queue."""

from benchmarks import jobs
from buoy import Job

from .buoy_app import Ways


class Follow(Job):
    queue = jobs.QUEUE

    def perform(self, number: int) -> None: ...


class Mark(Job):
    queue = jobs.QUEUE

    def perform(self, number: int) -> None:
        self.enqueue_after_success(Follow, number)
        jobs.mark(number)


ways = Ways(mark=Mark)
enqueue, enqueue_many = ways.enqueue, ways.enqueue_many
