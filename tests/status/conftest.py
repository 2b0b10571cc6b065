from collections.abc import Callable, Iterator
from typing import Any

import pytest

from buoy import App, Job
from buoy.jobs.run import load_run, run, settle_death
from buoy.model.reservation import Reservation, RoundTripRequest

from . import shop


@pytest.fixture(autouse=True)
def nothing_inside() -> Iterator[None]:
    shop.inside.clear()
    yield
    assert not shop.inside, "a run that the test meant did not happen"


@pytest.fixture
def inside() -> Callable[[Callable[[Job], Any]], None]:
    """Returns a function that sets what the next run does."""
    return shop.inside.append


class Hands:
    """A worker in the hands of the test: it takes jobs and settles them when it is told to."""

    def __init__(self, app: App, name: str = "hands") -> None:
        self.app, self.name, self.number = app, name, 0

    def look(self, queue: str = "purchasing") -> None:
        """Come by without taking anything: that heals the queue."""
        self.app.broker.advance_queue(self.name, RoundTripRequest(queue, 0))

    def take(self, queue: str = "purchasing") -> Reservation:
        """Reserve the next job."""
        self.number += 1
        trip = RoundTripRequest(queue, self.number, wanted=1)
        [held] = self.app.broker.advance_queue(self.name, trip).reservations
        return held

    def run(self, held: Reservation) -> bool:
        """Run a reserved job and settle it; False if that was refused."""
        settlement = run(held)
        answer = self.app.broker.advance_queue(
            self.name, RoundTripRequest(held.queue, 0, settlements=[settlement])
        )
        return not answer.refused

    def bury(self, held: Reservation, death: Exception) -> None:
        """Settle a job whose child has died."""
        settlement = settle_death(held, load_run(held), death)
        self.app.broker.advance_queue(
            self.name, RoundTripRequest(held.queue, 0, settlements=[settlement])
        )


@pytest.fixture
def hands(buoy_app: App) -> Hands:
    return Hands(buoy_app)
