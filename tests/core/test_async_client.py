import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from buoy import App, EnqueueError, Job, QueueFull
from buoy.embedded.server import Server
from tests.support.proxy import Proxy

R = TypeVar("R")


class Charge(Job):
    queue = "purchasing"
    max_length = 100

    def perform(self, purchase_id: int) -> None: ...


class Refund(Job):
    queue = "purchasing"

    async def perform(self, purchase_id: int) -> str:
        return "done"


def run(program: Coroutine[Any, Any, R]) -> R:
    async def whole() -> R:
        try:
            return await program
        finally:
            await Job.app.aclose()

    return asyncio.run(whole())


def waiting(app: App) -> list[object]:
    return [view.args[0] for view in app.monitor.peek("purchasing", 0, 1000)]


def test_an_awaited_enqueue_stores_the_job(buoy_app: App) -> None:
    async def program() -> None:
        handle = await Charge.aenqueue(42)
        assert (handle.state, handle.queue) == ("queued", "purchasing")
        later = await Refund.using(delay=60, id="r43").aenqueue(43)
        assert (later.state, later.id) == ("delayed", "r43")
        again = await Refund.using(id="r43").aenqueue(43)
        assert again.state == "exists"

    run(program())

    assert waiting(buoy_app) == [42]


def test_many_coroutines_enqueue_at_once_and_so_does_the_next_event_loop(buoy_app: App) -> None:
    async def program() -> None:
        await asyncio.gather(*(Charge.aenqueue(n) for n in range(50)))

    run(program())
    run(program())

    assert sorted(waiting(buoy_app), key=str) == sorted([*range(50)] * 2, key=str)


def test_a_full_queue_is_told(buoy_app: App) -> None:
    Charge.enqueue_many([(n,) for n in range(100)])

    with pytest.raises(QueueFull, match="queue 'purchasing' is full"):
        run(Charge.aenqueue(42))


def test_an_awaited_enqueue_whose_answer_is_lost_is_repeated(
    buoy_app: App, buoy_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(buoy_server.url) as proxy:
        monkeypatch.setattr(Job, "app", App(proxy.url))
        run(Charge.aenqueue(1))
        proxy.cut(1, "after")

        handle = run(Charge.aenqueue(2))

    assert handle.state == "queued"
    assert waiting(buoy_app) == [1, 2]


def test_a_redis_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Job, "app", App("unix:///nowhere/redis.sock"))

    with pytest.raises(EnqueueError, match="nothing was enqueued") as raised:
        run(Charge.aenqueue(42))

    assert raised.value.enqueued is False


def test_a_cancelled_enqueue_leaves_no_answer_to_the_next_one(buoy_app: App) -> None:
    async def program() -> None:
        for _ in range(20):
            enqueueing = asyncio.create_task(Charge.aenqueue(1))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            enqueueing.cancel()
            await asyncio.gather(enqueueing, return_exceptions=True)
            assert (await Charge.aenqueue(2)).state == "queued"

    run(program())

    assert waiting(buoy_app).count(2) == 20


def test_an_awaited_enqueue_runs_at_once_in_inline_mode(buoy_app: App) -> None:
    async def program() -> None:
        with buoy_app.inline():
            assert (await Refund.aenqueue(42)).state == "queued"

    run(program())

    assert not waiting(buoy_app)


def test_a_wrong_password_is_told_as_by_a_program_that_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Server(args=("--requirepass", "secret")) as server:
        monkeypatch.setattr(Job, "app", App(f"unix://:wrong@{server.socket}"))
        with pytest.raises(EnqueueError) as blocking:
            Refund.using(id="r42").enqueue(42)
        with pytest.raises(EnqueueError) as awaiting:
            run(Refund.using(id="r42").aenqueue(42))

    assert "Redis refuses the login: " in str(awaiting.value)
    assert str(awaiting.value) == str(blocking.value)
    assert awaiting.value.enqueued is blocking.value.enqueued is False
