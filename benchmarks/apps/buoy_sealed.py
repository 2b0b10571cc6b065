"""A job of buoy whose arguments are encrypted."""

from benchmarks import jobs
from buoy import Job
from buoy_sealed import Sealed

from .buoy_app import Ways

KEY = "2026-11:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
"""The program that enqueues and the worker have it."""


class Mark(Job):
    queue = jobs.QUEUE
    plugins = [Sealed(KEY)]

    def perform(self, number: int) -> None:
        jobs.mark(number)


ways = Ways(mark=Mark)
enqueue, enqueue_many = ways.enqueue, ways.enqueue_many
