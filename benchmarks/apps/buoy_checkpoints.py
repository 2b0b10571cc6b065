"""A job of buoy with three steps: its run keeps two checkpoints, one for each step that is done."""

from benchmarks import jobs
from buoy import Job
from buoy_steps import Steps, step

from .buoy_app import Ways


class Mark(Job):
    queue = jobs.QUEUE
    plugins = [Steps()]

    def perform(self, number: int) -> None:
        step("read")
        step("write")
        if step("mark"):
            jobs.mark(number)


ways = Ways(mark=Mark)
enqueue, enqueue_many = ways.enqueue, ways.enqueue_many
