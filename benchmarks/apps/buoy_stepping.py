"""A job of buoy that declares steps, and begins one."""

from benchmarks import jobs
from buoy import Job
from buoy_steps import Steps, step

from .buoy_app import Ways


class Mark(Job):
    queue = jobs.QUEUE
    plugins = [Steps()]

    def perform(self, number: int) -> None:
        if step("mark"):
            jobs.mark(number)


ways = Ways(mark=Mark)
enqueue, enqueue_many = ways.enqueue, ways.enqueue_many
