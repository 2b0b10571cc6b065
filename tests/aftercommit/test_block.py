import gc
import threading
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, sessionmaker

from buoy import App, Job
from buoy_aftercommit import AfterCommit, deferring
from tests.support.orders import Order

from .orders_job import said


class Charge(Job):
    queue = "orders"
    plugins = [AfterCommit()]

    def perform(self, order_id: int) -> None: ...


def queued(app: App) -> list[Any]:
    return [view.args[0] for view in app.monitor.peek("orders", 0, 5000)]


def test_jobs_are_pushed_when_the_block_ends(buoy_app: App, engine: Engine) -> None:
    with deferring(), engine.begin() as connection:
        connection.execute(text("insert into orders (id, note) values (1, '')"))
        assert Charge.enqueue(1).state == "deferred"
        assert queued(buoy_app) == []
    assert queued(buoy_app) == [1]
    assert Charge.enqueue(2).state == "queued"


def test_jobs_are_dropped_when_the_block_raises(buoy_app: App) -> None:
    with suppress(KeyError), deferring():
        Charge.enqueue(1)
        raise KeyError
    assert queued(buoy_app) == []


def test_an_inner_block_works_like_a_savepoint(buoy_app: App) -> None:
    with deferring():
        Charge.enqueue(1)
        with deferring():
            Charge.enqueue(2)
        assert queued(buoy_app) == []
        with suppress(KeyError), deferring():
            Charge.enqueue(3)
            raise KeyError
        Charge.enqueue(4)
    assert queued(buoy_app) == [1, 2, 4]


def test_jobs_that_inner_blocks_drop_are_not_logged_as_errors(
    buoy_app: App, caplog: pytest.LogCaptureFixture
) -> None:
    with suppress(KeyError), deferring():
        with suppress(KeyError), deferring():
            Charge.enqueue(1)
            raise KeyError
        with deferring():
            Charge.enqueue(2)
        raise KeyError
    gc.collect()
    assert queued(buoy_app) == []
    assert said(caplog, "ERROR") == []


def test_a_job_in_a_block_and_a_session_waits_for_both(
    buoy_app: App, sessions: "sessionmaker[Session]"
) -> None:
    with deferring():
        with sessions.begin() as session:
            session.add(Order())
            Charge.enqueue(1)
        assert queued(buoy_app) == []
    with sessions.begin() as session:
        with deferring():
            Charge.enqueue(2)
        assert queued(buoy_app) == [1]
    assert queued(buoy_app) == [1, 2]


def test_a_block_defers_jobs_whose_plugin_names_a_session(buoy_app: App) -> None:
    class Other(Charge):
        plugins = [AfterCommit(session=sessionmaker())]

    with deferring():
        assert Other.enqueue(1).state == "deferred"
    assert queued(buoy_app) == [1]


def test_a_block_does_not_defer_jobs_of_another_thread(buoy_app: App) -> None:
    states: list[str] = []
    with deferring():
        thread = threading.Thread(target=lambda: states.append(Charge.enqueue(1).state))
        thread.start()
        thread.join()
    assert states == ["queued"]
