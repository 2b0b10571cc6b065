"""Story S6: a job that is enqueued in a transaction finds the row that it was made for."""

import asyncio
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from tests.support.orders import Base, Order, prepared
from tests.support.processes import Site

from .apps.orders import DATABASE, Pack, PackAtOnce

AsyncSessions = async_sessionmaker[AsyncSession]

ORDERS = range(1, 1201)
CANCELLED = {order for order in ORDERS if order % 6 == 0}
COMMITTED = [order for order in ORDERS if order not in CANCELLED]
WRITERS = 4


class Cancelled(Exception):
    """The customer thought better of it."""


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    database = site.folder / "orders.db"
    site.environ[DATABASE] = str(database)
    site.lease = 30.0  # of several workers none loses a job because it is held up for a second
    engine = prepared(create_engine(f"sqlite:///{database}"))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def a_moment() -> float:
    """What else a transaction has to do."""
    return random.choice([0, 0, 0.001, 0.003])


def check(site: Site) -> None:
    site.settled("orders", within=120)
    assert len(COMMITTED) == 1000
    assert site.words("missing") == []
    assert sorted(map(int, site.words("found"))) == COMMITTED


def test_a_thousand_jobs_never_miss_their_row(site: Site, engine: Engine) -> None:
    sessions = sessionmaker(engine)

    def write(order_id: int) -> None:
        try:
            with sessions.begin() as session:
                session.add(Order(id=order_id))
                session.flush()
                assert Pack.enqueue(order_id).state == "deferred"
                time.sleep(a_moment())
                if order_id in CANCELLED:
                    raise Cancelled
        except Cancelled:
            pass

    site.worker("--executor", "fork", "-c", "2", queues="orders", app="orders")
    site.worker("--executor", "thread", queues="orders", app="orders")
    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(write, ORDERS))

    check(site)


def test_a_thousand_jobs_of_a_program_that_awaits_never_miss_their_row(
    site: Site, engine: Engine
) -> None:
    async def write(sessions: AsyncSessions, orders: Iterator[int]) -> None:
        for order_id in orders:
            try:
                async with sessions.begin() as session:
                    session.add(Order(id=order_id))
                    await session.flush()
                    assert (await Pack.aenqueue(order_id)).state == "deferred"
                    await asyncio.sleep(a_moment())
                    if order_id in CANCELLED:
                        raise Cancelled
            except Cancelled:
                pass

    async def program() -> None:
        database = create_async_engine(f"sqlite+aiosqlite:///{site.environ[DATABASE]}")
        prepared(database.sync_engine)
        sessions, orders = async_sessionmaker(database), iter(ORDERS)
        await asyncio.gather(*(write(sessions, orders) for _ in range(WRITERS)))
        await database.dispose()
        await site.app.aclose()

    site.worker("--executor", "async", queues="orders", app="orders")
    site.worker("--executor", "thread", queues="orders", app="orders")
    asyncio.run(program())

    check(site)


def test_without_after_commit_jobs_miss_their_row(site: Site, engine: Engine) -> None:
    site.worker("--executor", "thread", queues="orders", app="orders")
    with sessionmaker(engine).begin() as session:
        session.add(Order(id=1))
        session.flush()
        PackAtOnce.enqueue(1)
        site.note("missing", "1")
