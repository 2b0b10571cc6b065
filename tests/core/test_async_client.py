import asyncio
import select
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from buoy import App, EnqueueError, Handle, Job, QueueFull
from buoy.connection import async_client
from buoy.connection.client import RawArg
from buoy.connection.loop_connections import MAX_CONNECTIONS
from buoy.connection.redis_errors import RedisTimeout
from buoy.embedded.server import Server
from tests.support.processes import await_until
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


def test_a_primary_that_hangs_is_left_as_soon_as_sentinels_name_another(
    buoy_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hung:
        named = [f"redis://127.0.0.1:{hung.getsockname()[1]}/0"]
        monkeypatch.setattr(async_client, "url_finder", lambda _: lambda: named[-1])
        client = async_client.AsyncServerClient("redis+sentinel://127.0.0.1/shop")

        async def ask_twice() -> list[Any]:
            asking = asyncio.ensure_future(client.calls([["PING"]]))
            await asyncio.sleep(0)
            while not client.by_loop:  # it has asked the sentinels
                await asyncio.sleep(0.01)
            named.append(buoy_server.url)
            with pytest.raises(RedisTimeout):
                await asking
            replies = await client.calls([["PING"]])
            await client.close()
            return replies

        assert asyncio.run(ask_twice()) == [b"PONG"]


def test_a_connection_that_the_server_has_ended_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Server() as server:
        monkeypatch.setattr(Job, "app", App(server.url))

        async def program() -> None:
            await Refund.aenqueue(1)
            server.kill()
            server.start()
            await asyncio.sleep(0)  # the event loop looks at its sockets
            await asyncio.sleep(0)
            assert await Job.app.acommand("PING") == b"PONG"

        run(program())


def test_calls_wait_for_a_free_connection_also_when_others_are_cancelled(buoy_app: App) -> None:
    async def program() -> None:
        calls = [asyncio.create_task(Refund.aenqueue(n)) for n in range(60)]
        await asyncio.sleep(0)
        for call in calls[::3]:
            call.cancel()
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in done[1::3]] == [Handle] * 20
        [connections] = buoy_app.broker.async_client.by_loop.values()  # type: ignore[attr-defined]
        assert len(connections.idle) <= MAX_CONNECTIONS
        assert await buoy_app.acommand("PING") == b"PONG"

    run(program())


def test_a_server_that_is_silent_is_told(
    buoy_app: App, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Job, "app", App(proxy.url))

    async def program() -> None:
        [connections] = await connected(Job.app)  # which may take longer than the answer
        connections.limit.close()
        proxy.freeze()
        monkeypatch.setattr("buoy.connection.loop_connections.SOCKET_TIMEOUT", 0.1)
        await Job.app.acommand("PING")

    with pytest.raises(RedisTimeout) as raised:
        run(program())

    assert (str(raised.value), raised.value.sent) == ("Redis did not answer: it is silent", True)


async def connected(app: App) -> list[Any]:
    """Connect; returns the connections of each event loop."""
    assert await app.acommand("PING") == b"PONG"
    return list(app.broker.async_client.by_loop.values())  # type: ignore[attr-defined]


def test_only_a_call_that_has_no_reply_in_time_is_given_up(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One timer watches all of them; a call of several commands has the time for each reply."""
    monkeypatch.setattr("buoy.connection.loop_connections.SOCKET_TIMEOUT", 1000.0)

    async def program() -> None:
        loop, ahead = asyncio.get_running_loop(), 0.0
        clock = loop.time
        monkeypatch.setattr(loop, "time", lambda: clock() + ahead)  # only the test lets time pass
        [connections] = await connected(buoy_app)
        ends = connections.limit.ends

        def pop(*names: str) -> asyncio.Task[list[Any]]:
            words: list[list[RawArg]] = [["BLPOP", buoy_app.key("none", n), 0] for n in names]
            return asyncio.create_task(buoy_app.broker.async_client.calls(words))

        async def push(name: str) -> None:
            await buoy_app.acommand("LPUSH", buoy_app.key("none", name), name)

        hopeless, quick, several = pop("never"), pop("a"), pop("b", "c", "d")
        await await_until(lambda: len(ends) == 3)
        ahead = 800.0
        await push("a")
        assert [item for _, item in await quick] == [b"a"]
        await push("b")
        await await_until(
            lambda: max(ends.values()) > clock() + 1500
        )  # it is at its second command
        ahead = 1100.0
        with pytest.raises(RedisTimeout):
            await hopeless
        await push("c")
        await await_until(lambda: max(ends.values()) > clock() + 2050)
        ahead = 1900.0
        await push("d")
        assert [item for _, item in await several] == [b"b", b"c", b"d"]

        assert (ends, len(connections.idle)) == ({}, 3)
        assert await buoy_app.acommand("PING") == b"PONG"
        await buoy_app.aclose()
        assert connections.limit.timer is None

    asyncio.run(program())


def test_a_reply_that_came_while_the_program_did_something_else_is_read(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def program() -> None:
        [connections] = await connected(buoy_app)
        connections.limit.close()  # the next timer is that of the next call
        with monkeypatch.context() as patch:
            patch.setattr("buoy.connection.loop_connections.SOCKET_TIMEOUT", 0.05)
            asking = asyncio.create_task(buoy_app.acommand("PING"))
            while not connections.limit.ends:  # it is sent
                await asyncio.sleep(0)
        [(connection, end)] = connections.limit.ends.items()
        reply = connection._writer.get_extra_info("socket")
        assert select.select([reply], [], [], 60)[0]
        loop = asyncio.get_running_loop()
        while loop.time() <= end:  # the event loop cannot read the reply meanwhile
            pass
        assert await asking == b"PONG"
        assert await buoy_app.acommand("PING") == b"PONG"

    run(program())
