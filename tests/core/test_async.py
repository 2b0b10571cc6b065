"""The executor of coroutines: what its event loop, its threads and its callers do to jobs."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from buoy import Job
from buoy.executor import async_, limits
from buoy.executor.async_ import Async
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation, Settlement


class Awaits(Job):
    """Waits for a gate."""

    name = "async.awaits"

    async def perform(self, gate: str = "open") -> None:
        if gate == "closed":
            await asyncio.sleep(60)


class Cleans(Job):
    """Ends well, although it is cancelled."""

    name = "async.cleans"
    began = threading.Event()

    async def perform(self) -> None:
        self.began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return


class Meets(Job):
    """Ends when a second one runs at the same time."""

    name = "async.meets"
    both: asyncio.Barrier | None = None

    async def perform(self) -> None:
        Meets.both = Meets.both or asyncio.Barrier(2)
        await Meets.both.wait()


class Blocks(Job):
    name = "async.blocks"
    named = threading.Event()
    """That it blocks the loop was logged."""

    async def perform(self) -> None:
        self.named.wait(60)


class InThread(Job):
    name = "async.in_thread"
    threads: list[str] = []

    def perform(self) -> None:
        self.threads.append(threading.current_thread().name)


class Waits(Job):
    """Runs in a thread until it may end."""

    name = "async.waits"
    may_end = threading.Event()

    def perform(self) -> None:
        self.may_end.wait(60)


def reserve(job: type[Job], id: str, *args: Any) -> Reservation:
    text = Payload(job.name, list(args), {}, id).encoded()
    return Reservation(id, f"token of {id}", "mail", text)


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Async]:
    monkeypatch.setattr(limits, "registry", {})  # classes of other tests have limits
    Cleans.began.clear()
    executor = Async(["json"], slots=3)
    executor.start()
    yield executor
    executor.close()


def wait_until(condition: Callable[[], object]) -> None:
    last = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < last
        time.sleep(0.005)


def settlements(executor: Async, count: int) -> list[Settlement]:
    """Wait for so many settlements."""
    found: list[Settlement] = []

    def complete() -> bool:
        found.extend(executor.take_finished())
        return len(found) >= count

    wait_until(complete)
    return found


def finish(executor: Async, count: int) -> dict[str, str]:
    """Wait for so many settlements; returns the outcome of each, by id."""
    return {each.id: each.outcome for each in settlements(executor, count)}


def test_coroutines_run_at_the_same_time(executor: Async) -> None:
    executor.start_jobs([reserve(Meets, "a"), reserve(Meets, "b")])

    assert finish(executor, 2) == {"a": "done", "b": "done"}


def test_other_jobs_run_in_threads_beside_the_loop(executor: Async) -> None:
    executor.start_jobs([reserve(InThread, "a"), reserve(Awaits, "b")])

    assert finish(executor, 2) == {"a": "done", "b": "done"}
    assert "buoy-loop" not in InThread.threads


class TestWithoutThreads:
    """The system refuses to start a further thread."""

    @pytest.fixture
    def refuse(self, executor: Async, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        def start(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        return lambda: monkeypatch.setattr(threading.Thread, "start", start)

    def test_a_job_that_needs_the_first_one_is_delayed(
        self, executor: Async, refuse: Callable[[], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        refuse()
        executor.start_jobs([reserve(InThread, "a"), reserve(Awaits, "b")])

        delayed, done = sorted(settlements(executor, 2))
        assert (delayed.id, delayed.outcome, delayed.wait, delayed.name) == ("a", "delayed", 1, "")
        assert delayed.payload == reserve(InThread, "a").payload
        assert (done.id, done.outcome) == ("b", "done")
        assert (executor.running, executor.blocking.threads) == ({}, [])
        assert caplog.messages == [
            "no thread for id=a queue=mail: can't start new thread; again in 1 s"
        ]

    def test_the_job_waits_for_a_thread_that_is_there(
        self, executor: Async, refuse: Callable[[], None]
    ) -> None:
        executor.start_jobs([reserve(Waits, "a")])
        wait_until(lambda: executor.blocking.threads)
        refuse()
        executor.start_jobs([reserve(InThread, "b")])
        wait_until(lambda: "token of b" in executor.running)
        Waits.may_end.set()

        assert finish(executor, 2) == {"a": "done", "b": "done"}


def test_slots_limit_how_many_run(executor: Async) -> None:
    executor.start_jobs([reserve(Awaits, id, "closed") for id in "abcd"])
    wait_until(lambda: len(executor.running) == 3)

    assert [each.id for each in executor.prefetched.waiting] == ["d"]
    executor.terminate()
    wait_until(lambda: "token of d" in executor.running)


def test_terminated_jobs_that_do_not_end_well_are_released(executor: Async) -> None:
    executor.start_jobs([reserve(Awaits, "a", "closed"), reserve(Cleans, "b")])
    assert Cleans.began.wait(60)
    executor.terminate()

    assert finish(executor, 2) == {"a": "released", "b": "done"}
    assert executor.cancelled == set()


def test_abandoned_jobs_are_cancelled_and_the_others_run_on(executor: Async) -> None:
    lost, kept = reserve(Awaits, "a", "closed"), reserve(Awaits, "b", "closed")
    executor.start_jobs([lost, kept])
    wait_until(lambda: len(executor.running) == 2)
    executor.abandon([lost])

    finish(executor, 1)

    assert list(executor.running) == [kept.token]


def test_what_waits_is_released(executor: Async) -> None:
    executor.start_jobs([reserve(Awaits, id, "closed") for id in "abcde"])
    wait_until(lambda: len(executor.running) == 3)
    executor.release_waiting()

    assert finish(executor, 2) == {"e": "released", "d": "released"}


def test_a_job_that_blocks_the_loop_is_named_once(
    executor: Async, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(async_, "BLOCKED_SECONDS", 0.1)
    executor.start_jobs([reserve(Blocks, "slow")])

    def look() -> bool:
        executor.take_overdue()
        if caplog.messages:
            Blocks.named.set()
        return bool(executor.take_finished())

    wait_until(look)

    [warning] = [each for each in caplog.messages if "blocked" in each]
    assert re.match(r"id=slow has blocked the event loop for \d+\.\d s, and all other ", warning)


def test_a_loop_that_turns_is_not_said_to_be_blocked(
    executor: Async, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    executor.start_jobs([reserve(Cleans, "a")])
    assert Cleans.began.wait(60)
    # It has come to its await: a thread that does not get to run in a job blocks the loop, too.
    wait_until(lambda: asyncio.current_task(executor.loop) is None)
    for _ in range(20):
        executor.take_overdue()
        time.sleep(0.01)

    assert [each for each in caplog.messages if "blocked" in each] == []


def test_an_executor_that_was_not_started_has_all_that_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of it is made by ``start`` alone but the loop and the hooks."""
    monkeypatch.setattr("buoy.executor.limits.registry", {})  # other tests declare limits
    fresh, started = Async(["json"]), Async(["json"])
    names = set(vars(fresh))
    started.start()
    started.close()
    fresh.wake.close()

    assert set(vars(started)) - names == {"loop", "hooks"}
