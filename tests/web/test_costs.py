"""What pages cost: few round trips, however many queues, jobs and ends there are."""

from collections.abc import Callable
from typing import Any

import pytest

from buoy import App, Job
from buoy.testing import drain
from buoy_history import History
from buoy_loner import Loner
from buoy_scheduler import get_schedule, set_schedule
from buoy_scheduler.targets import run_now
from buoy_status import Status

from .conftest import Site

MOST = 5
"""Round trips of a page."""


class Ship(Job):
    queue = "shop-1"
    plugins = [Status(), History(), Loner()]

    def perform(self, order: int) -> None:
        if order < 0:
            raise ValueError(f"no order {order}")


Trips = Callable[[str], int]


@pytest.fixture
def trips(site: Site, buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Trips:
    """Tells how many round trips a page takes. There are twenty queues."""
    for number in range(20):
        buoy_app.push("shop.Pack", [number], queue=f"shop-{number}")
    client = type(buoy_app.broker.client)
    real, count = client.calls, 0

    def counting(self: Any, commands: Any) -> list[Any]:
        nonlocal count
        count += 1
        return real(self, commands)

    monkeypatch.setattr(client, "calls", counting)

    def tell(path: str) -> int:
        nonlocal count
        site.text(path)  # the server learns scripts, the dashboard its secret
        count = 0
        site.text(path)
        return count

    return tell


def test_the_page_of_a_job(trips: Trips) -> None:
    assert trips(f"/jobs/{Ship.enqueue(1).id}") <= MOST


def test_the_page_of_a_job_that_has_ended(trips: Trips, buoy_app: App) -> None:
    id = Ship.enqueue(1).id
    drain(buoy_app, "shop-1", raise_errors=False)
    buoy_app.command("DEL", buoy_app.key("shop-1", "ended"))

    assert trips(f"/jobs/{id}") <= MOST


@pytest.mark.parametrize("path", ["/failed", "/failed?q=error:order", "/history"])
def test_pages_of_many(trips: Trips, buoy_app: App, path: str) -> None:
    Ship.enqueue_many([(-order,) for order in range(1, 120)])
    drain(buoy_app, "shop-1", raise_errors=False)

    assert trips(path) <= MOST


@pytest.mark.parametrize("path", ["/unique", "/unique?q=Pack", "/audit"])
def test_pages_over_all_queues(trips: Trips, path: str) -> None:
    Ship.enqueue_many([(order,) for order in range(120)])

    assert trips(path) <= MOST


@pytest.mark.parametrize("path", ["/schedule", "/schedule/entry", "/schedule/entry?name=entry-3"])
def test_the_schedule(
    trips: Trips, buoy_app: App, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("buoy_scheduler.schedule.declared_crons", lambda: iter(()))
    for number in range(20):
        set_schedule(f"entry-{number}", "shop.Pack", every=60, queue=f"shop-{number}")
        run_now(get_schedule()[f"entry-{number}"])

    assert trips(path) <= MOST
