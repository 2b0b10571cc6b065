"""Pushing jobs after the commit, with ``deferring()`` as the transaction."""

import gc
import json
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from buoy import (
    App,
    Deferred,
    Job,
    PayloadTooLarge,
    Plugin,
    Rejected,
    hookimpl,
)
from buoy.testing import Clock, drain
from buoy_aftercommit import AfterCommit, deferring

from .orders_job import Charge, queued, said


@dataclass(frozen=True, eq=False)
class Witness(Plugin):
    """Logs when its hook runs, and returns a verdict."""

    log: list[str] = field(default_factory=list)
    verdict: Rejected | Deferred | None = None

    @hookimpl
    def before_enqueue(self, job: Job) -> Any:
        self.log.append("asked")
        return self.verdict


class Earlier(Witness):
    """Another plugin of the same kind."""


class Pack(Charge):
    queue = "packing"


@pytest.fixture
def calls(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Returns the list of the round trips to Redis."""
    Charge.enqueue(0)
    Pack.enqueue(0)
    buoy_app.dequeue(Charge)
    buoy_app.dequeue(Pack)
    made: list[Any] = []
    send = buoy_app.broker.client.calls

    def counted(commands: Any) -> Any:
        made.append(commands)
        return send(commands)

    monkeypatch.setattr(buoy_app.broker.client, "calls", counted)
    return iter([made])


class TestTheJob:
    def test_other_plugins_run_when_the_job_is_pushed(self, buoy_app: App) -> None:
        before, after = Earlier(), Witness()

        class Watched(Job):
            queue = "orders"
            plugins = [before, AfterCommit(), after]

            def perform(self, order_id: int) -> None: ...

        with deferring():
            Watched.enqueue(1)
            assert (before.log, after.log) == ([], [])
        assert (before.log, after.log) == (["asked"], ["asked"])
        assert queued(buoy_app) == [1]

    def test_a_job_rejected_at_the_push_is_logged(
        self, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        gc.collect()  # jobs that tests before have abandoned are logged, too
        caplog.set_level(logging.INFO, "buoy.aftercommit")

        class Watched(Charge):
            plugins = [Witness(verdict=Rejected("no"))]

        with deferring():
            handle = Watched.enqueue(1)
            assert handle.state == "deferred"
        assert said(caplog) == [
            f"committed: rejected (no) id={handle.id} class={Watched.name} queue=orders"
        ]

    def test_enqueued_at_and_expires_count_from_the_push(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Hasty(Charge):
            expires = 5

        now = time.time()
        future = datetime.fromtimestamp(now + 1000, UTC)
        with deferring():
            plain = Hasty.enqueue(1)
            late = Hasty.using(delay=60).enqueue(2)
            fixed = Hasty.using(at=future).enqueue(3)
            monkeypatch.setattr(time, "time", lambda: now + 100)

        views = [buoy_app.find(handle.id) for handle in (plain, late, fixed)]
        payloads = [json.loads(view.raw) for view in views if view]
        assert [round(each["enqueued_at"] - now) for each in payloads] == [100, 100, 100]
        assert all(each["enqueued_at"] <= now + 100 for each in payloads)
        assert [round(each["expires_at"] - now) for each in payloads] == [105, 165, 1005]

    def test_a_delay_counts_from_the_push(self, buoy_app: App, buoy_clock: Clock) -> None:
        with deferring():
            Charge.using(delay=6000).enqueue(1)
            buoy_clock.advance(5000)
        buoy_clock.advance(5000)
        assert drain(buoy_app) == {}
        buoy_clock.advance(1100)
        assert drain(buoy_app) == {"done": 1}

    def test_an_id_used_twice_in_a_transaction_is_enqueued_once(self, buoy_app: App) -> None:
        with deferring():
            Charge.using(id="a").enqueue(1)
            Charge.using(id="a").enqueue(1)
        assert queued(buoy_app) == [1]

    def test_an_id_pushed_before_is_deferred_in_the_next_transaction(self, buoy_app: App) -> None:
        with deferring():
            Charge.using(id="a").enqueue(1)
        assert drain(buoy_app) == {"done": 1}

        with suppress(KeyError), deferring():
            assert Charge.using(id="a").enqueue(2).state == "deferred"
            raise KeyError
        assert queued(buoy_app) == []

    def test_a_payload_that_is_too_large_is_refused_before_the_commit(self, buoy_app: App) -> None:
        class Big(Charge):
            def perform(self, order_id: Any) -> None: ...

        with deferring(), pytest.raises(PayloadTooLarge):
            Big.enqueue("x" * 2_000_000)

    def test_later_changes_to_the_arguments_do_not_count(self, buoy_app: App) -> None:
        class Many(Job):
            queue = "orders"
            plugins = [AfterCommit()]

            def perform(self, order_ids: list[int]) -> None: ...

        order_ids = [1, 2]
        with deferring():
            handle = Many.enqueue(order_ids)
            order_ids.append(3)
        assert queued(buoy_app) == [[1, 2]]
        assert handle.identifier == Many.enqueue([1, 2]).identifier

    def test_another_plugin_may_defer_the_job_at_the_push(self, buoy_app: App) -> None:
        class Watched(Charge):
            plugins = [Witness(verdict=Deferred("for ever"))]

        with deferring():
            Watched.enqueue(1)
        assert queued(buoy_app) == []


class TestRoundTrips:
    def test_jobs_of_one_class_enqueued_in_a_row_take_one_round_trip(
        self, buoy_app: App, calls: Iterator[list[Any]]
    ) -> None:
        made = next(calls)
        with deferring():
            handles = Charge.enqueue_many([(n,) for n in range(500)])
            Charge.enqueue(500)
            Pack.enqueue(1)
            Charge.enqueue(501)
            assert {handle.state for handle in handles} == {"deferred"}
        assert len(made) == 3
        assert queued(buoy_app) == list(range(502))
        assert queued(buoy_app, "packing") == [1]

    def test_a_block_without_jobs_takes_no_round_trip(self, calls: Iterator[list[Any]]) -> None:
        made = next(calls)
        with deferring():
            pass
        assert made == []


class TestInline:
    def test_inline_jobs_and_those_they_enqueue_run_after_the_commit(self, buoy_app: App) -> None:
        ran: list[Any] = []

        class Second(Charge):
            def perform(self, order_id: int) -> None:
                ran.append(("second", order_id))

        class First(Charge):
            def perform(self, order_id: int) -> None:
                with deferring():
                    Second.enqueue(order_id)
                    ran.append(("first", order_id))

        with buoy_app.inline(), deferring():
            First.enqueue_many([(1,), (2,)])
            assert ran == []
        assert ran == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]

    def test_the_error_of_an_inline_job_is_raised_after_the_others_have_run(
        self, buoy_app: App
    ) -> None:
        ran: list[int] = []

        class Failing(Charge):
            def perform(self, order_id: int) -> None:
                ran.append(order_id)
                if order_id == 1:
                    raise LookupError("its own")

        def transaction() -> None:
            with buoy_app.inline(), deferring():
                Failing.enqueue_many([(1,), (2,)])

        with pytest.raises(LookupError, match=r"^its own$"):
            transaction()
        assert ran == [1, 2]
