"""Waiting for an end: what is answered, when, and at what cost."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from buoy import App, Deferred, Handle, Job, Plugin, hookimpl
from buoy.operations.failed_set import Filter, find, retry
from buoy.testing import drain
from buoy_status import State, cancel, ended, status, wait, waiting
from tests.support.processes import wait_until

from .conftest import Hands
from .shop import Checkout, Stubborn, fail

LOOK, SOON = 4.0, 3.0
"""Seconds between two looks; and fewer, in which a ring must have been heard."""

Wait = Callable[..., "Future[Any]"]


@pytest.fixture(params=["thread", "loop"])
def begin(
    request: pytest.FixtureRequest, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Wait]:
    """Begins to wait, beside the test, and returns once Redis knows of it."""
    monkeypatch.setattr(waiting, "MOST", LOOK)
    with ThreadPoolExecutor(8) as pool:

        def begin(*args: Any, **kwargs: Any) -> "Future[Any]":
            before = listeners(buoy_app)
            function = (
                wait if request.param == "thread" else lambda *a, **k: asyncio.run(soon(*a, **k))
            )
            future = pool.submit(function, *args, **kwargs)
            wait_until(lambda: future.done() or listeners(buoy_app) > before)
            return future

        yield begin


async def soon(*args: Any, **kwargs: Any) -> State[Any] | None:
    return await ended(*args, **kwargs)


def listeners(app: App) -> int:
    """How many wait for Redis."""
    [line] = [
        line
        for line in app.command("INFO", "clients").decode().splitlines()
        if line.startswith("blocked_clients:")
    ]
    return int(line.partition(":")[2])


def test_who_waits_hears_of_the_end(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    future = begin(handle)
    drain(buoy_app)

    assert future.result(SOON) == status(handle)
    assert future.result(SOON).result == {"cart": 42}


def test_all_who_wait_hear_of_it(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    futures = [begin(handle), begin(handle.id), begin(status(handle), 30), begin(handle)]
    drain(buoy_app)

    assert [future.result(SOON) for future in futures] == [status(handle)] * 4


def test_who_comes_later_is_answered_at_once(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    drain(buoy_app)

    assert begin(handle).result(SOON) == status(handle)


def test_a_failure_is_an_end(buoy_app: App, begin: Wait, inside: Any) -> None:
    handle = Checkout.enqueue(42)
    future = begin(handle)
    inside(fail)
    drain(buoy_app)

    found = future.result(SOON)
    assert (found.state, found.error) == ("failed", "ValueError")


def test_an_attempt_that_will_be_repeated_is_none(
    buoy_app: App, begin: Wait, inside: Any, hands: Hands
) -> None:
    handle = Stubborn.enqueue(42)
    future = begin(handle)
    inside(fail)
    drain(buoy_app)
    assert not future.done()

    buoy_app.reschedule(handle.id)
    drain(buoy_app)
    assert future.result(SOON).attempt == 2


def test_a_cancel_is_an_end(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    future = begin(handle)
    cancel(handle)

    assert future.result(SOON).state == "cancelled"


def test_an_end_without_a_word_is_seen_at_the_next_look(
    buoy_app: App, begin: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST", 0.05)
    handle = Checkout.enqueue(42)
    future = begin(handle)
    buoy_app.dequeue(handle.id)

    assert future.result(SOON).state == "cancelled"


def test_after_the_timeout_it_is_told_how_the_job_stands(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    started = time.monotonic()
    future = begin(handle, 0.1)

    assert future.result(SOON) == status(handle)
    assert 0.1 <= time.monotonic() - started < SOON
    assert begin(handle, timeout=0).result(SOON) == status(handle)


def test_what_is_not_known_is_not_waited_for(buoy_app: App, begin: Wait) -> None:
    assert begin("a").result(SOON) is None
    assert begin("a", queue="purchasing").result(SOON) is None


def test_who_was_kept_out_waits_for_the_holder(buoy_app: App, begin: Wait) -> None:
    class Alone(Checkout):
        plugins = [OnlyOne()]

    holder, refused = Alone.enqueue(42), Alone.enqueue(42)
    assert refused.state == "exists"
    future = begin(refused)
    drain(buoy_app)

    assert future.result(SOON).id == holder.id
    assert status(refused) == status(holder) == status(Alone, 42)


def test_what_a_plugin_holds_is_waited_for(buoy_app: App) -> None:
    class Later(Checkout):
        plugins = [Holds()]

    handle = Later.enqueue(42)
    assert handle.state == "deferred"
    with ThreadPoolExecutor() as pool:
        future = pool.submit(wait, handle)
        wait_until(lambda: listeners(buoy_app) == 1)
        [job] = held
        held.clear()
        buoy_app.submit(job)
        drain(buoy_app)

        found = future.result(SOON)
    assert found is not None
    assert found.state == "done"


def test_a_job_that_is_run_again_is_waited_for_again(
    buoy_app: App, begin: Wait, inside: Any
) -> None:
    handle = Checkout.enqueue(42)
    inside(fail)
    drain(buoy_app)
    retry(buoy_app.control, find(buoy_app.monitor, Filter()))

    buoy_app.command("CONFIG", "RESETSTAT")
    future = begin(handle)
    # The failure was told to nobody, and is not told now.
    time.sleep(0.1)
    assert calls(buoy_app, "xread") <= 3
    drain(buoy_app)

    assert future.result(SOON).state == "done"


def test_waiting_costs_a_look_now_and_then(buoy_app: App, begin: Wait) -> None:
    handle = Checkout.enqueue(42)
    status(handle)
    buoy_app.command("CONFIG", "RESETSTAT")
    future = begin(handle, 0.5)
    future.result(SOON)

    assert calls(buoy_app, "evalsha") <= 5


@pytest.mark.parametrize("function", [wait, lambda job: asyncio.run(soon(job))])
def test_a_full_redis_does_not_end_the_waiting(buoy_app: App, function: Any) -> None:
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


def test_many_who_await_do_not_keep_others_from_redis(buoy_app: App) -> None:
    async def crowd() -> list[State[Any] | None]:
        handles = [await Checkout.aenqueue(n) for n in range(60)]
        waits = [asyncio.create_task(ended(handle)) for handle in handles]
        await asyncio.to_thread(wait_until, lambda: listeners(buoy_app) == 60)
        started = time.monotonic()
        await Checkout.aenqueue(99)
        assert time.monotonic() - started < SOON
        await asyncio.to_thread(drain, buoy_app)
        found = await asyncio.gather(*waits)
        await buoy_app.aclose()
        return found

    assert [found and found.state for found in asyncio.run(crowd())] == ["done"] * 60


def test_who_gives_up_awaiting_leaves_nothing(buoy_app: App) -> None:
    async def impatient(handle: Handle[Any]) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ended(handle), 0.1)
        await buoy_app.aclose()

    handle = Checkout.enqueue(42)
    before = threading.active_count()
    asyncio.run(impatient(handle))

    wait_until(lambda: listeners(buoy_app) == 0)
    assert threading.active_count() == before


def calls(app: App, command: str) -> int:
    for line in app.command("INFO", "commandstats").decode().splitlines():
        if line.startswith(f"cmdstat_{command}:"):
            return int(line.partition("calls=")[2].partition(",")[0])
    return 0


held: list[Job] = []


class OnlyOne(Plugin):
    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.claim(f"only:{job.identifier}")


class Holds(Plugin):
    """Holds each job the first time it is asked."""

    @hookimpl
    def before_enqueue(self, job: Job) -> Deferred | None:
        if getattr(job, "was_held", False):
            return None
        job.was_held = True  # type: ignore[attr-defined]
        held.append(job)
        return Deferred("not yet")
