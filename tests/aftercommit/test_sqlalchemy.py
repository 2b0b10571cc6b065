"""Sessions of SQLAlchemy: transactions, what counts as one, and savepoints."""

import gc
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from buoy import App
from buoy.testing import drain
from buoy_aftercommit.sqlalchemy import writes
from tests.support.orders import Order

from .orders_job import Charge, queued, said

Sessions = sessionmaker[Session]


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
            assert queued(buoy_app) == []
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
        assert queued(buoy_app) == [1, 2, 3]

    def test_an_error_in_the_transaction_drops_the_job(
        self, buoy_app: App, sessions: Sessions, caplog: pytest.LogCaptureFixture
    ) -> None:
        gc.collect()  # jobs that tests before have abandoned are logged, too
        caplog.set_level("INFO", "buoy.aftercommit")
        with suppress(KeyError), sessions.begin() as session:
            session.add(Order())
            handle = Charge.enqueue(1)
            raise KeyError

        assert queued(buoy_app) == []
        assert said(caplog) == [
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
        assert queued(buoy_app) == [2, 2, 3]

    def test_a_failed_commit_drops_the_job(self, buoy_app: App, sessions: Sessions) -> None:
        with sessions.begin() as session:
            session.add(Order(id=1))
        with suppress(IntegrityError), sessions.begin() as session:
            session.add(Order(id=1))
            assert Charge.enqueue(1).state == "deferred"
        assert queued(buoy_app) == []

    def test_jobs_are_pushed_in_the_order_of_enqueueing(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        with sessions.begin() as session:
            Charge.enqueue(1)
            with session.begin_nested():
                Charge.enqueue(2)
            Charge.enqueue(3)
        assert queued(buoy_app) == [1, 2, 3]

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
        assert queued(buoy_app) == [1]

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
            assert queued(buoy_app) == []
            session.commit()
        assert queued(buoy_app) == [1]

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
            assert queued(buoy_app) == []
        assert queued(buoy_app) == [1, 4, 5]

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
        assert queued(buoy_app) == ([2] if end == "commit" else [])
        assert said(caplog, "ERROR") == []

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
        assert queued(buoy_app) == [1]

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
        assert queued(buoy_app) == [1, 3]
