import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import AsyncAdaptedQueuePool

from buoy import App, EnqueueError, Job
from buoy.embedded.server import Server
from buoy_aftercommit import AfterCommit, NotPushed, deferring
from buoy_aftercommit.push import started_pushes
from tests.support.orders import Base, Order, prepared
from tests.support.processes import await_until

Sessions = async_sessionmaker[AsyncSession]


class Charge(Job):
    queue = "orders"
    plugins = [AfterCommit()]

    def perform(self, order_id: int) -> None: ...


@pytest.fixture
def run(tmp_path: Path, buoy_app: App) -> Callable[[Callable[[Sessions], Any]], None]:
    """Runs a program on an event loop, with a database."""

    @asynccontextmanager
    async def database() -> AsyncIterator[Sessions]:
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{tmp_path / 'orders.db'}", poolclass=AsyncAdaptedQueuePool
        )
        prepared(engine.sync_engine)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        try:
            yield async_sessionmaker(engine)
        finally:
            await engine.dispose()
            await Job.app.aclose()

    def run(program: Callable[[Sessions], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            async with database() as sessions:
                await program(sessions)

        asyncio.run(whole())

    return run


def queued(app: App) -> list[Any]:
    return [view.args[0] for view in app.monitor.peek("orders", 0, 5000)]


def test_a_job_waits_for_the_commit(run: Any, buoy_app: App) -> None:
    async def program(sessions: Sessions) -> None:
        async with sessions.begin() as session:
            order = Order(id=1)
            session.add(order)
            await session.flush()
            assert (await Charge.aenqueue(1)).state == "deferred"
            assert Charge.enqueue(2).state == "deferred"
            assert queued(buoy_app) == []
        assert queued(buoy_app) == [1, 2]
        assert (await Charge.aenqueue(3)).state == "queued"

    run(program)


def test_a_rollback_and_a_savepoint_drop_their_jobs(run: Any, buoy_app: App) -> None:
    async def program(sessions: Sessions) -> None:
        with suppress(KeyError):
            async with sessions.begin() as session:
                session.add(Order(id=1))
                await Charge.aenqueue(1)
                raise KeyError
        async with sessions() as session:
            session.add(Order(id=2))
            await Charge.aenqueue(2)
            async with session.begin_nested() as savepoint:
                await Charge.aenqueue(3)
                await savepoint.rollback()
            await session.commit()
            await session.scalars(select(Order))
            assert (await Charge.aenqueue(4)).state == "queued"

    run(program)

    assert queued(buoy_app) == [2, 4]


def test_a_task_is_in_the_transactions_in_which_it_was_started(run: Any, buoy_app: App) -> None:
    async def program(sessions: Sessions) -> None:
        async def other(number: int, go: asyncio.Event) -> str:
            await go.wait()
            return (await Charge.aenqueue(number)).state

        within, after = asyncio.Event(), asyncio.Event()
        stranger = asyncio.create_task(other(8, within))
        async with sessions.begin() as session:
            session.add(Order(id=1))
            handles = await asyncio.gather(Charge.aenqueue(1), Charge.aenqueue(2))
            assert [handle.state for handle in handles] == ["deferred", "deferred"]
            assert await asyncio.to_thread(lambda: Charge.enqueue(3).state) == "deferred"
            within.set()
            assert await stranger == "queued"
            late = asyncio.create_task(other(9, after))
        after.set()
        assert await late == "queued"

    run(program)

    assert queued(buoy_app) == [8, 1, 2, 3, 9]


def test_concurrent_tasks_do_not_share_transactions(run: Any, buoy_app: App) -> None:
    async def program(sessions: Sessions) -> None:
        first_done = asyncio.Event()

        async def commits() -> None:
            async with sessions() as session:
                session.add(Order(id=1))
                await Charge.aenqueue(1)
                await session.commit()
            first_done.set()

        async def fails() -> None:
            async with sessions() as session:
                session.add(Order(id=2))
                await Charge.aenqueue(2)
                await first_done.wait()
                await session.rollback()

        await asyncio.gather(fails(), commits())

    run(program)

    assert queued(buoy_app) == [1]


def test_session_defers_only_in_sessions_of_that_maker(run: Any, buoy_app: App) -> None:
    async def program(sessions: Sessions) -> None:
        registry = async_scoped_session(sessions, asyncio.current_task)
        elsewhere = create_async_engine("sqlite+aiosqlite://")
        others = async_sessionmaker(elsewhere)

        class Own(AsyncSession):
            pass

        owned = async_sessionmaker(sessions.kw["bind"], class_=Own)

        cases: list[Any] = [(sessions, sessions), (registry, registry), (Own, owned)]
        for named, make in cases:

            class Named(Charge):
                plugins = [AfterCommit(session=named)]

            async with others.begin():
                assert Named.enqueue(1).state == "queued"
            async with make() as session, session.begin():
                assert Named.enqueue(2).state == "deferred"
        await registry.remove()
        await elsewhere.dispose()

    run(program)

    assert queued(buoy_app) == [1, 2] * 3


def test_the_push_does_not_block_the_event_loop(
    run: Any, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blocking(*words: object) -> None:
        raise AssertionError("blocks")

    async def program(sessions: Sessions) -> None:
        await Charge.aenqueue(0)  # the queue is known
        with monkeypatch.context() as patched:
            async with sessions.begin():
                await Charge.aenqueue(1)
                patched.setattr(buoy_app.broker.client, "calls", blocking)

    run(program)

    assert queued(buoy_app) == [0, 1]


def test_a_task_cancelled_after_the_commit_does_not_lose_the_job(run: Any, buoy_app: App) -> None:
    """As when a browser disconnects just after the commit."""

    async def program(sessions: Sessions) -> None:
        committed = asyncio.Event()

        async def request() -> None:
            async with sessions() as session:
                event.listen(session.sync_session, "after_commit", lambda _: committed.set())
                session.add(Order(id=1))
                await Charge.aenqueue(1)
                await session.commit()

        task = asyncio.create_task(request())
        await committed.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await await_until(lambda: not started_pushes)
        assert queued(buoy_app) == [1]

    run(program)


def test_a_task_cancelled_during_the_push_does_not_lose_the_job(run: Any, buoy_app: App) -> None:
    async def program(sessions: Sessions) -> None:
        under_way, go = asyncio.Event(), asyncio.Event()
        send = buoy_app.broker.async_client.calls

        async def slowly(commands: Any) -> Any:
            under_way.set()
            await go.wait()
            return await send(commands)

        buoy_app.broker.async_client.calls = slowly  # type: ignore[method-assign]

        async def request() -> None:
            async with sessions() as session:
                session.add(Order(id=1))
                await Charge.aenqueue(1)
                await session.commit()

        task = asyncio.create_task(request())
        await under_way.wait()
        pool = sessions.kw["bind"].pool
        await await_until(lambda: pool.checkedout() == 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()
        await await_until(lambda: not started_pushes)
        assert queued(buoy_app) == [1]

    run(program)


def test_without_redis_an_async_commit_raises_not_pushed(run: Any, tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    server.start()
    app = App(server.url)

    class Lonely(Charge):
        pass

    Lonely.app = app

    async def program(sessions: Sessions) -> None:
        async with sessions() as session:
            session.add(Order(id=1))
            handle = await Lonely.aenqueue(1)
            server.stop()
            with pytest.raises(NotPushed) as raised:
                await session.commit()
            assert [job.id for job in raised.value.jobs] == [handle.id]
            assert isinstance(raised.value.__cause__, EnqueueError)
            assert await session.get(Order, 1) is not None
            session.add(Order(id=2))
            await session.commit()
        await app.aclose()

    run(program)


def test_async_with_deferring_pushes_at_its_end(run: Any, buoy_app: App) -> None:
    async def program(sessions: Sessions) -> None:
        async with deferring():
            assert (await Charge.aenqueue(1)).state == "deferred"
        with suppress(KeyError):
            async with deferring():
                await Charge.aenqueue(2)
                raise KeyError

    run(program)

    assert queued(buoy_app) == [1]


def test_inline_jobs_run_after_the_commit(run: Any, buoy_app: App) -> None:
    async def program(sessions: Sessions) -> None:
        found: list[bool] = []

        class Look(Job):
            plugins = [AfterCommit()]

            async def perform(self, order_id: int) -> None:
                found.append(True)

        with buoy_app.inline():
            async with sessions.begin() as session:
                session.add(Order(id=1))
                await Look.aenqueue(1)
                assert found == []
        assert found == [True]

    run(program)
