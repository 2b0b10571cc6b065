"""A job that charges, and enqueues the packing with its good end."""

from typing import Literal

from buoy import Job, current_job

from .record import note, wait_for

LEVELS: tuple[Literal["high", "normal", "low"], ...] = ("high", "normal", "low")


class Pack(Job):
    queue = "warehouse"

    def perform(self, order: int) -> None:
        note("packed", str(order))


class Tell(Job):
    queue = "payments"

    def perform(self, order: int) -> None:
        note("told", str(order))


class Charge(Job):
    queue = "payments"

    def perform(self, order: int, gate: str = "") -> None:
        self.enqueue_after_success(Pack, order)
        self.enqueue_after_success(Tell, order)
        note("charged", str(order))
        if gate:
            wait_for(gate)


SHELVES = tuple(f"shelf{number}" for number in range(12))
"""Queues that lie on all nodes of a cluster."""


class Put(Job):
    def perform(self, order: int) -> None: ...


class Sort(Job):
    """Puts something on each shelf with its good end, each order with one of the priorities."""

    queue = "payments"

    def perform(self, order: int) -> None:
        level = LEVELS[order % 3]
        for shelf in SHELVES:
            self.enqueue_after_success(Put.using(queue=shelf, priority=level), order)
        note("sorted", str(order))


class AsyncCharge(Job):
    queue = "payments"

    async def perform(self, order: int) -> None:
        with current_job().after_success():
            await Pack.aenqueue(order)
            await Tell.aenqueue(order)
        note("charged", str(order))


class Take(Job):
    queue = "payments"

    def perform(self, order: int) -> int:
        note("charged", str(order))
        return order * 10


class AsyncTake(Job):
    queue = "payments"

    async def perform(self, order: int) -> int:
        note("charged", str(order))
        return order * 10
