import os
import select
import sys
import threading
import warnings
from contextvars import copy_context
from types import ModuleType

import pytest

from buoy import Job
from buoy.errors import ConfigurationError
from buoy.executor.async_ import Async
from buoy.executor.in_process import load_in_process, run_isolated
from buoy.executor.inline import Inline
from buoy.executor.limits import keeps_none, refuse_limits
from buoy.executor.prefetch import PrefetchingExecutor
from buoy.executor.prefetch_queue import PREFETCH_SECONDS
from buoy.executor.thread import Thread
from buoy.jobs.registry import registry
from buoy.loading.served_app import ANY
from buoy.model.reservation import Reservation, Settlement
from buoy.process.self_pipe import SelfPipe
from tests.support.reservations import held


def readable(wake: SelfPipe) -> bool:
    return bool(select.select([wake], [], [], 0)[0])


class TestPrefetchingExecutor:
    def test_what_waits_behind_slow_jobs_is_given_back_by_the_main_thread(self) -> None:
        executor = PrefetchingExecutor(slots=2)
        executor.add_waiting(held("a", "b", "c"))
        assert executor.take_overdue() == []
        assert len(executor.prefetched.waiting) == 3
        executor.arrived_at -= 1
        assert executor.take_overdue() == []
        assert readable(executor.wake)
        assert [each.id for each in executor.take_finished()] == ["c", "b", "a"]
        assert executor.capacity() == 2
        executor.wake.close()

    def test_what_comes_during_a_trip_runs_after_what_waited_before(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("buoy.executor.prefetch.SETTLE_SECONDS", 600.0)  # longer than a test
        executor = PrefetchingExecutor(slots=1)
        executor.add_waiting(held("a", "b"))
        executor.arrived_at -= 600
        executor.take_overdue()
        executor.add_waiting(held("c"))
        assert executor.take_finished() == []
        assert [each.id for each in executor.prefetched.waiting] == ["a", "b", "c"]
        executor.wake.close()

    def test_what_has_ended_calls_the_main_thread_when_little_waits(self) -> None:
        executor = PrefetchingExecutor(slots=2)
        executor.prefetched.seconds_each = PREFETCH_SECONDS / 4
        running = held("running", "another")
        for each in running:
            executor.running[each.token] = True
        executor.add_waiting(held(*"abcdefgh"))
        executor.finish_job(Settlement.of(running[0], "done"), PREFETCH_SECONDS / 4)
        assert not readable(executor.wake)
        for _ in range(4):
            executor.prefetched.next()
        executor.finish_job(Settlement.of(running[1], "done"), PREFETCH_SECONDS / 4)
        assert readable(executor.wake)
        assert len(executor.take_finished()) == 2
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

        def run(reservation: Reservation, _: object) -> Settlement:
            now[0] += next(left)
            seen.extend(executor.take_overdue())
            return Settlement.of(reservation, "done")

        executor = Inline(clock=lambda: now[0])
        monkeypatch.setattr("buoy.executor.inline.run_in_process", run)
        executor.start_jobs(held(*"abcde"[: len(seconds)]))
        assert [each.id for each in seen if each.outcome == "released"] == given_back
        ended = [each.id for each in [*seen, *executor.take_finished()] if each.outcome == "done"]
        assert ended == [c for c in "abcde"[: len(seconds)] if c not in given_back]


class TestLimits:
    def only(self, monkeypatch: pytest.MonkeyPatch, **limits: float) -> None:
        limited = type("Limited", (Job,), {"name": "limited", "perform": print, **limits})
        monkeypatch.setattr("buoy.executor.limits.registry", {"limited": limited})
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


def open_files() -> set[str]:
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.parametrize("kind", [Thread, Async])
def test_an_executor_leaves_nothing_behind(
    kind: type[Thread | Async], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, job in list(registry.items()):
        if job.timeout is not None or job.max_memory is not None:
            monkeypatch.delitem(registry, name)
    type("Free", (Job,), {"name": "free", "perform": print})  # an app has at least one
    threads, files = set(threading.enumerate()), open_files()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        executor = kind(["json"], slots=3)
        executor.start()
        executor.start_jobs(held("a", "b"))  # no payloads: they fail
        while len(executor.running) + len(executor.prefetched.waiting):
            select.select([executor.wake], [], [], 1.0)
        assert [each.outcome for each in executor.take_finished()] == ["failed", "failed"]
        executor.close()
    # Those of earlier tests may end, and be closed, meanwhile.
    assert set(threading.enumerate()) <= threads
    assert open_files() <= files


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
        load_in_process("thread", [], ANY)


def test_how_deep_python_calls_is_put_back_after_each_job() -> None:
    held, limit = Reservation("a1", "7:w:1", "mail", "{"), sys.getrecursionlimit()

    def shallow(held: Reservation, _: object) -> Settlement:
        sys.setrecursionlimit(200)
        raise RecursionError

    assert run_isolated(copy_context(), shallow, held).outcome == "failed"
    assert sys.getrecursionlimit() == limit
