"""``Throttle``: jobs of a key that are not enqueued again too soon."""

from typing import Any

import pytest

from buoy import (
    App,
    ConfigurationError,
    EnqueueError,
    Handle,
    Job,
    Later,
    Plugin,
    PluginError,
    QueueFull,
    hookimpl,
)
from buoy.operations.failed_set import Filter, find, remove, retry
from buoy.operations.move import Move
from buoy.testing import Clock, FakeWorker, drain, plugin_contract
from buoy_limits import Throttle


class Remind(Job):
    queue = "mail"
    plugins = [Throttle(6000, key="user")]

    def perform(self, user: int, text: str = "") -> None:
        if text == "fail":
            raise ValueError(user)


class Order(Job):
    queue = "orders"

    def perform(self, user: int) -> None:
        self.enqueue_after_success(Remind, user)


def kept_out(handle: Handle[Any], by: Handle[Any]) -> bool:
    return (handle.state, handle.code, handle.holder) == ("exists", "throttled", by.id)


def test_a_throttle_keeps_the_contract(buoy_app: App) -> None:
    plugin_contract(Throttle(1))


def test_a_job_is_not_enqueued_again_within_the_time(buoy_app: App, buoy_clock: Clock) -> None:
    first = Remind.enqueue(1)
    again, other = Remind.enqueue_many([(1, "again"), (2,)])

    assert (first.state, other.state) == ("queued", "queued")
    assert kept_out(again, by=first)
    assert again.reason == "such a job was enqueued too short a time ago"
    assert drain(buoy_app) == {"done": 2}
    buoy_clock.advance(5900)
    assert kept_out(Remind.enqueue(1), by=first)
    buoy_clock.advance(200)
    assert Remind.enqueue(1).state == "queued"


def test_the_jobs_of_one_call_throttle_each_other(buoy_app: App) -> None:
    handles = Remind.enqueue_many([(1,), (1,), (2,), (1,)])

    assert [handle.state for handle in handles] == ["queued", "exists", "queued", "exists"]
    assert kept_out(handles[3], by=handles[0])


def test_the_time_counts_from_the_enqueueing(buoy_app: App, buoy_clock: Clock) -> None:
    first = Remind.using(delay=60_000).enqueue(1)
    assert first.state == "delayed"
    assert kept_out(Remind.enqueue(1), by=first)
    buoy_clock.advance(6100)

    second = Remind.enqueue(1)

    assert second.state == "queued"
    buoy_clock.advance(5900)
    assert kept_out(Remind.enqueue(1), by=second)


def test_a_worker_that_looks_at_the_queue_removes_it(buoy_app: App, buoy_clock: Clock) -> None:
    Remind.enqueue(1)
    throttles = buoy_app.key("mail", "throttles")
    assert buoy_app.command("ZRANGE", throttles, 0, -1) == [
        f"throttle:Throttle:{Remind.name} user=1".encode()
    ]

    assert drain(buoy_app) == {"done": 1}
    assert buoy_app.command("EXISTS", buoy_app.key("mail", "claims")) == 0
    buoy_clock.advance(6100)
    drain(buoy_app, "mail")

    assert buoy_app.command("EXISTS", throttles, buoy_app.key("mail", "paced")) == 0


def test_a_failed_job_keeps_no_other_one_out(buoy_app: App) -> None:
    first = Remind.enqueue(1, "fail")
    assert kept_out(Remind.enqueue(1), by=first)
    drain(buoy_app)

    second = Remind.enqueue(1)

    assert second.state == "queued"
    assert kept_out(Remind.enqueue(1), by=second)


def test_a_job_that_does_not_become_done_throttles_no_further_one(
    buoy_app: App, buoy_clock: Clock
) -> None:
    assert buoy_app.cancel(Remind.enqueue(1).id)
    second = Remind.using(delay=10).enqueue(1)
    assert second.state == "delayed"
    assert buoy_app.dequeue(Remind, 1) == [second.id]

    expiring = Remind.using(expires=1).enqueue(1)
    assert kept_out(Remind.enqueue(1), by=expiring)
    buoy_clock.advance(2)
    assert drain(buoy_app) == {"rejected": 1}

    running = Remind.enqueue(1)
    assert running.state == "queued"
    FakeWorker(buoy_app, "mail").take()
    assert buoy_app.cancel(running.id)
    assert Remind.enqueue(1).state == "queued"


def test_a_failed_job_that_is_removed_throttles_none(buoy_app: App) -> None:
    Remind.enqueue(2, "fail")
    drain(buoy_app)
    remove(buoy_app.control, list(find(buoy_app.monitor, Filter())))

    assert Remind.enqueue(2).state == "queued"


def test_a_job_lifts_no_throttle_of_another_one(buoy_app: App, buoy_clock: Clock) -> None:
    first = Remind.using(delay=60_000).enqueue(1)
    buoy_clock.advance(6100)
    second = Remind.enqueue(1)

    assert buoy_app.cancel(first.id)

    assert kept_out(Remind.enqueue(1), by=second)


def test_a_job_that_is_cancelled_in_another_queue_throttles_its_first_one(buoy_app: App) -> None:
    moved = Remind.enqueue(1)
    buoy_app.run_steps(Move(buoy_app.control, buoy_app.monitor, "mail", "other").run())
    assert buoy_app.cancel(moved.id)

    assert kept_out(Remind.enqueue(1), by=moved)


def test_a_job_whose_run_fails_and_is_tried_again_throttles(
    buoy_app: App, buoy_clock: Clock
) -> None:
    class Again(Plugin):
        @hookimpl
        def on_failure(self, job: Job, error: BaseException) -> Later:
            return Later(1000)

    class Stubborn(Remind):
        plugins = [Throttle(6000, key="user"), Again()]

    first = Stubborn.enqueue(1, "fail")
    assert drain(buoy_app) == {"delayed": 1}

    assert kept_out(Stubborn.enqueue(1), by=first)


def test_a_job_that_is_retried_by_hand_is_not_throttled_and_throttles_none(buoy_app: App) -> None:
    first = Remind.enqueue(1, "fail")
    drain(buoy_app)

    retry(buoy_app.control, list(find(buoy_app.monitor, Filter())))

    assert buoy_app.find(first.id).state == "queued"  # type: ignore[union-attr]
    assert Remind.enqueue(1).state == "queued"


def test_a_job_that_is_moved_is_not_throttled(buoy_app: App) -> None:
    Remind.enqueue(1)
    buoy_app.run_steps(Move(buoy_app.control, buoy_app.monitor, "mail", "other").run())
    assert [handle.state for handle in Remind.enqueue_many([(1,), (2,)])] == ["exists", "queued"]

    moved = buoy_app.run_steps(Move(buoy_app.control, buoy_app.monitor, "other", "mail").run())

    assert (moved.count, [*moved.skipped.values()]) == (
        0,
        ["it was in mail until moments ago; move it in two minutes"],
    )
    buoy_app.command("DEL", buoy_app.key("mail", "ended"))
    buoy_app.run_steps(Move(buoy_app.control, buoy_app.monitor, "other", "mail").run())
    assert drain(buoy_app) == {"done": 2}


def test_a_job_that_follows_another_is_throttled(buoy_app: App) -> None:
    Order.enqueue_many([(1,), (1,)])
    worker = FakeWorker(buoy_app, "orders")
    for _ in range(2):
        worker.run(worker.take())

    assert drain(buoy_app) == {"done": 1}


def test_a_job_that_is_not_stored_does_not_throttle(buoy_app: App) -> None:
    class Few(Remind):
        max_length = 1

    Few.enqueue(1)
    with pytest.raises(QueueFull):
        Few.enqueue(2)
    drain(buoy_app)

    assert Few.enqueue(2).state == "queued"


def test_a_key_of_a_wrong_type_changes_nothing(buoy_app: App) -> None:
    buoy_app.command("LPUSH", buoy_app.key("mail", "throttles"), "x")

    with pytest.raises(EnqueueError, match="throttles: expected a zset, got a list"):
        Remind.enqueue_many([(1,), (2,)])

    assert buoy_app.command("EXISTS", buoy_app.key("mail", "jobs")) == 0


@pytest.mark.parametrize("seconds", [0, True, "1", 1e9, float("nan")])
def test_options_are_checked(seconds: Any) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Throttle(seconds)

    assert str(raised.value) == (
        f"Throttle.seconds: expected from 0.001 to 100000000 seconds, got {seconds!r}"
    )


def test_a_transition_checks_what_it_gets(buoy_app: App) -> None:
    transition = buoy_app.build(Remind, 1).transition
    with pytest.raises(PluginError, match=r"throttle: expected from 0.001 to 100000000 seconds"):
        transition.throttle("x", 0)
    with pytest.raises(PluginError, match=r"throttle: expected a key of one line, got 'x\\ny'"):
        transition.throttle("x\ny", 1)
