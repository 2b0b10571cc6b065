"""What happens at the push; the transaction is a block of ours."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from buoy import (
    App,
    BuoyError,
    ClaimHeld,
    Deferred,
    EnqueueError,
    Job,
    PayloadTooLarge,
    Plugin,
    QueueFull,
    Rejected,
    hookimpl,
)
from buoy.embedded.server import Server
from buoy.model.payload import Payload
from buoy.testing import Clock, drain
from buoy_aftercommit import AfterCommit, NotPushed, holding


@dataclass(frozen=True, eq=False)
class Witness(Plugin):
    """Sees when it is asked, and may answer."""

    log: list[str] = field(default_factory=list)
    verdict: Rejected | Deferred | None = None

    @hookimpl
    def before_enqueue(self, job: Job) -> Any:
        self.log.append("asked")
        return self.verdict


class Earlier(Witness):
    """Another plugin of the same kind."""


@dataclass(frozen=True)
class Single(Plugin):
    """Claims the job's place."""

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.claim(f"single:{job.identifier}", on_conflict="raise")


class Charge(Job):
    queue = "orders"
    plugins = [AfterCommit()]

    def perform(self, order_id: int) -> None: ...


class Pack(Charge):
    queue = "packing"


class ChargeOnce(Charge):
    plugins = [Single()]


class Limited(Charge):
    max_length = 3


def waiting(app: App, queue: str = "orders") -> list[Any]:
    return [view.args[0] for view in app.monitor.peek(queue, 0, 5000)]


@pytest.fixture
def calls(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The round trips to Redis."""
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
    def test_the_other_hooks_are_asked_when_it_is_pushed_and_only_then(self, buoy_app: App) -> None:
        before, after = Earlier(), Witness()

        class Watched(Job):
            queue = "orders"
            plugins = [before, AfterCommit(), after]

            def perform(self, order_id: int) -> None: ...

        with holding():
            Watched.enqueue(1)
            assert (before.log, after.log) == ([], [])
        assert (before.log, after.log) == (["asked"], ["asked"])
        assert waiting(buoy_app) == [1]

    def test_one_that_is_then_rejected_is_in_the_log(
        self, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "buoy.aftercommit")

        class Watched(Charge):
            plugins = [Witness(verdict=Rejected("no"))]

        with holding():
            handle = Watched.enqueue(1)
            assert handle.state == "deferred"
        assert caplog.messages == [
            f"committed: rejected (no) id={handle.id} class={Watched.name} queue=orders"
        ]

    def test_its_times_count_from_the_push(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Hasty(Charge):
            expires = 5

        now = time.time()
        future = datetime.now(UTC) + timedelta(seconds=1000)
        with holding():
            plain = Hasty.enqueue(1)
            late = Hasty.using(delay=60).enqueue(2)
            fixed = Hasty.using(at=future).enqueue(3)
            monkeypatch.setattr(time, "time", lambda: now + 100)

        views = [buoy_app.find(handle.id) for handle in (plain, late, fixed)]
        payloads = [json.loads(view.raw) for view in views if view]
        assert [round(each["enqueued_at"] - now) for each in payloads] == [100, 100, 100]
        assert [round(each["expires_at"] - now) for each in payloads] == [105, 165, 1005]

    def test_a_delay_counts_from_the_push(self, buoy_app: App, buoy_clock: Clock) -> None:
        with holding():
            Charge.using(delay=60).enqueue(1)
            buoy_clock.advance(50)
        buoy_clock.advance(50)
        assert drain(buoy_app) == {}
        buoy_clock.advance(11)
        assert drain(buoy_app) == {"done": 1}

    def test_the_same_id_enters_once(self, buoy_app: App) -> None:
        with holding():
            Charge.using(id="a").enqueue(1)
            Charge.using(id="a").enqueue(1)
        assert waiting(buoy_app) == [1]

    def test_one_that_is_too_large_is_refused_where_it_is_enqueued(self, buoy_app: App) -> None:
        class Big(Charge):
            def perform(self, order_id: Any) -> None: ...

        with holding(), pytest.raises(PayloadTooLarge):
            Big.enqueue("x" * 2_000_000)

    def test_its_arguments_are_those_of_the_call(self, buoy_app: App) -> None:
        class Many(Job):
            queue = "orders"
            plugins = [AfterCommit()]

            def perform(self, order_ids: list[int]) -> None: ...

        order_ids = [1, 2]
        with holding():
            handle = Many.enqueue(order_ids)
            order_ids.append(3)
        assert waiting(buoy_app) == [[1, 2]]
        assert handle.identifier == Many.enqueue([1, 2]).identifier

    def test_a_plugin_may_hold_it_on(self, buoy_app: App) -> None:
        class Watched(Charge):
            plugins = [Witness(verdict=Deferred("for ever"))]

        with holding():
            Watched.enqueue(1)
        assert waiting(buoy_app) == []


class TestRoundTrips:
    def test_jobs_of_one_class_enqueued_in_a_row_go_in_one(
        self, buoy_app: App, calls: Iterator[list[Any]]
    ) -> None:
        made = next(calls)
        with holding():
            handles = Charge.enqueue_many([(n,) for n in range(500)])
            Charge.enqueue(500)
            Pack.enqueue(1)
            Charge.enqueue(501)
            assert {handle.state for handle in handles} == {"deferred"}
        assert len(made) == 3
        assert waiting(buoy_app) == list(range(502))
        assert waiting(buoy_app, "packing") == [1]

    def test_nothing_held_costs_nothing(self, calls: Iterator[list[Any]]) -> None:
        made = next(calls)
        with holding():
            pass
        assert made == []


class TestFailures:
    def test_without_redis_all_is_told_and_can_be_pushed_again(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        server = Server(tmp_path / "server")
        server.start()

        class Lonely(Charge):
            app = App(server.url)

        class LonelyPack(Pack):
            app = Lonely.app

        def transaction() -> list[str]:
            with holding():
                ids = [Lonely.enqueue(1).id, LonelyPack.enqueue(2).id]
                server.stop()
            return ids

        with pytest.raises(NotPushed) as raised:
            transaction()

        error = raised.value
        first, second = error.jobs
        assert isinstance(error, BuoyError)
        assert isinstance(error.__cause__, EnqueueError)
        assert str(error) == (
            f"the transaction has committed, but 2 jobs could not be pushed: {error.__cause__}; "
            "do not repeat the transaction; "
            "push again: job.app.submit(job) for each of error.jobs"
        )
        assert [message.partition(": queue ")[0] for message in caplog.messages] == [
            f"committed, but not pushed: id={first.id} class={Lonely.name} queue=orders",
            f"committed, but not pushed: id={second.id} class={LonelyPack.name} queue=packing",
        ]
        server.start()
        assert [job.app.submit(job).state for job in error.jobs] == ["queued", "queued"]
        server.stop()

    def test_one_alone_is_named(self) -> None:
        job = Charge.of(Payload("x", [], {}, "a1"), "orders")
        assert str(NotPushed([job], EnqueueError("away", ids=["a1"], enqueued=False))) == (
            "the transaction has committed, but job a1 could not be pushed: away; "
            "do not repeat the transaction; push again: job.app.submit(job) for each of error.jobs"
        )

    def test_what_one_job_cannot_do_does_not_keep_back_the_others(self, buoy_app: App) -> None:
        ChargeOnce.enqueue(2)

        def transaction() -> None:
            with holding():
                ChargeOnce.enqueue_many([(1,), (2,), (3,)])
                Pack.enqueue(4)

        with pytest.raises(NotPushed) as raised:
            transaction()

        assert isinstance(raised.value.__cause__, ClaimHeld)
        assert [job.payload.args for job in raised.value.jobs] == [[2]]
        assert waiting(buoy_app) == [2, 1, 3]
        assert waiting(buoy_app, "packing") == [4]

    def test_a_full_queue_takes_what_it_can(self, buoy_app: App) -> None:
        def transaction() -> None:
            with holding():
                Limited.enqueue_many([(n,) for n in range(5)])
                Pack.enqueue(9)

        with pytest.raises(NotPushed) as raised:
            transaction()

        assert isinstance(raised.value.__cause__, QueueFull)
        assert [job.payload.args for job in raised.value.jobs] == [[3], [4]]
        assert waiting(buoy_app) == [0, 1, 2]
        assert waiting(buoy_app, "packing") == [9]

    def test_a_plugin_that_fails_is_one_job_lost_to_none(self, buoy_app: App) -> None:
        @dataclass(frozen=True)
        class Broken(Plugin):
            @hookimpl
            def before_enqueue(self, job: Job) -> None:
                if job.payload.args == [2]:
                    raise LookupError("broken")

        class Fragile(Charge):
            plugins = [Broken()]

        def transaction() -> None:
            with holding():
                Fragile.enqueue_many([(1,), (2,), (3,)])

        with pytest.raises(NotPushed, match="could not be pushed: broken; ") as raised:
            transaction()

        assert [job.payload.args for job in raised.value.jobs] == [[2]]
        assert waiting(buoy_app) == [1, 3]

    def test_an_interrupt_names_what_is_left(
        self, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        @dataclass(frozen=True)
        class Interrupting(Plugin):
            @hookimpl
            def before_enqueue(self, job: Job) -> None:
                raise KeyboardInterrupt

        class Interrupted(Pack):
            plugins = [Interrupting()]

        ids: list[str] = []

        def transaction() -> None:
            with holding():
                Charge.enqueue(1)
                ids.extend([Interrupted.enqueue(2).id, Charge.enqueue(3).id])

        with pytest.raises(KeyboardInterrupt):
            transaction()

        assert waiting(buoy_app) == [1]
        assert caplog.messages == [
            f"committed, but not pushed: id={ids[0]} class={Interrupted.name} queue=packing: "
            "KeyboardInterrupt",
            f"committed, but not pushed: id={ids[1]} class={Charge.name} queue=orders: "
            "KeyboardInterrupt",
        ]


class TestInline:
    def test_jobs_run_after_the_commit_and_those_that_they_enqueue_at_once(
        self, buoy_app: App
    ) -> None:
        ran: list[Any] = []

        class Second(Charge):
            def perform(self, order_id: int) -> None:
                ran.append(("second", order_id))

        class First(Charge):
            def perform(self, order_id: int) -> None:
                with holding():
                    Second.enqueue(order_id)
                    ran.append(("first", order_id))

        with buoy_app.inline(), holding():
            First.enqueue_many([(1,), (2,)])
            assert ran == []
        assert ran == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]

    def test_the_error_of_a_job_is_raised_as_it_is_when_the_others_have_run(
        self, buoy_app: App
    ) -> None:
        ran: list[int] = []

        class Failing(Charge):
            def perform(self, order_id: int) -> None:
                ran.append(order_id)
                if order_id == 1:
                    raise LookupError("its own")

        def transaction() -> None:
            with buoy_app.inline(), holding():
                Failing.enqueue_many([(1,), (2,)])

        with pytest.raises(LookupError, match=r"^its own$"):
            transaction()
        assert ran == [1, 2]
