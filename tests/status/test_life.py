"""The state of a job at each step of its life."""

import asyncio
from typing import Any

import pytest

from buoy import App, MemoryExceeded
from buoy.operations.failed_set import Filter, find, remove, retry
from buoy.testing import Clock, FakeWorker, drain
from buoy_status import State, astatus, status

from .shop import Checkout, FailingPlugin, Stubborn, fail, state_of


class TestLife:
    def test_an_unknown_job_has_no_state(self, buoy_app: App) -> None:
        assert status(Checkout, 42) is None
        assert status("a") is None
        assert status("a", queue="purchasing") is None

    def test_a_job_is_queued_then_running_then_done(
        self, buoy_app: App, worker: FakeWorker
    ) -> None:
        handle = Checkout.enqueue(42)
        waiting = state_of(Checkout, 42)
        assert (waiting.id, waiting.queue, waiting.state) == (handle.id, "purchasing", "queued")
        assert (waiting.attempt, waiting.ended, waiting.result) == (1, False, None)

        held = worker.take()
        assert state_of(Checkout, 42).state == "running"

        assert worker.run(held)
        done = state_of(Checkout, 42)
        assert (done.state, done.result, done.ended) == ("done", {"cart": 42}, True)
        assert (done.id, done.attempt) == (handle.id, 1)
        assert done.enqueued_at == waiting.enqueued_at
        assert done.enqueued_at is not None
        assert done.started_at is not None
        assert done.ended_at is not None
        assert done.enqueued_at <= done.started_at <= done.ended_at

    def test_arguments_handle_id_and_state_find_the_same_job(self, buoy_app: App) -> None:
        handle = Checkout.enqueue(42, "x")
        for _ in ("queued", "done"):
            found = status(Checkout, 42, note="x")
            assert found is not None
            assert found == status(handle) == status(handle.id) == status(found)
            assert found == status(handle.id, queue="purchasing")
            drain(buoy_app)

    def test_astatus_returns_what_status_returns(self, buoy_app: App) -> None:
        async def ask() -> list[State[Any] | None]:
            found = [await astatus(Checkout, 42), await astatus(handle), await astatus(handle.id)]
            await buoy_app.aclose()
            return found

        handle = Checkout.enqueue(42)
        assert asyncio.run(ask()) == [status(handle)] * 3

    def test_a_delayed_job_has_a_due_time(self, buoy_app: App, buoy_clock: Clock) -> None:
        Checkout.using(delay=6000).enqueue(42)
        delayed = state_of(Checkout, 42)
        assert delayed.state == "delayed"
        assert delayed.enqueued_at is not None
        assert delayed.due_at == pytest.approx(delayed.enqueued_at + 6000, abs=60)

        buoy_clock.advance(6001)
        drain(buoy_app)
        assert state_of(Checkout, 42).state == "done"

    def test_a_job_that_fails_is_delayed_until_its_next_attempt(
        self, buoy_app: App, buoy_clock: Clock, worker: FakeWorker, inside: Any
    ) -> None:
        Stubborn.enqueue(42)
        inside(fail)
        drain(buoy_app)
        failing = state_of(Stubborn, 42)
        assert (failing.state, failing.attempt) == ("delayed", 2)
        assert (failing.error, failing.message) == ("ValueError", "no such card")
        assert failing.due_at is not None

        buoy_clock.advance(61)
        FakeWorker(buoy_app, "purchasing", "other").heal()
        assert state_of(Stubborn, 42).state == "queued"  # due, and nobody has taken it
        held = worker.take()
        running = state_of(Stubborn, 42)
        assert (running.state, running.attempt, running.error) == ("running", 2, "ValueError")

        worker.run(held)
        done = state_of(Stubborn, 42)
        assert (done.state, done.attempt, done.error) == ("done", 2, None)

    def test_a_job_that_is_not_retried_is_failed(
        self, buoy_app: App, buoy_clock: Clock, inside: Any
    ) -> None:
        Stubborn.enqueue(42)
        for _ in range(3):
            inside(fail)
            drain(buoy_app)
            buoy_clock.advance(61)

        failed = state_of(Stubborn, 42)
        assert (failed.state, failed.attempt, failed.ended) == ("failed", 3, True)
        assert (failed.error, failed.message) == ("ValueError", "no such card")
        assert failed.ended_at is not None

    def test_a_job_whose_process_died_is_failed(self, buoy_app: App, worker: FakeWorker) -> None:
        Checkout.enqueue(42)
        worker.kill(worker.take(), MemoryExceeded("too fat"))

        failed = state_of(Checkout, 42)
        assert (failed.state, failed.error) == ("failed", "buoy.errors.MemoryExceeded")

    def test_an_error_in_on_failure_of_another_plugin_does_not_hide_the_failure(
        self, buoy_app: App, inside: Any
    ) -> None:
        class Broken(Checkout):
            plugins = [FailingPlugin()]

        Broken.enqueue(42)
        inside(fail)
        drain(buoy_app)
        remove(buoy_app.control, find(buoy_app.monitor, Filter()))

        assert (state_of(Broken, 42).state, state_of(Broken, 42).error) == ("failed", "ValueError")

    def test_a_job_of_a_lost_worker_is_queued_again(
        self, buoy_app: App, buoy_clock: Clock, worker: FakeWorker
    ) -> None:
        Checkout.enqueue(42)
        held = worker.take()
        for _ in range(40):  # another worker looks closely
            buoy_clock.advance(1)
            FakeWorker(buoy_app, "purchasing", "other").heal()
        assert state_of(Checkout, 42).state == "queued"

        again = FakeWorker(buoy_app, "purchasing", "other").take()
        assert not worker.run(held)
        assert state_of(Checkout, 42).state == "running"
        assert again.id == held.id

    def test_a_job_of_an_unknown_class_has_a_state_by_id(self, buoy_app: App) -> None:
        handle = buoy_app.push("other.team.Job", [1], queue="mail")
        assert state_of(handle).state == "queued"

        drain(buoy_app, "mail")
        assert (state_of(handle).state, state_of(handle).error) == (
            "failed",
            "buoy.errors.UnknownJob",
        )

    def test_a_job_pushed_by_name_has_a_state_by_arguments_after_its_end(
        self, buoy_app: App
    ) -> None:
        handle = buoy_app.push(Checkout.name, [42], queue="purchasing")
        assert status(Checkout, 42) is None
        drain(buoy_app)

        assert state_of(handle).state == state_of(Checkout, 42).state == "done"


class TestSilentEnds:
    def test_a_dequeued_job_is_cancelled(self, buoy_app: App) -> None:
        handle = Checkout.enqueue(42)
        buoy_app.dequeue(Checkout, 42)

        for found in (state_of(Checkout, 42), state_of(handle), state_of(handle.id)):
            assert (found.state, found.ended, found.ended_at) == ("cancelled", True, None)

    def test_an_expired_job_is_cancelled(self, buoy_app: App, buoy_clock: Clock) -> None:
        class Fresh(Checkout):
            expires = 5.0

        Fresh.enqueue(42)
        buoy_clock.advance(60)
        assert drain(buoy_app) == {"rejected": 1}

        assert state_of(Fresh, 42).state == "cancelled"

    def test_a_failed_job_that_is_retried_is_queued(self, buoy_app: App, inside: Any) -> None:
        handle = Checkout.enqueue(42)
        inside(fail)
        drain(buoy_app)
        retry(buoy_app.control, find(buoy_app.monitor, Filter()))

        assert state_of(handle).state == state_of(Checkout, 42).state == "queued"
        drain(buoy_app)
        assert state_of(handle).state == state_of(Checkout, 42).state == "done"

    def test_a_removed_failed_job_is_failed(self, buoy_app: App, inside: Any) -> None:
        handle = Checkout.enqueue(42)
        inside(fail)
        drain(buoy_app)
        remove(buoy_app.control, find(buoy_app.monitor, Filter()))

        for found in (state_of(Checkout, 42), state_of(handle.id)):
            assert (found.state, found.message) == ("failed", "no such card")

    def test_a_moved_job_is_found_in_its_new_queue(self, buoy_app: App, inside: Any) -> None:
        handle = Checkout.enqueue(42)
        buoy_app.move("purchasing", "slow")

        for found in (state_of(Checkout, 42), state_of(handle), state_of(handle.id)):
            assert (found.state, found.queue) == ("queued", "slow")
        drain(buoy_app)
        for found in (state_of(Checkout, 42), state_of(handle), state_of(handle.id)):
            assert (found.state, found.queue) == ("done", "slow")

    def test_a_retried_and_moved_job_is_found_in_its_new_queue(
        self, buoy_app: App, inside: Any
    ) -> None:
        handle = Checkout.enqueue(42)
        inside(fail)
        drain(buoy_app)
        retry(buoy_app.control, find(buoy_app.monitor, Filter()))
        buoy_app.move("purchasing", "slow")

        for found in (state_of(Checkout, 42), state_of(handle), state_of(handle.id)):
            assert (found.state, found.queue) == ("queued", "slow")

    def test_a_retried_and_dequeued_job_is_failed(self, buoy_app: App, inside: Any) -> None:
        handle = Checkout.enqueue(42)
        inside(fail)
        drain(buoy_app)
        retry(buoy_app.control, find(buoy_app.monitor, Filter()))

        assert buoy_app.dequeue(handle.id) == [handle.id]
        assert (state_of(handle).state, state_of(handle).message) == ("failed", "no such card")
