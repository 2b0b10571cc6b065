"""Sessions of SQLAlchemy: jobs of event listeners, without Redis, and two-phase commits."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, select
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, sessionmaker

from buoy import App
from buoy.embedded.server import Server
from buoy_aftercommit import NotPushed
from tests.support.orders import Order

from .orders_job import Charge, queued

Sessions = sessionmaker[Session]


class TestEvents:
    def test_a_job_enqueued_during_a_flush_waits_for_the_commit(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        def charge(mapper: object, connection: object, order: Order) -> None:
            assert Charge.enqueue(order.id).state == "deferred"

        event.listen(Order, "after_insert", charge)
        try:
            with sessions() as session:
                session.add(Order(id=8))
                session.flush()
                session.add(Order(id=9))
                session.commit()
        finally:
            event.remove(Order, "after_insert", charge)
        assert queued(buoy_app) == [8, 9]

    def test_a_job_enqueued_by_an_after_commit_event_is_not_deferred(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions() as session:
            event.listen(session, "before_commit", lambda session: Charge.enqueue(1))
            event.listen(session, "after_commit", lambda session: Charge.enqueue(2))
            session.add(Order())
            session.commit()
        assert queued(buoy_app) == [2, 1]

    def test_a_job_enqueued_at_the_release_of_a_savepoint_waits_for_the_transaction(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions.begin() as session:
            with session.begin_nested():
                event.listen(session, "after_commit", lambda session: Charge.enqueue(1), once=True)
            assert queued(buoy_app) == []
        assert queued(buoy_app) == [1]


class TestWithoutRedis:
    def test_the_commit_raises_not_pushed_and_the_session_can_go_on(
        self, tmp_path: Path, sessions: Sessions
    ) -> None:
        server = Server(tmp_path / "server")
        server.start()

        class Lonely(Charge):
            app = App(server.url)

        heard: list[str] = []
        with sessions() as session:
            event.listen(session, "after_commit", lambda session: heard.append("committed"))
            event.listen(session, "after_rollback", lambda session: heard.append("rolled back"))
            session.begin()
            session.add(Order(id=1))
            handle = Lonely.enqueue(1)
            server.stop()
            with pytest.raises(NotPushed) as raised:
                session.commit()
            assert [job.id for job in raised.value.jobs] == [handle.id]
            assert heard == ["committed"]
            assert session.get(Order, 1) is not None
            session.add(Order(id=2))
            session.commit()
        with sessions() as session:
            assert len(session.scalars(select(Order)).all()) == 2


class TwoPhase(SQLiteDialect_pysqlite):
    """SQLite that pretends to support two-phase commits."""

    supports_statement_cache = True

    def do_begin_twophase(self, connection: Any, xid: Any) -> None: ...

    def do_prepare_twophase(self, connection: Any, xid: Any) -> None: ...

    def do_commit_twophase(self, connection: Any, *args: Any, **options: Any) -> None:
        self.do_commit(connection.connection)  # type: ignore[no-untyped-call]

    def do_rollback_twophase(self, connection: Any, *args: Any, **options: Any) -> None:
        self.do_rollback(connection.connection)  # type: ignore[no-untyped-call]


def test_a_two_phase_commit_pushes_after_the_second_phase(buoy_app: App, engine: Engine) -> None:
    registry.impls["sqlite.twophase"] = lambda: TwoPhase
    url = engine.url.set(drivername="sqlite+twophase")
    two = create_engine(url)
    with Session(two, twophase=True) as session:
        session.add(Order(id=1))
        Charge.enqueue(1)
        session.prepare()
        Charge.enqueue(2)
        assert queued(buoy_app) == []
        session.commit()
        assert queued(buoy_app) == [1, 2]
        session.add(Order(id=2))
        Charge.enqueue(3)
        session.prepare()
        session.rollback()
    two.dispose()
    assert queued(buoy_app) == [1, 2]
