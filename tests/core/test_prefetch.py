import os
import select
import sys
import threading
import warnings
from contextvars import copy_context
from types import ModuleType
from typing import Any

import pytest

from buoy import Job
from buoy.errors import ConfigurationError
from buoy.executor.async_ import Async
from buoy.executor.in_process import load_here, run_apart
from buoy.executor.inline import Inline
from buoy.executor.prefetch import (
    BATCH_MOST,
    BATCH_SECONDS,
    Batch,
    PrefetchingExecutor,
    Turns,
    keeps_none,
    refuse_limits,
)
from buoy.executor.thread import Thread
from buoy.jobs.registry import registry
from buoy.loading.served_app import ANY
from buoy.model.reservation import Reservation, Settlement
from buoy.process.self_pipe import SelfPipe


def held(*names: str) -> list[Reservation]:
    return [Reservation(name, f"token of {name}", "mail", "{}") for name in names]


def runs(name: str) -> tuple[Reservation, Reservation]:
    """Two runs of one job, the older one first."""
    [old] = held(name)
    return old, old._replace(token=f"newer token of {name}", lost=1)


def readable(wake: SelfPipe) -> bool:
    return bool(select.select([wake], [], [], 0)[0])


class TestTurns:
    def test_each_job_begins_at_once(self) -> None:
        turns = Turns()
        a, b = held("a", "b")
        elsewhere = a._replace(queue="bulk", token="another")
        assert [turns.begin(each) for each in (a, b, elsewhere)] == [True] * 3
        assert turns.end(a) is None
        assert turns.begin(a._replace(token="next"))

    def test_a_newer_run_waits_for_the_end_of_the_older_one(self) -> None:
        turns = Turns()
        old, new = runs("a")
        turns.begin(old)
        assert not turns.begin(new)
        assert turns.end(new) is None
        assert turns.end(Settlement.of(old, "done")) == new
        assert turns.end(new) is None
        assert (turns.runs, turns.following) == ({}, {})

    def test_of_several_that_wait_only_the_last_one_holds_the_job(self) -> None:
        turns = Turns()
        old, new = runs("a")
        last = new._replace(token="last")
        turns.begin(old)
        turns.begin(new)
        turns.drop([new])
        assert turns.end(new) is None
        turns.begin(last)
        turns.drop([new])
        assert turns.end(old) == last

    def test_what_waits_is_given_back(self) -> None:
        turns = Turns()
        old, new = runs("a")
        turns.begin(old)
        turns.begin(new)
        assert turns.given_back() == [Settlement.of(new, "release")]
        assert turns.end(old) is None

    @pytest.mark.parametrize("step", range(4))
    def test_the_old_run_may_end_at_any_moment(self, step: int) -> None:
        """In another thread: whatever is in between, the newer run begins once."""
        turns = Turns()
        old, new = runs("a")
        turns.begin(old)
        handed: list[Reservation | None] = []
        turns.runs = Ending(turns.runs, step, lambda: handed.append(turns.end(old)))
        begun = turns.begin(new)
        if not handed:
            handed.append(turns.end(old))
        assert begun + handed.count(new) == 1
        assert turns.runs == {("mail", "a"): new.token}


class Ending(dict[tuple[str, str], str]):
    """A dict that calls something before it is used for the nth time."""

    def __init__(self, items: dict[tuple[str, str], str], step: int, call: Any) -> None:
        super().__init__(items)
        self.step, self.call = step, call

    def count(self) -> None:
        self.step -= 1
        if self.step == -1:
            self.call()

    def setdefault(self, key: tuple[str, str], default: str = "") -> str:
        self.count()
        return super().setdefault(key, default)

    def __contains__(self, key: object) -> bool:
        self.count()
        return super().__contains__(key)


class TestBatch:
    def test_jobs_come_in_order_and_then_none(self) -> None:
        batch = Batch()
        batch.waiting.extend(held("a", "b"))
        assert [batch.next(), batch.next(), batch.next()] == [*held("a", "b"), None]

    def test_what_waits_is_given_back_the_last_first(self) -> None:
        batch = Batch()
        batch.waiting.extend(held("a", "b", "c"))
        batch.next()
        assert [(each.id, each.act) for each in batch.given_back()] == [
            ("c", "release"),
            ("b", "release"),
        ]
        assert batch.given_back() == []

    def test_what_has_ended_is_told_once(self) -> None:
        batch = Batch()
        ended = [Settlement.of(each, "done") for each in held("a", "b")]
        batch.settlements.extend(ended)
        assert batch.ended() == ended
        assert batch.ended() == []

    def test_of_what_is_lost_only_what_waits_can_be_dropped(self) -> None:
        batch = Batch()
        batch.waiting.extend(held("a", "b", "c"))
        batch.next()
        batch.drop(held("a", "b"))
        assert list(batch.waiting) == held("c")

    def test_a_run_is_known_by_its_token(self) -> None:
        batch = Batch()
        old, new = runs("a")
        batch.waiting.extend([old, new])
        assert batch.drop([old]) == [old]
        assert list(batch.waiting) == [new]

    def test_pace_follows_longer_jobs_at_once_and_shorter_ones_slowly(self) -> None:
        batch = Batch()
        batch.follow(10, 10.0)
        assert batch.seconds_each == 1.0
        batch.follow(1, 0.1)
        assert batch.seconds_each == pytest.approx(0.55)
        batch.follow(0, 5.0)
        assert batch.seconds_each == pytest.approx(0.55)

    def test_reserves_ahead_what_the_slots_run_in_a_moment(self) -> None:
        batch = Batch()
        batch.seconds_each = BATCH_SECONDS / 4
        assert batch.ahead(1) == 4
        assert batch.ahead(10) == 40
        batch.seconds_each = 1e-6
        assert batch.ahead(1) == BATCH_MOST
        batch.seconds_each = 1.0
        assert batch.ahead(10) == 0

    def test_room_is_for_free_slots_and_some_more_in_large_steps(self) -> None:
        batch = Batch()
        batch.seconds_each = BATCH_SECONDS / 4
        assert batch.room(2, running=0) == 2 + 8
        assert batch.room(2, running=2) == 8
        batch.waiting.extend(held(*"abcd"))
        assert batch.room(2, running=2) == 4
        batch.waiting.extend(held("e"))
        assert batch.room(2, running=2) == 0

    @pytest.mark.parametrize("slots", [1, 3, 10, 500])
    def test_behind_slow_jobs_nothing_is_fetched_until_some_have_ended(self, slots: int) -> None:
        batch = Batch()
        batch.seconds_each = 0.001
        batch.slow(slots)
        assert batch.room(slots, running=slots) == 0
        assert batch.room(slots, running=slots - 1) == 1
        for _ in range(12):
            batch.follow(1, 0.001)
        assert batch.ahead(slots) >= min(slots, BATCH_MOST)


class TestAhead:
    def test_what_waits_behind_slow_jobs_is_given_back_by_the_main_thread(self) -> None:
        executor = PrefetchingExecutor(slots=2)
        executor.take(held("a", "b", "c"))
        assert executor.overdue() == []
        assert len(executor.batch.waiting) == 3
        executor.came_at -= 1
        assert executor.overdue() == []
        assert readable(executor.wake)
        assert [each.id for each in executor.ended()] == ["c", "b", "a"]
        assert executor.room() == 2
        executor.wake.close()

    def test_what_comes_during_a_trip_runs_after_what_waited_before(self) -> None:
        executor = PrefetchingExecutor(slots=1)
        executor.take(held("a", "b"))
        executor.came_at -= 1
        executor.overdue()
        executor.take(held("c"))
        assert executor.ended() == []
        assert [each.id for each in executor.batch.waiting] == ["a", "b", "c"]
        executor.wake.close()

    def test_what_has_ended_calls_the_main_thread_when_little_waits(self) -> None:
        executor = PrefetchingExecutor(slots=2)
        executor.batch.seconds_each = BATCH_SECONDS / 4
        running = held("running", "another")
        for each in running:
            executor.running[each.token] = True
        executor.take(held(*"abcdefgh"))
        executor.has_ended(Settlement.of(running[0], "done"), BATCH_SECONDS / 4)
        assert not readable(executor.wake)
        for _ in range(4):
            executor.batch.next()
        executor.has_ended(Settlement.of(running[1], "done"), BATCH_SECONDS / 4)
        assert readable(executor.wake)
        assert len(executor.ended()) == 2
        assert executor.running == {}
        executor.wake.close()


class TestInline:
    """By a clock that only the jobs advance; the keeper looks on while each one runs."""

    @pytest.mark.parametrize(
        ("seconds", "given_back"),
        [
            ([0.005, 0.005, 0.005, 0.005], []),
            ([0.005, 0.025, 0.005, 0.005], ["d", "c"]),
            ([0.015, 0.015, 0.015, 0.015, 0.015], ["e"]),
        ],
    )
    def test_what_waits_behind_slow_jobs_is_given_back(
        self, seconds: list[float], given_back: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now, left, seen = [100.0], iter(seconds), list[Settlement]()

        def run(reservation: Reservation) -> Settlement:
            now[0] += next(left)
            seen.extend(executor.overdue())
            return Settlement.of(reservation, "done")

        executor = Inline(clock=lambda: now[0])
        monkeypatch.setattr("buoy.executor.inline.run", run)
        executor.begin(held(*"abcde"[: len(seconds)]))
        assert [each.id for each in seen if each.act == "release"] == given_back
        ended = [each.id for each in [*seen, *executor.ended()] if each.act == "done"]
        assert ended == [c for c in "abcde"[: len(seconds)] if c not in given_back]


class TestLimits:
    def only(self, monkeypatch: pytest.MonkeyPatch, **limits: float) -> None:
        limited = type("Limited", (Job,), {"name": "limited", "perform": print, **limits})
        monkeypatch.setattr("buoy.executor.prefetch.registry", {"limited": limited})
        del registry["limited"]

    def test_a_timeout_that_could_not_be_kept_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.only(monkeypatch, timeout=1.0)

        refuse_limits("async", keeps_timeout=lambda job: True)
        with pytest.raises(ConfigurationError) as refused:
            refuse_limits("thread", keeps_timeout=keeps_none)

        assert str(refused.value) == (
            "--executor thread: expected jobs without timeout, got limited; a job in the worker's "
            "own process cannot be stopped by force: use --executor fork"
        )

    def test_a_limit_of_memory_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.only(monkeypatch, max_memory=1 << 20)

        with pytest.raises(ConfigurationError, match="expected jobs without max_memory, got lim"):
            refuse_limits("async", keeps_timeout=lambda job: True)


@pytest.mark.parametrize("kind", [Thread, Async])
def test_an_executor_leaves_nothing_behind(
    kind: type[Thread | Async], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, job in list(registry.items()):
        if job.timeout is not None or job.max_memory is not None:
            monkeypatch.delitem(registry, name)
    threads, files = threading.active_count(), os.listdir("/proc/self/fd")  # noqa: PTH208
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        executor = kind(["json"], slots=3)
        executor.start()
        executor.begin(held("a", "b"))  # no payloads: they fail
        while len(executor.running) + len(executor.batch.waiting):
            select.select([executor.wake], [], [], 1.0)
        assert [each.act for each in executor.ended()] == ["failed", "failed"]
        executor.close()
    assert threading.active_count() == threads
    assert os.listdir("/proc/self/fd") == files  # noqa: PTH208


@pytest.mark.parametrize(
    ("library", "patcher", "says"),
    [
        ("gevent", "gevent.monkey", "is_module_patched"),
        ("eventlet", "eventlet.patcher", "is_monkey_patched"),
    ],
)
def test_an_app_that_has_patched_threads_is_refused(
    monkeypatch: pytest.MonkeyPatch, library: str, patcher: str, says: str
) -> None:
    fake = ModuleType(patcher)
    setattr(fake, says, lambda name: name in ("threading", "thread"))
    monkeypatch.setitem(sys.modules, patcher, fake)
    monkeypatch.setattr("buoy.executor.in_process.start_app", lambda *_: None)

    with pytest.raises(ConfigurationError, match=f"^--executor thread: .* of {library}'s monkey"):
        load_here("thread", [], ANY)


def test_how_deep_python_calls_is_put_back_after_each_job() -> None:
    held, limit = Reservation("a1", "7:w:1", "mail", "{"), sys.getrecursionlimit()

    def shallow(held: Reservation) -> Settlement:
        sys.setrecursionlimit(200)
        raise RecursionError

    assert run_apart(copy_context(), shallow, held).act == "failed"
    assert sys.getrecursionlimit() == limit
