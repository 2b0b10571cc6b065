"""A job of buoy with a limit that keeps nearly all back: they wait in line."""

from benchmarks import jobs
from buoy import Job
from buoy_limits import Limit

from .buoy_app import Ways


class Mark(Job):
    queue = jobs.QUEUE
    plugins = [Limit(at_once=10)]

    def perform(self, number: int) -> None:
        jobs.mark(number)


ways = Ways(mark=Mark)
enqueue, enqueue_many = ways.enqueue, ways.enqueue_many
