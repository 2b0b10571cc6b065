"""Ending jobs from outside."""

import asyncio
from typing import Any

import pytest

from buoy import App, Job
from buoy.testing import Clock, drain
from buoy_status import acancel, cancel, cancelled, running

from .conftest import Hands
from .shop import Checkout, Plain, Stubborn, fail, told


def test_a_waiting_job_is_removed(buoy_app: App) -> None:
    handle = Checkout.enqueue(42)

    assert cancel(handle) == "queued"
    found = told(Checkout, 42)
    assert (found.state, found.id, found.attempt) == ("cancelled", handle.id, 1)
    assert found.enqueued_at is not None
    assert found.ended_at is not None
    assert drain(buoy_app) == {}


def test_a_delayed_one_too_and_one_that_is_retrying(
    buoy_app: App, buoy_clock: Clock, inside: Any
) -> None:
    Checkout.using(delay=60).enqueue(42)
    Stubborn.enqueue(43)
    inside(fail)
    drain(buoy_app)

    assert cancel(told(Checkout, 42)) == "delayed"
    assert cancel(told(Stubborn, 43)) == "delayed"
    assert told(Checkout, 42).state == "cancelled"
    assert (told(Stubborn, 43).state, told(Stubborn, 43).attempt) == ("cancelled", 2)
    buoy_clock.advance(100)
    assert drain(buoy_app) == {}


def test_a_running_one_has_lost_its_job_at_once(
    buoy_app: App, hands: Hands, inside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "PAUSE", 0.0)

    def work(job: Job) -> None:
        assert not cancelled(job)
        assert cancel(job.id) == "running"
        assert cancelled(job)
        assert told(Checkout, 42).state == "cancelled"

    Checkout.enqueue(42)
    inside(work)
    held = hands.take()

    assert not hands.run(held)
    assert told(Checkout, 42).state == "cancelled"
    assert buoy_app.broker.beat({"purchasing": [held]}) == [held]


def test_what_has_ended_is_let_be(buoy_app: App, inside: Any) -> None:
    done, failed = Checkout.enqueue(1), Checkout.enqueue(2)
    inside(fail)
    inside(lambda job: None)
    drain(buoy_app)

    assert cancel(done) is None
    assert cancel(failed) is None
    assert cancel("a") is None
    assert told(done).state == "done"
    assert told(failed).state == "failed"


def test_by_id_alone_all_queues_are_asked(buoy_app: App) -> None:
    first, second = Checkout.enqueue(42), Checkout.using(queue="slow").enqueue(42)

    assert cancel(second.id) == "queued"
    assert cancel(first.id, queue="slow") is None
    assert cancel(first.id, queue="purchasing") == "queued"
    assert told(second.id).state == told(first.id).state == "cancelled"


def test_a_job_that_was_moved_is_found(buoy_app: App) -> None:
    from buoy.operations.move import Move

    handle = Checkout.enqueue(42)
    Move(buoy_app.control, buoy_app.monitor, "purchasing", "slow", "mover").run()

    assert cancel(handle) == "queued"
    assert told(handle).state == told(Checkout, 42).state == "cancelled"


def test_a_job_without_the_plugin_can_be_cancelled_too(buoy_app: App) -> None:
    handle = Plain.enqueue()

    assert cancel(handle) == "queued"
    assert told(handle).state == "cancelled"


def test_who_awaits_can_cancel(buoy_app: App) -> None:
    handle = Checkout.enqueue(42)

    assert asyncio.run(acancel(handle)) == "queued"
    assert asyncio.run(acancel(handle.id, queue="purchasing")) is None


def test_the_app_of_a_class_is_named(buoy_app: App) -> None:
    other = App(buoy_app.settings.url, namespace="other")

    class Elsewhere(Checkout):
        app = other

    handle = Elsewhere.enqueue(42)

    assert cancel(handle) is None
    assert cancel(handle, app=other) == "queued"


def test_the_next_of_the_same_identifier_is_not_touched(buoy_app: App) -> None:
    first, second = Checkout.enqueue(42), Checkout.enqueue(42)

    cancel(first)
    assert told(Checkout, 42).id == second.id
    assert told(Checkout, 42).state == "queued"
