"""Read by type checkers, never run; see test_typing.py and that of the core."""

from typing import Any, assert_type

from buoy import App, Handle, Job, job
from buoy_status import (
    State,
    Status,
    acancel,
    aprogress,
    astatus,
    await_for,
    cancel,
    cancelled,
    progress,
    status,
    wait_for,
)


class Checkout(Job):
    plugins = [Status(ttl=60, result=True, max_result=100)]

    def perform(self, cart_id: int, *, dry: bool = False) -> dict[str, int]:
        progress(self, 1, of=2, note="x")
        progress(self, 0.5)
        progress(self)  # type: ignore[call-arg]
        progress(self, "1")  # type: ignore[arg-type]
        progress(7, 1)  # type: ignore[arg-type]
        assert_type(cancelled(self), bool)
        return {"cart": cart_id}


class Fetch(Job):
    plugins = [Status()]

    async def perform(self, url: str) -> int:
        await aprogress(self, 1, of=2)
        return len(url)


@job(plugins=[Status()])
def send(address: str, subject: str = "") -> float:
    return len(address + subject)


class Family(Job):
    plugins = [Status()]


def by_arguments() -> None:
    assert_type(status(Checkout, 42), State[dict[str, int]] | None)
    assert_type(status(Checkout, cart_id=42, dry=True), State[dict[str, int]] | None)
    assert_type(status(Fetch, "http://"), State[int] | None)
    assert_type(status(send, "ann@example.com"), State[float] | None)
    assert_type(status(Checkout.using(queue="slow"), 42), State[dict[str, int]] | None)
    assert_type(status(Fetch.using(queue="slow"), "http://"), State[int] | None)

    status(Checkout)  # type: ignore[call-overload]
    status(Checkout, "42")  # type: ignore[call-overload]
    status(Checkout, 42, True)  # type: ignore[call-overload]
    status(Fetch, 7)  # type: ignore[call-overload]
    status(Family)  # type: ignore[call-overload]
    status(42)  # type: ignore[call-overload]


def by_name(handle: Handle[str], id: str, app: App) -> None:
    assert_type(status(handle), State[str] | None)
    assert_type(status(handle, app=app), State[str] | None)
    assert_type(status(id), State[Any] | None)
    assert_type(status(id, queue="slow", app=app), State[Any] | None)
    assert_type(wait_for(handle), State[str] | None)
    assert_type(wait_for(handle, 5.0), State[str] | None)
    assert_type(wait_for(id, timeout=5, queue="slow"), State[Any] | None)

    status(handle, queue="slow")  # type: ignore[call-overload]
    wait_for(Checkout)  # type: ignore[call-overload]
    wait_for(handle, "5")  # type: ignore[call-overload]
    cancel(42)  # type: ignore[arg-type]


def a_state(state: State[str]) -> None:
    assert_type(state.result, str | None)
    assert_type(status(state), State[str] | None)
    assert_type(wait_for(state), State[str] | None)
    assert_type(state.state == "done", bool)
    if state.progress is not None:
        assert_type(state.progress.fraction, float | None)

    state.result = "x"  # type: ignore[misc]
    if state.state == "succeeded":  # type: ignore[comparison-overlap]
        pass
    Status(ttl="1d")  # type: ignore[arg-type]


async def awaiting(handle: Handle[str], id: str) -> None:
    assert_type(await astatus(Checkout, 42), State[dict[str, int]] | None)
    assert_type(await astatus(Fetch, "http://"), State[int] | None)
    assert_type(await astatus(handle), State[str] | None)
    assert_type(await astatus(id, queue="slow"), State[Any] | None)
    assert_type(await await_for(handle, 5), State[str] | None)
    assert_type(await await_for(id), State[Any] | None)
    if await acancel(handle) == "running":
        await acancel(id, queue="slow")

    await astatus(Checkout, "42")  # type: ignore[call-overload]
