"""Several sessions of SQLAlchemy: which of them a job waits for, and what they leave behind."""

import gc
import threading
from typing import Any

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from buoy import App
from buoy_aftercommit import AfterCommit
from buoy_aftercommit.batch import DeferredJob, DeferredJobRef
from buoy_aftercommit.sqlalchemy import SessionBatch, SessionState, session_of
from tests.support.orders import Order

from .orders_job import Charge, queued, said

Sessions = sessionmaker[Session]

OURS = (DeferredJob, DeferredJobRef, SessionBatch, SessionState)


def ours() -> list[object]:
    """All objects that are not garbage of the classes above."""
    gc.collect()
    return [each for each in gc.get_objects() if type(each) in OURS]


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
        assert queued(buoy_app) == [2, 3, 1]

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
        assert queued(buoy_app) == [1]

    def test_a_job_in_two_sessions_waits_for_both(self, buoy_app: App, sessions: Sessions) -> None:
        first, second = sessions(), sessions()
        first.begin()
        second.begin()
        Charge.enqueue(1)
        first.commit()
        assert queued(buoy_app) == []
        second.commit()
        assert queued(buoy_app) == [1]

        first.begin()
        second.begin()
        Charge.enqueue(2)
        first.rollback()
        Charge.enqueue(3)
        second.commit()
        assert queued(buoy_app) == [1, 3]

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
        assert queued(buoy_app) == []
        assert said(caplog, "ERROR") == [
            "not pushed, because one of the transactions in which it was enqueued has "
            "committed and another has not (it was rolled back, or never ended); enqueue it "
            f"again if it must run: id={handle.id} class={Charge.name} queue=orders",
        ]

    def test_a_job_does_not_wait_for_a_transaction_begun_later(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        first, second = sessions(), sessions()
        first.begin()
        Charge.enqueue(1)
        second.begin()
        first.commit()
        assert queued(buoy_app) == [1]
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

        assert queued(buoy_app) == [1, 2, 3] * 3

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
        assert queued(buoy_app) == [1]

    def test_a_garbage_collected_session_is_forgotten(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        session = sessions()
        session.add(Order())
        assert Charge.enqueue(1).state == "deferred"
        del session
        gc.collect()
        assert Charge.enqueue(2).state == "queued"
        assert queued(buoy_app) == [2]

    def test_ended_sessions_leave_no_objects_behind(
        self, buoy_app: App, sessions: Sessions
    ) -> None:
        objects, connections = ours(), list(session_of)  # what others have left
        for end in (Session.commit, Session.rollback, Session.close, Session.flush):
            with sessions() as session:
                session.add(Order())
                Charge.enqueue(1)
                end(session)
        del session
        before = {id(each) for each in objects}
        assert [each for each in ours() if id(each) not in before] == []
        assert [each for each in session_of if each not in connections] == []
