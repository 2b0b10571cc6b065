"""Limits beside Retry, Loner and Status: the table "With limits" of docs/together.md."""

from itertools import permutations

import pytest

from buoy import App, Handle, Job, Plugin
from buoy.testing import Clock, FakeWorker, drain
from buoy_limits import Limit
from buoy_loner import Loner, holder
from buoy_retry import Retry
from buoy_status import Status, status

PLUGINS = (Limit(at_once=1), Loner(), Retry(limit=1, delay=5), Status())


def names(order: tuple[Plugin, ...]) -> str:
    return "-".join(type(plugin).__name__ for plugin in order)


@pytest.fixture(params=permutations(PLUGINS), ids=names)
def pay(request: pytest.FixtureRequest, buoy_app: App) -> type["Pay"]:
    return type("PayHere", (Pay,), {"plugins": list(request.param), "__module__": __name__})


def state_of(handle: Handle[None]) -> str:
    found = status(handle)
    assert found is not None
    return found.state


class Pay(Job):
    queue = "payments"

    def perform(self, number: int, fails: bool = False) -> None:
        if fails:
            raise ValueError(number)


def test_each_place_of_a_job_with_limits(pay: type[Pay], buoy_app: App, buoy_clock: Clock) -> None:
    first, second = pay.enqueue(1, True), pay.enqueue(2)
    again = pay.enqueue(2)

    assert (first.state, second.state, again.state) == ("queued", "blocked", "exists")
    assert again.holder == second.id == holder(pay, 2)
    assert [state_of(each) for each in (first, second)] == ["queued", "blocked"]

    worker = FakeWorker(buoy_app, "payments")
    worker.run(worker.take())
    assert [state_of(each) for each in (first, second)] == ["delayed", "queued"]
    assert pay.enqueue(1, True).holder == first.id
    buoy_clock.advance(6)
    third = pay.enqueue(3)
    running = worker.take()
    assert [state_of(each) for each in (first, second, third)] == [
        "blocked",
        "running",
        "blocked",
    ]
    worker.run(running)
    assert drain(buoy_app) == {"done": 1, "failed": 1}
    assert [state_of(each) for each in (first, second, third)] == ["failed", "done", "done"]

    pay.enqueue(4)
    buoy_app.retry(first.id)
    assert state_of(first) == "blocked"
    assert buoy_app.cancel(first.id) == "blocked"
    assert drain(buoy_app) == {"done": 1}
    assert buoy_app.command("EXISTS", buoy_app.key("payments", "blocked")) == 0
