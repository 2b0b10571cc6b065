"""Unique jobs, and a worker that is driven step by step."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from buoy import App, Handle, Job, Later, Plugin, hookimpl
from buoy.jobs.run import run
from buoy.model.reservation import Reservation, RoundTripRequest
from buoy_loner import Loner

numbers = count(1)


@dataclass(frozen=True)
class RetryOnce(Plugin):
    """Runs a job that failed once more, after a minute."""

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(60) if job.attempt == 1 else None


class Charge(Job):
    queue = "purchasing"
    plugins = [Loner()]

    def perform(self, purchase_id: int, note: str = "") -> None:
        if note == "fail":
            raise ValueError(purchase_id)


class Refund(Charge):
    """Jobs of another class in the same queue."""


class Tenacious(Charge):
    plugins = [RetryOnce()]


class Fleeting(Charge):
    expires = 5


class Reindex(Job):
    plugins = [Loner(until="started"), RetryOnce()]

    def perform(self, shop: int, note: str = "") -> None:
        if note == "fail":
            raise ValueError(shop)


class Other(Plugin):
    """Another plugin that takes a claim."""

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.claim("other")


class PerAccount(Loner):
    """A second Loner, with a claim of its own."""


class Both(Job):
    plugins = [Loner(), PerAccount(key="account"), Other()]

    def perform(self, account: int, year: int) -> None: ...


def state_and_holder(handle: Handle[Any]) -> tuple[str, str | None]:
    """Returns the state of a handle and the id of the job that holds the claim."""
    return handle.state, handle.holder


def take(app: App, queue: str, worker: str = "one") -> Reservation:
    """Reserve the next job of a queue."""
    [reservation] = app.broker.advance_queue(
        worker, RoundTripRequest(queue, next(numbers), wanted=1)
    ).reservations
    return reservation


def finish(app: App, reservation: Reservation) -> list[str]:
    """Run a reserved job and settle it; returns the ids of refused settlements."""
    trip = RoundTripRequest(reservation.queue, next(numbers), settlements=[run(reservation)])
    return [each.id for each in app.broker.advance_queue("one", trip).refused]
