"""How a job stands, at each place of its life."""

import asyncio
from typing import Any

import pytest

from buoy import App, MemoryExceeded
from buoy.operations.failed_set import Filter, find, remove, retry
from buoy.operations.move import Move
from buoy.testing import Clock, drain
from buoy_status import State, astatus, status

from .conftest import Hands
from .shop import Checkout, Slips, Stubborn, fail, told


class TestLife:
    def test_nothing_is_known_of_what_never_was(self, buoy_app: App) -> None:
        assert status(Checkout, 42) is None
        assert status("a") is None
        assert status("a", queue="purchasing") is None

    def test_a_job_waits_runs_and_succeeds(self, buoy_app: App, hands: Hands) -> None:
        handle = Checkout.enqueue(42)
        waiting = told(Checkout, 42)
        assert (waiting.id, waiting.queue, waiting.state) == (handle.id, "purchasing", "queued")
        assert (waiting.attempt, waiting.ended, waiting.result) == (1, False, None)

        held = hands.take()
        assert told(Checkout, 42).state == "running"

        assert hands.run(held)
        done = told(Checkout, 42)
        assert (done.state, done.result, done.ended) == ("done", {"cart": 42}, True)
        assert (done.id, done.attempt) == (handle.id, 1)
        assert done.enqueued_at == waiting.enqueued_at
        assert done.enqueued_at is not None
        assert done.started_at is not None
        assert done.ended_at is not None
        assert done.enqueued_at <= done.started_at <= done.ended_at

    def test_by_arguments_by_handle_by_id_and_by_state_it_is_the_same(self, buoy_app: App) -> None:
        handle = Checkout.enqueue(42, "x")
        for _ in ("queued", "done"):
            found = status(Checkout, 42, note="x")
            assert found is not None
            assert found == status(handle) == status(handle.id) == status(found)
            assert found == status(handle.id, queue="purchasing")
            drain(buoy_app)

    def test_who_awaits_is_told_the_same(self, buoy_app: App) -> None:
        async def ask() -> list[State[Any] | None]:
            found = [await astatus(Checkout, 42), await astatus(handle), await astatus(handle.id)]
            await buoy_app.aclose()
            return found

        handle = Checkout.enqueue(42)
        assert asyncio.run(ask()) == [status(handle)] * 3

    def test_a_delayed_job_says_when_it_is_due(self, buoy_app: App, buoy_clock: Clock) -> None:
        Checkout.using(delay=60).enqueue(42)
        delayed = told(Checkout, 42)
        assert delayed.state == "delayed"
        assert delayed.enqueued_at is not None
        assert delayed.due_at == pytest.approx(delayed.enqueued_at + 60, abs=5)

        buoy_clock.advance(61)
        drain(buoy_app)
        assert told(Checkout, 42).state == "done"

    def test_a_job_that_fails_is_delayed_until_its_next_attempt(
        self, buoy_app: App, buoy_clock: Clock, hands: Hands, inside: Any
    ) -> None:
        Stubborn.enqueue(42)
        inside(fail)
        drain(buoy_app)
        failing = told(Stubborn, 42)
        assert (failing.state, failing.attempt) == ("delayed", 2)
        assert (failing.error, failing.message) == ("ValueError", "no such card")
        assert failing.due_at is not None

        buoy_clock.advance(61)
        Hands(buoy_app, "other").look()
        assert told(Stubborn, 42).state == "queued"  # due, and nobody has taken it
        held = hands.take()
        running = told(Stubborn, 42)
        assert (running.state, running.attempt, running.error) == ("running", 2, "ValueError")

        hands.run(held)
        done = told(Stubborn, 42)
        assert (done.state, done.attempt, done.error) == ("done", 2, None)

    def test_a_job_that_fails_for_good_has_failed(
        self, buoy_app: App, buoy_clock: Clock, inside: Any
    ) -> None:
        Stubborn.enqueue(42)
        for _ in range(3):
            inside(fail)
            drain(buoy_app)
            buoy_clock.advance(61)

        failed = told(Stubborn, 42)
        assert (failed.state, failed.attempt, failed.ended) == ("failed", 3, True)
        assert (failed.error, failed.message) == ("ValueError", "no such card")
        assert failed.ended_at is not None

    def test_a_job_whose_child_died_has_failed(self, buoy_app: App, hands: Hands) -> None:
        Checkout.enqueue(42)
        hands.bury(hands.take(), MemoryExceeded("too fat"))

        failed = told(Checkout, 42)
        assert (failed.state, failed.error) == ("failed", "buoy.errors.MemoryExceeded")

    def test_a_plugin_that_fails_in_on_failure_hides_nothing(
        self, buoy_app: App, inside: Any
    ) -> None:
        class Broken(Checkout):
            plugins = [Slips()]

        Broken.enqueue(42)
        inside(fail)
        drain(buoy_app)
        remove(buoy_app.control, find(buoy_app.monitor, Filter()))

        assert (told(Broken, 42).state, told(Broken, 42).error) == ("failed", "ValueError")

    def test_a_job_in_lost_hands_waits_again(
        self, buoy_app: App, buoy_clock: Clock, hands: Hands
    ) -> None:
        Checkout.enqueue(42)
        held = hands.take()
        for _ in range(40):  # another worker looks closely
            buoy_clock.advance(1)
            Hands(buoy_app, "other").look()
        assert told(Checkout, 42).state == "queued"

        again = Hands(buoy_app, "other").take()
        assert not hands.run(held)
        assert told(Checkout, 42).state == "running"
        assert again.id == held.id

    def test_an_unknown_class_is_told_by_id(self, buoy_app: App) -> None:
        handle = buoy_app.push("other.team.Job", [1], queue="mail")
        assert told(handle).state == "queued"

        drain(buoy_app, "mail")
        assert (told(handle).state, told(handle).error) == ("failed", "buoy.errors.UnknownJob")

    def test_what_is_pushed_by_name_is_known_by_its_end(self, buoy_app: App) -> None:
        handle = buoy_app.push(Checkout.name, [42], queue="purchasing")
        assert status(Checkout, 42) is None
        drain(buoy_app)

        assert told(handle).state == told(Checkout, 42).state == "done"


class TestSilentEnds:
    def test_a_dequeued_job_was_cancelled(self, buoy_app: App) -> None:
        handle = Checkout.enqueue(42)
        buoy_app.dequeue(Checkout, 42)

        for found in (told(Checkout, 42), told(handle), told(handle.id)):
            assert (found.state, found.ended, found.ended_at) == ("cancelled", True, None)

    def test_an_expired_job_was_cancelled(self, buoy_app: App, buoy_clock: Clock) -> None:
        class Fresh(Checkout):
            expires = 5.0

        Fresh.enqueue(42)
        buoy_clock.advance(60)
        assert drain(buoy_app) == {"rejected": 1}

        assert told(Fresh, 42).state == "cancelled"

    def test_an_operator_who_retries_is_believed(self, buoy_app: App, inside: Any) -> None:
        handle = Checkout.enqueue(42)
        inside(fail)
        drain(buoy_app)
        retry(buoy_app.control, find(buoy_app.monitor, Filter()))

        assert told(handle).state == told(Checkout, 42).state == "queued"
        drain(buoy_app)
        assert told(handle).state == told(Checkout, 42).state == "done"

    def test_a_failure_that_an_operator_removes_has_failed(
        self, buoy_app: App, inside: Any
    ) -> None:
        handle = Checkout.enqueue(42)
        inside(fail)
        drain(buoy_app)
        remove(buoy_app.control, find(buoy_app.monitor, Filter()))

        for found in (told(Checkout, 42), told(handle.id)):
            assert (found.state, found.message) == ("failed", "no such card")

    def test_a_job_that_was_moved_is_followed(self, buoy_app: App, inside: Any) -> None:
        handle = Checkout.enqueue(42)
        Move(buoy_app.control, buoy_app.monitor, "purchasing", "slow", "mover").run()

        for found in (told(Checkout, 42), told(handle), told(handle.id)):
            assert (found.state, found.queue) == ("queued", "slow")
        drain(buoy_app)
        for found in (told(Checkout, 42), told(handle), told(handle.id)):
            assert (found.state, found.queue) == ("done", "slow")

    def test_one_that_was_put_back_before_too(self, buoy_app: App, inside: Any) -> None:
        handle = Checkout.enqueue(42)
        inside(fail)
        drain(buoy_app)
        retry(buoy_app.control, find(buoy_app.monitor, Filter()))
        Move(buoy_app.control, buoy_app.monitor, "purchasing", "slow", "mover").run()

        for found in (told(Checkout, 42), told(handle), told(handle.id)):
            assert (found.state, found.queue) == ("queued", "slow")

    def test_one_that_was_put_back_and_dequeued_has_failed(
        self, buoy_app: App, inside: Any
    ) -> None:
        handle = Checkout.enqueue(42)
        inside(fail)
        drain(buoy_app)
        retry(buoy_app.control, find(buoy_app.monitor, Filter()))

        assert buoy_app.dequeue(handle.id) == [handle.id]
        assert (told(handle).state, told(handle).message) == ("failed", "no such card")
