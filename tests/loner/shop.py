"""Jobs with places, and a worker that is led step by step."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from buoy import App, Handle, Job, Later, Plugin, hookimpl
from buoy.jobs.run import run
from buoy.model.reservation import Advance, Reservation
from buoy_loner import Loner

numbers = count(1)


@dataclass(frozen=True)
class Again(Plugin):
    """Has a job that failed run once more, a minute later."""

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
    """Another job, of the same queue."""


class Tenacious(Charge):
    plugins = [Again()]


class Fleeting(Charge):
    expires = 5


class Reindex(Job):
    plugins = [Loner(until="started"), Again()]

    def perform(self, shop: int, note: str = "") -> None:
        if note == "fail":
            raise ValueError(shop)


class Other(Plugin):
    """A neighbour that claims, too."""

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.claim("other")


class PerAccount(Loner):
    """A second place, of another kind."""


class Both(Job):
    plugins = [Loner(), PerAccount(key="account"), Other()]

    def perform(self, account: int, year: int) -> None: ...


def told(handle: Handle[Any]) -> tuple[str, str | None]:
    """What a handle says of the place: the state, and who is there."""
    return handle.state, handle.holder


def take(app: App, queue: str, worker: str = "one") -> Reservation:
    """Reserve the next job of a queue."""
    [held] = app.broker.visit(worker, Advance(queue, next(numbers), wanted=1)).reservations
    return held


def finish(app: App, held: Reservation) -> list[str]:
    """Run a reserved job and settle it; returns the ids that are refused."""
    trip = Advance(held.queue, next(numbers), settlements=[run(held)])
    return [each.id for each in app.broker.visit("one", trip).refused]
