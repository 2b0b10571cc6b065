"""Cancelling jobs."""

import asyncio
from typing import Any

import pytest

from buoy import App, Job
from buoy.operations import lost_run
from buoy.testing import Clock, FakeWorker, drain
from buoy_status import acancel, acancelled, cancel, cancelled

from .shop import Checkout, Plain, Stubborn, fail, state_of


def test_cancel_removes_a_queued_job(buoy_app: App) -> None:
    handle = Checkout.enqueue(42)

    assert cancel(handle) == "queued"
    found = state_of(Checkout, 42)
    assert (found.state, found.id, found.attempt) == ("cancelled", handle.id, 1)
    assert found.enqueued_at is not None
    assert found.ended_at is not None
    assert drain(buoy_app) == {}


def test_cancel_removes_delayed_jobs_before_and_after_a_failed_attempt(
    buoy_app: App, buoy_clock: Clock, inside: Any
) -> None:
    Checkout.using(delay=60).enqueue(42)
    Stubborn.enqueue(43)
    inside(fail)
    drain(buoy_app)

    assert cancel(state_of(Checkout, 42)) == "delayed"
    assert cancel(state_of(Stubborn, 43)) == "delayed"
    assert state_of(Checkout, 42).state == "cancelled"
    assert (state_of(Stubborn, 43).state, state_of(Stubborn, 43).attempt) == ("cancelled", 2)
    buoy_clock.advance(100)
    assert drain(buoy_app) == {}


async def asked(job: Job) -> bool:
    try:
        return await acancelled(job)
    finally:
        await job.app.aclose()


def test_a_cancelled_run_loses_its_job_at_once(
    buoy_app: App, worker: FakeWorker, inside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_run, "INTERVAL", 0.0)

    def work(job: Job) -> None:
        assert not cancelled(job)
        assert not asyncio.run(asked(job))
        assert cancel(job.id) == "running"
        assert asyncio.run(asked(job))
        assert cancelled(job)
        assert state_of(Checkout, 42).state == "cancelled"

    Checkout.enqueue(42)
    inside(work)
    held = worker.take()

    assert not worker.run(held)
    assert state_of(Checkout, 42).state == "cancelled"
    assert buoy_app.broker.renew_leases({"purchasing": [held]}) == [held]


def test_cancel_does_nothing_to_an_ended_job(buoy_app: App, inside: Any) -> None:
    done, failed = Checkout.enqueue(1), Checkout.enqueue(2)
    inside(fail)
    inside(lambda job: None)
    drain(buoy_app)

    assert cancel(done) is None
    assert cancel(failed) is None
    assert cancel("a") is None
    assert state_of(done).state == "done"
    assert state_of(failed).state == "failed"


def test_cancel_by_id_searches_all_queues(buoy_app: App) -> None:
    first, second = Checkout.enqueue(42), Checkout.using(queue="slow").enqueue(42)

    assert cancel(second.id) == "queued"
    assert cancel(first.id, queue="slow") is None
    assert cancel(first.id, queue="purchasing") == "queued"
    assert state_of(second.id).state == state_of(first.id).state == "cancelled"


def test_cancel_finds_a_job_that_was_moved(buoy_app: App) -> None:
    handle = Checkout.enqueue(42)
    buoy_app.move("purchasing", "slow")

    assert cancel(handle) == "queued"
    assert state_of(handle).state == state_of(Checkout, 42).state == "cancelled"


def test_a_job_without_the_plugin_can_be_cancelled(buoy_app: App) -> None:
    handle = Plain.enqueue()

    assert cancel(handle) == "queued"
    assert state_of(handle).state == "cancelled"


def test_acancel_cancels_from_a_coroutine(buoy_app: App) -> None:
    handle = Checkout.enqueue(42)

    async def program() -> None:
        assert await acancel(handle) == "queued"
        assert await acancel(handle.id, queue="purchasing") is None
        await buoy_app.aclose()

    asyncio.run(program())


def test_cancel_takes_the_app_of_a_class(buoy_app: App) -> None:
    other = App(buoy_app.settings.url, namespace="other")

    class Elsewhere(Checkout):
        app = other

    handle = Elsewhere.enqueue(42)

    assert cancel(handle) is None
    assert cancel(handle, app=other) == "queued"


def test_cancel_leaves_the_next_job_with_this_identifier_alone(buoy_app: App) -> None:
    first, second = Checkout.enqueue(42), Checkout.enqueue(42)

    cancel(first)
    assert state_of(Checkout, 42).id == second.id
    assert state_of(Checkout, 42).state == "queued"
