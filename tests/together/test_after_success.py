"""Jobs that follow others, with Retry, Loner and Status: as if they had been enqueued by a program
at the good end of their parent."""

from typing import Any

import pytest

from buoy import App, Handle, Job
from buoy.testing import Clock, FakeWorker, drain
from buoy_loner import holder
from buoy_status import cancel, status

from .jobs import ORDERS, VARIATIONS, Pay

BOTH = VARIATIONS[Pay, ORDERS[0], "finished"]
handles: list[Handle[Any]] = []


class Parent(Job):
    queue = "orders"

    def perform(self, how: str, then: str = "") -> None:
        handles.append(self.enqueue_after_success(BOTH, how))
        if then == "fail":
            raise ValueError


@pytest.fixture(autouse=True)
def none_made(buoy_app: App) -> None:
    handles.clear()


def run_parent(app: App, *args: str) -> Handle[Any]:
    Parent.enqueue(*args)
    worker = FakeWorker(app, "orders")
    worker.run(worker.take())
    return handles[-1]


def state(handle: Handle[Any]) -> str | None:
    found = status(handle)
    return None if found is None else found.state


def test_until_the_parent_has_ended_nobody_knows_of_it(buoy_app: App) -> None:
    handle = run_parent(buoy_app, "well", "fail")

    assert state(handle) is None
    assert holder(BOTH, "well") is None
    assert drain(buoy_app, "payments") == {}


def test_it_is_tried_again_and_ends_as_any_job(buoy_app: App, buoy_clock: Clock) -> None:
    handle = run_parent(buoy_app, "busy")
    assert (state(handle), holder(BOTH, "busy")) == ("queued", handle.id)

    assert drain(buoy_app, "payments") == {"delayed": 1}
    assert state(handle) == "delayed"
    buoy_clock.advance(3600)
    assert drain(buoy_app, "payments") == {"failed": 1}
    assert state(handle) == "failed"
    assert holder(BOTH, "busy") is None


def test_of_equal_ones_one_is_kept(buoy_app: App, caplog: pytest.LogCaptureFixture) -> None:
    first, second = run_parent(buoy_app, "well"), run_parent(buoy_app, "well")

    assert [view.id for view in buoy_app.monitor.peek("payments")] == [first.id]
    assert any(second.id in line and "is kept out" in line for line in caplog.messages)
    assert state(second) is None


def test_it_can_be_cancelled(buoy_app: App) -> None:
    handle = run_parent(buoy_app, "well")

    assert cancel(handle) == "queued"
    assert drain(buoy_app) == {}


def test_the_next_job_of_a_chain_is_one_too(buoy_app: App) -> None:
    BOTH.then(BOTH, "early").then(Parent, "never").enqueue("well")

    assert drain(buoy_app) == {"done": 1, "delayed": 1}
    assert holder(BOTH, "early") is not None
    assert handles == []
