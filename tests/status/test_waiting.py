"""Waiting for the end of a job: the answer, its time, and its cost."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from buoy import App, Deferred, Handle, Job, Plugin, hookimpl
from buoy.operations.failed_set import Filter, find, retry
from buoy.testing import FakeWorker, drain
from buoy_status import State, await_for, cancel, status, store, wait_for, waiting
from tests.support.processes import wait_until

from .shop import Checkout, Stubborn, fail

LOOK, SOON = 600.0, 120.0
"""Seconds between two reads of the state, and fewer seconds in which a wakeup must come."""

Wait = Callable[..., "Future[Any]"]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits read the state again so late that a test would notice it. The stream that wakes them
    is kept for longer than that, as always."""
    monkeypatch.setattr(waiting, "LONGEST_WAIT", LOOK)
    monkeypatch.setattr(store, "WAKEUP_MS", round(2000 * LOOK))


@pytest.fixture(params=["thread", "loop"])
def begin(request: pytest.FixtureRequest, buoy_app: App, patient: None) -> Iterator[Wait]:
    """Returns a function that starts a wait in a thread, and returns once Redis knows of it."""
    with ThreadPoolExecutor(8) as pool:

        def begin(*args: Any, **kwargs: Any) -> "Future[Any]":
            before = listeners(buoy_app)
            function = (
                wait_for
                if request.param == "thread"
                else lambda *a, **k: asyncio.run(soon(*a, **k))
            )
            future = pool.submit(function, *args, **kwargs)
            wait_until(lambda: future.done() or listeners(buoy_app) > before)
            return future

        yield begin


async def soon(*args: Any, **kwargs: Any) -> State[Any] | None:
    return await await_for(*args, **kwargs)


def listeners(app: App) -> int:
    """Returns how many clients Redis blocks."""
    [line] = [
        line
        for line in app.command("INFO", "clients").decode().splitlines()
        if line.startswith("blocked_clients:")
    ]
    return int(line.partition(":")[2])


def test_wait_returns_when_the_job_ends(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    future = begin(handle)
    drain(buoy_app)

    assert future.result(SOON) == status(handle)
    assert future.result(SOON).result == {"cart": 42}


def test_all_waiting_callers_are_woken(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    futures = [begin(handle), begin(handle.id), begin(status(handle), 30), begin(handle)]
    drain(buoy_app)

    assert [future.result(SOON) for future in futures] == [status(handle)] * 4


def test_waiting_for_an_ended_job_returns_at_once(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    drain(buoy_app)

    assert begin(handle).result(SOON) == status(handle)


def test_a_failure_ends_the_wait(buoy_app: App, begin: Wait, inside: Any) -> None:
    handle = Checkout.enqueue(42)
    future = begin(handle)
    inside(fail)
    drain(buoy_app)

    found = future.result(SOON)
    assert (found.state, found.error) == ("failed", "ValueError")


def test_a_failed_attempt_that_is_retried_does_not_end_the_wait(
    buoy_app: App, begin: Wait, inside: Any, worker: FakeWorker
) -> None:
    handle = Stubborn.enqueue(42)
    future = begin(handle)
    inside(fail)
    drain(buoy_app)
    assert not future.done()

    buoy_app.reschedule(handle.id)
    drain(buoy_app)
    assert future.result(SOON).attempt == 2


def test_a_cancellation_ends_the_wait(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    future = begin(handle)
    cancel(handle)

    assert future.result(SOON).state == "cancelled"


def test_an_end_without_a_wakeup_is_seen_at_the_next_read(
    buoy_app: App, begin: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LONGEST_WAIT", 0.05)
    handle = Checkout.enqueue(42)
    future = begin(handle)
    buoy_app.dequeue(handle.id)

    assert future.result(SOON).state == "cancelled"


def test_after_the_timeout_wait_returns_the_state(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    started = time.monotonic()
    future = begin(handle, 0.1)

    assert future.result(SOON) == status(handle)
    assert 0.1 <= time.monotonic() - started < SOON
    assert begin(handle, timeout=0).result(SOON) == status(handle)


def test_waiting_for_an_unknown_job_returns_none_at_once(buoy_app: App, begin: Wait) -> None:
    assert begin("a").result(SOON) is None
    assert begin("a", queue="purchasing").result(SOON) is None


def test_a_handle_of_state_exists_waits_for_the_other_job(buoy_app: App, begin: Wait) -> None:
    class Alone(Checkout):
        plugins = [OnlyOne()]

    holder, refused = Alone.enqueue(42), Alone.enqueue(42)
    assert refused.state == "exists"
    future = begin(refused)
    drain(buoy_app)

    assert future.result(SOON).id == holder.id
    assert status(refused) == status(holder) == status(Alone, 42)


def test_wait_waits_for_a_deferred_job(buoy_app: App) -> None:
    class Later(Checkout):
        plugins = [DefersOnce()]

    handle = Later.enqueue(42)
    assert handle.state == "deferred"
    with ThreadPoolExecutor() as pool:
        future = pool.submit(wait_for, handle)
        wait_until(lambda: listeners(buoy_app) == 1)
        [job] = deferred_jobs
        deferred_jobs.clear()
        buoy_app.submit(job)
        drain(buoy_app)

        found = future.result(SOON)
    assert found is not None
    assert found.state == "done"


def test_a_retried_job_is_waited_for_again(buoy_app: App, begin: Wait, inside: Any) -> None:
    handle = Checkout.enqueue(42)
    inside(fail)
    drain(buoy_app)
    retry(buoy_app.control, find(buoy_app.monitor, Filter()))

    buoy_app.command("CONFIG", "RESETSTAT")
    future = begin(handle)
    # The failure woke nobody, and must not wake this wait.
    time.sleep(0.1)
    assert calls(buoy_app, "xread") <= 3
    drain(buoy_app)

    assert future.result(SOON).state == "done"


def test_waiting_costs_few_reads(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    status(handle)
    buoy_app.command("CONFIG", "RESETSTAT")
    future = begin(handle, 0.5)
    future.result(SOON)

    assert calls(buoy_app, "evalsha") <= 5


def test_a_wait_does_not_end_in_its_last_millisecond(buoy_app: App) -> None:
    asked = next(store.wait_for_wakeup(buoy_app, "mail", "a1", "1-1", 0.4991))

    assert not isinstance(asked, float)
    assert [list(command[:3]) for command in asked] == [["XREAD", "BLOCK", 500]]


@pytest.mark.parametrize("function", [wait_for, lambda job: asyncio.run(soon(job))])
def test_a_full_redis_does_not_end_the_wait(buoy_app: App, function: Any) -> None:
    handle = Checkout.enqueue(42)
    buoy_app.command("CONFIG", "RESETSTAT")
    buoy_app.command("CONFIG", "SET", "maxmemory", 1)
    try:
        with ThreadPoolExecutor() as pool:
            future = pool.submit(function, handle)
            wait_until(lambda: calls(buoy_app, "evalsha") >= 3)
            drain(buoy_app)
            assert future.result(SOON).state == "done"
    finally:
        buoy_app.command("CONFIG", "SET", "maxmemory", 0)


def test_many_async_waits_do_not_block_other_coroutines(buoy_app: App, patient: None) -> None:
    async def crowd() -> list[State[Any] | None]:
        handles = [await Checkout.aenqueue(n) for n in range(60)]
        waits = [asyncio.create_task(await_for(handle)) for handle in handles]
        await asyncio.to_thread(wait_until, lambda: listeners(buoy_app) == 60)
        await asyncio.wait_for(Checkout.aenqueue(99), SOON)
        await asyncio.to_thread(drain, buoy_app)
        found = await asyncio.gather(*waits)
        await buoy_app.aclose()
        return found

    assert [found and found.state for found in asyncio.run(crowd())] == ["done"] * 60


def test_a_cancelled_async_wait_leaves_no_connection_or_thread(buoy_app: App) -> None:
    async def impatient(handle: Handle[Any]) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(await_for(handle), 0.1)
        await buoy_app.aclose()

    handle = Checkout.enqueue(42)
    before = {*threading.enumerate()}
    asyncio.run(impatient(handle))

    wait_until(lambda: listeners(buoy_app) == 0)
    assert {*threading.enumerate()} <= before  # some of them may have ended


def calls(app: App, command: str) -> int:
    for line in app.command("INFO", "commandstats").decode().splitlines():
        if line.startswith(f"cmdstat_{command}:"):
            return int(line.partition("calls=")[2].partition(",")[0])
    return 0


deferred_jobs: list[Job] = []


class OnlyOne(Plugin):
    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.claim(f"only:{job.identifier}")


class DefersOnce(Plugin):
    """Defers each job the first time."""

    @hookimpl
    def before_enqueue(self, job: Job) -> Deferred | None:
        if getattr(job, "was_deferred", False):
            return None
        job.was_deferred = True  # type: ignore[attr-defined]
        deferred_jobs.append(job)
        return Deferred("not yet")
