"""Members of batches, in two queues, and what follows them."""

from buoy import Job
from buoy_batch import current_batch
from buoy_retry import Retry

from .record import note, wait_for


class Part(Job):
    queue = "parts"
    plugins = [Retry(limit=1, delay=0)]

    def perform(self, number: int, gate: str = "") -> None:
        note("part", str(number))
        if gate:
            wait_for(gate)
        if number % 10 == 3:
            raise ValueError(number)
        if number % 10 == 7:
            current_batch().enqueue(Extra, number)


class Extra(Job):
    queue = "extras"

    def perform(self, number: int) -> None:
        note("extra", str(number))


class After(Job):
    queue = "home"

    def perform(self, event: str) -> None:
        note("after", event)
