"""A job of buoy that belongs to one of a hundred tenants, who take turns."""

from benchmarks import jobs
from buoy import Job
from buoy_limits import Fair

from .buoy_app import Ways


class Mark(Job):
    queue = jobs.QUEUE
    plugins = [Fair(key=lambda arguments: arguments["number"] % 100)]

    def perform(self, number: int) -> None:
        jobs.mark(number)


ways = Ways(mark=Mark)
enqueue, enqueue_many = ways.enqueue, ways.enqueue_many
