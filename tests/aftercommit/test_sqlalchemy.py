import gc
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine, delete, event, insert, inspect, select, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from buoy import App, Job
from buoy.embedded.server import Server
from buoy.testing import drain
from buoy_aftercommit import AfterCommit, NotPushed
from buoy_aftercommit.batch import DeferredJob, DeferredJobRef
from buoy_aftercommit.sqlalchemy import SessionBatch, SessionState, session_of, writes
from tests.support.orders import Order

Sessions = sessionmaker[Session]
OURS = (DeferredJob, DeferredJobRef, SessionBatch, SessionState)


class Charge(Job):
    queue = "orders"
    plugins = [AfterCommit()]

    def perform(self, order_id: int) -> None: ...


def waiting(app: App, queue: str = "orders") -> list[Any]:
    return [view.args[0] for view in app.monitor.peek(queue, 0, 5000)]


def flush(session: Session) -> None:
    session.add(Order(id=2))
    session.flush()


WRITES: dict[str, Callable[[Session], object]] = {
    "add": lambda s: s.add(Order(id=2)),
    "merge": lambda s: s.merge(Order(id=3)),
    "delete": lambda s: s.delete(s.get(Order, 1)),
    "change": lambda s: setattr(s.get(Order, 1), "note", "new"),
    "flush": flush,
    "insert": lambda s: s.execute(insert(Order).values(id=2)),
    "delete many": lambda s: s.execute(delete(Order)),
    "text": lambda s: s.execute(text("update orders set note = 'new'")),
    "text with": lambda s: s.execute(
        text("with x as (select 1) insert into orders (id, note) select 5, '' from x")
    ),
    "connection": lambda s: s.connection().execute(insert(Order).values(id=2)),
    "driver": lambda s: s.connection().exec_driver_sql("delete from orders"),
    "bulk": lambda s: s.bulk_insert_mappings(inspect(Order), [{"id": 2}]),
    "query": lambda s: s.query(Order).update({"note": "new"}),
    "savepoint": lambda s: s.begin_nested(),
    "comments": lambda s: s.execute(text("/**/" * 60 + "update orders set note = ''")),
}


class TestOneTransaction:
    def test_a_job_is_deferred_and_pushed_by_the_commit(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions.begin() as session:
            order = Order()
            session.add(order)
            session.flush()
            handle = Charge.enqueue(order.id)
            assert (handle.state, handle.reason) == ("deferred", "until the transaction commits")
            assert waiting(buoy_app) == []
            assert buoy_app.find(handle.id) is None

        found = buoy_app.find(handle.id)
        assert found is not None
        assert (found.state, found.identifier) == ("queued", handle.identifier)
        assert drain(buoy_app) == {"done": 1}

    def test_outside_of_a_transaction_a_job_is_pushed_at_once(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        assert Charge.enqueue(1).state == "queued"
        with sessions.begin() as session:
            session.add(Order())
        assert Charge.enqueue(2).state == "queued"
        with sessions():
            assert Charge.enqueue(3).state == "queued"
        assert waiting(buoy_app) == [1, 2, 3]

    def test_an_error_in_the_transaction_drops_the_job(
        self, buoy_app: App, sessions: Sessions, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", "buoy.aftercommit")
        with suppress(KeyError), sessions.begin() as session:
            session.add(Order())
            handle = Charge.enqueue(1)
            raise KeyError

        assert waiting(buoy_app) == []
        assert caplog.messages == [
            f"not committed, dropped: id={handle.id} class={Charge.name} queue=orders"
        ]
        assert Charge.enqueue(2).state == "queued"

    def test_rollback_and_close_drop_the_jobs_and_the_session_can_go_on(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        session = sessions()
        for end in (session.rollback, session.close):
            session.add(Order())
            assert Charge.enqueue(1).state == "deferred"
            end()
            assert Charge.enqueue(2).state == "queued"
        session.add(Order())
        Charge.enqueue(3)
        session.commit()
        session.close()
        assert waiting(buoy_app) == [2, 2, 3]

    def test_a_failed_commit_drops_the_job(self, buoy_app: App, sessions: Sessions) -> None:
        with sessions.begin() as session:
            session.add(Order(id=1))
        with suppress(IntegrityError), sessions.begin() as session:
            session.add(Order(id=1))
            assert Charge.enqueue(1).state == "deferred"
        assert waiting(buoy_app) == []

    def test_jobs_are_pushed_in_the_order_of_enqueueing(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions.begin() as session:
            Charge.enqueue(1)
            with session.begin_nested():
                Charge.enqueue(2)
            Charge.enqueue(3)
        assert waiting(buoy_app) == [1, 2, 3]

    def test_at_the_push_the_connection_is_returned_to_the_pool(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        performed: list[int] = []

        class Inline(Charge):
            def perform(self, order_id: int) -> None:
                with sessions() as session:
                    assert session.get(Order, order_id) is not None
                performed.append(order_id)

        with buoy_app.inline(), sessions.begin() as session:
            session.add(Order(id=7))
            Inline.enqueue(7)
            assert performed == []
        assert performed == [7]


class TestWhatCounts:
    """A transaction counts once it has something to commit."""

    def test_a_transaction_that_has_only_read_does_not_count(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions() as session:
            session.scalars(select(Order)).all()
            session.execute(text("select 1"))
            session.execute(text("-- why\n /* how */ WITH x AS (SELECT 1) SELECT * FROM x"))
            session.execute(text("/**/" * 60 + "SELECT 1"))
            session.connection().exec_driver_sql("PRAGMA user_version")
            assert session.in_transaction()
            assert Charge.enqueue(1).state == "queued"

    @pytest.mark.parametrize(
        ("statement", "counts"),
        [
            ("SET LOCAL app.tenant = '7'", False),
            ("/* the app's */ set search_path to shop", False),
            ("RESET ALL", False),
            ("use shop", False),
            ("FETCH 5 FROM orders_cursor", False),
            ("CALL new_order(7)", True),
            ("LOCK TABLE orders", True),
            ("settle 7", True),
        ],
    )
    def test_statements_of_other_databases_are_recognised_as_read_only_or_not(
        self, statement: str, counts: bool
    ) -> None:
        """Both as text and as given to the driver."""
        for compiled in (None, object()):
            context = SimpleNamespace(compiled=compiled, is_text=compiled is not None)
            assert writes(statement, context) is counts

    def test_an_explicit_transaction_counts_from_the_start(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions() as session, session.begin():
            assert Charge.enqueue(1).state == "deferred"
        assert waiting(buoy_app) == [1]

    @pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
    def test_a_transaction_with_something_to_commit_counts(
        self, buoy_app: App, sessions: Sessions, write: Callable[[Session], object]
    ) -> None:
        with sessions.begin() as session:
            session.add(Order(id=1))
        with sessions() as session:
            session.get(Order, 1)
            write(session)
            assert Charge.enqueue(1).state == "deferred"
            assert waiting(buoy_app) == []
            session.commit()
        assert waiting(buoy_app) == [1]

    def test_reading_after_the_commit_begins_no_transaction_that_counts(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions() as session:
            order = Order(id=1)
            session.add(order)
            session.commit()
            assert Charge.enqueue(order.id).state == "queued"

    def test_a_transaction_rolled_back_by_an_error_does_not_count(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions.begin() as session:
            session.add(Order(id=1))
        with sessions() as session:
            session.begin()
            session.add(Order(id=1))
            with pytest.raises(IntegrityError):
                session.flush()
            assert Charge.enqueue(1).state == "queued"
            session.rollback()


class TestSavepoints:
    def test_rolling_back_a_savepoint_drops_only_its_own_jobs(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions.begin() as session:
            Charge.enqueue(1)
            savepoint = session.begin_nested()
            session.add(Order())
            Charge.enqueue(2)
            with session.begin_nested():
                Charge.enqueue(3)
            savepoint.rollback()
            Charge.enqueue(4)
            with session.begin_nested():
                Charge.enqueue(5)
            assert waiting(buoy_app) == []
        assert waiting(buoy_app) == [1, 4, 5]

    @pytest.mark.parametrize("end", ["commit", "rollback"])
    def test_jobs_of_savepoints_are_not_logged_as_errors(
        self, buoy_app: App, sessions: Sessions, caplog: pytest.LogCaptureFixture, end: str
    ) -> None:
        with sessions() as session:
            session.add(Order())
            savepoint = session.begin_nested()
            with session.begin_nested():
                Charge.enqueue(1)
            savepoint.rollback()
            with session.begin_nested():
                Charge.enqueue(2)
            getattr(session, end)()
        gc.collect()
        assert waiting(buoy_app) == ([2] if end == "commit" else [])
        assert not [each for each in caplog.records if each.levelname == "ERROR"]

    def test_an_open_savepoint_ends_with_the_transaction(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions() as session:
            session.begin_nested()
            Charge.enqueue(1)
            session.commit()
            session.begin_nested()
            Charge.enqueue(2)
            session.rollback()
        assert waiting(buoy_app) == [1]

    def test_a_failed_flush_in_a_savepoint_drops_only_its_jobs(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions.begin() as session:
            session.add(Order(id=1))
            Charge.enqueue(1)
            with suppress(IntegrityError), session.begin_nested():
                Charge.enqueue(2)
                session.execute(insert(Order).values(id=1))
            Charge.enqueue(3)
        assert waiting(buoy_app) == [1, 3]


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
        assert waiting(buoy_app) == [8, 9]

    def test_a_job_enqueued_by_an_after_commit_event_is_not_deferred(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions() as session:
            event.listen(session, "before_commit", lambda session: Charge.enqueue(1))
            event.listen(session, "after_commit", lambda session: Charge.enqueue(2))
            session.add(Order())
            session.commit()
        assert waiting(buoy_app) == [2, 1]

    def test_a_job_enqueued_at_the_release_of_a_savepoint_waits_for_the_transaction(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions.begin() as session:
            with session.begin_nested():
                event.listen(session, "after_commit", lambda session: Charge.enqueue(1), once=True)
            assert waiting(buoy_app) == []
        assert waiting(buoy_app) == [1]


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


class TestSeveralSessions:
    def test_a_transaction_of_another_thread_does_not_count(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        states: list[str] = []

        def enqueue() -> None:
            states.append(Charge.enqueue(2).state)
            with sessions() as session:
                session.get(Order, 1)
                states.append(Charge.enqueue(3).state)

        with sessions.begin() as session:
            session.add(Order(id=1))
            Charge.enqueue(1)
            thread = threading.Thread(target=enqueue)
            thread.start()
            thread.join()
            assert states == ["queued", "queued"]
        assert waiting(buoy_app) == [2, 3, 1]

    def test_a_thread_that_uses_a_session_is_in_its_transaction(
        self, buoy_app: App, engine: Engine
    ) -> None:
        """Frameworks open a session in one thread and use it in another."""
        session = Session(engine)
        states: list[str] = []

        def work(use: Any) -> None:
            use()
            states.append(Charge.enqueue(1).state)

        def in_a_thread(target: Any, *args: Any) -> None:
            thread = threading.Thread(target=target, args=args)
            thread.start()
            thread.join()

        in_a_thread(session.begin)
        in_a_thread(work, lambda: session.add(Order()))
        assert states == ["deferred"]
        in_a_thread(session.commit)
        assert waiting(buoy_app) == [1]

    def test_a_job_in_two_sessions_waits_for_both(self, buoy_app: App, sessions: Sessions) -> None:
        first, second = sessions(), sessions()
        first.begin()
        second.begin()
        Charge.enqueue(1)
        first.commit()
        assert waiting(buoy_app) == []
        second.commit()
        assert waiting(buoy_app) == [1]

        first.begin()
        second.begin()
        Charge.enqueue(2)
        first.rollback()
        Charge.enqueue(3)
        second.commit()
        assert waiting(buoy_app) == [1, 3]

    @pytest.mark.parametrize("leaked", ["rolled back", "closed", "forgotten", "rolled back first"])
    def test_a_job_whose_transactions_only_partly_committed_is_logged_as_an_error(
        self, buoy_app: App, sessions: Sessions, caplog: pytest.LogCaptureFixture, leaked: str
    ) -> None:
        first, second = sessions(), sessions()
        first.begin()
        second.begin()
        handle = Charge.enqueue(1)
        if leaked == "rolled back first":
            second.rollback()
        first.commit()
        match leaked:
            case "rolled back":
                second.rollback()
            case "closed":
                second.close()
        del second
        gc.collect()
        assert waiting(buoy_app) == []
        records = [each for each in caplog.records if each.levelname == "ERROR"]
        assert [(each.name, each.getMessage()) for each in records] == [
            (
                "buoy.aftercommit",
                "not pushed, because one of the transactions in which it was enqueued has "
                "committed and another has not (it was rolled back, or never ended); enqueue it "
                f"again if it must run: id={handle.id} class={Charge.name} queue=orders",
            )
        ]

    def test_a_job_does_not_wait_for_a_transaction_begun_later(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        first, second = sessions(), sessions()
        first.begin()
        Charge.enqueue(1)
        second.begin()
        first.commit()
        assert waiting(buoy_app) == [1]
        second.rollback()

    def test_session_defers_only_in_sessions_of_that_maker(
        self, buoy_app: App, engine: Engine
    ) -> None:
        class Own(Session):
            pass

        orders, others = sessionmaker(engine), sessionmaker(engine)
        registry = scoped_session(orders)

        cases: list[Any] = [(orders, orders()), (registry, registry()), (Own, Own(engine))]
        for named, own in cases:

            class Named(Charge):
                plugins = [AfterCommit(session=named)]

            with others.begin():
                assert Named.enqueue(1).state == "queued"
                with own.begin():
                    assert Named.enqueue(2).state == "deferred"
                assert Charge.enqueue(3).state == "deferred"
            registry.remove()

        assert waiting(buoy_app) == [1, 2, 3] * 3

    def test_a_scoped_session_is_recognised_without_configuration(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        registry = scoped_session(sessions)
        registry.add(Order(id=1))
        assert Charge.enqueue(1).state == "deferred"
        registry.commit()
        registry.remove()
        registry.add(Order(id=2))
        assert Charge.enqueue(2).state == "deferred"
        registry.remove()
        assert waiting(buoy_app) == [1]

    def test_a_garbage_collected_session_is_forgotten(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        session = sessions()
        session.add(Order())
        assert Charge.enqueue(1).state == "deferred"
        del session
        gc.collect()
        assert Charge.enqueue(2).state == "queued"
        assert waiting(buoy_app) == [2]

    def test_ended_sessions_leave_no_objects_behind(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        for end in (Session.commit, Session.rollback, Session.close, Session.flush):
            with sessions() as session:
                session.add(Order())
                Charge.enqueue(1)
                end(session)
        del session
        gc.collect()
        kept = [each for each in gc.get_objects() if type(each) in OURS]
        assert kept == []
        assert len(session_of) == 0


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
        assert waiting(buoy_app) == []
        session.commit()
        assert waiting(buoy_app) == [1, 2]
        session.add(Order(id=2))
        Charge.enqueue(3)
        session.prepare()
        session.rollback()
    two.dispose()
    assert waiting(buoy_app) == [1, 2]
