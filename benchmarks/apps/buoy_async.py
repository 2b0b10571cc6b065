"""The jobs of buoy as coroutines."""

from benchmarks import ajobs, jobs
from buoy import Job

from .buoy_app import Ways


class Mark(Job):
    queue = jobs.QUEUE

    async def perform(self, number: int) -> None:
        await ajobs.mark(number)


class Nap(Job):
    queue = jobs.QUEUE

    async def perform(self, number: int) -> None:
        await ajobs.nap(number)


ways = Ways(mark=Mark, nap=Nap)
enqueue, enqueue_many = ways.enqueue, ways.enqueue_many
