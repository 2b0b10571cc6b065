"""A job of buoy with the plugins that most jobs have."""

from benchmarks import jobs
from buoy import Job
from buoy_loner import Loner
from buoy_retry import Retry
from buoy_status import Status

from .buoy_app import Ways


class Mark(Job):
    queue = jobs.QUEUE
    plugins = [Retry(limit=5, delay=90), Status(), Loner()]

    def perform(self, number: int) -> None:
        jobs.mark(number)


ways = Ways(mark=Mark)
enqueue, enqueue_many = ways.enqueue, ways.enqueue_many
