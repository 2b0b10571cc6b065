"""Django, set up once for all tests of a process."""

import threading
import unittest
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from buoy import App, Job
from buoy.embedded.server import Server
from buoy.testing import drain
from buoy_aftercommit import AfterCommit

from .orders_job import said


class Charge(Job):
    queue = "orders"
    plugins = [AfterCommit()]

    def perform(self, order_id: int) -> None: ...


class ChargeDefault(Charge):
    plugins = [AfterCommit(using="default")]


@pytest.fixture(autouse=True, scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not settings.configured:
        folder = tmp_path_factory.mktemp("django")
        names = ("default", "other")
        databases = {n: {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / n} for n in names}
        settings.configure(DATABASES=databases, LOGGING_CONFIG=None)
        django.setup()


@pytest.fixture(autouse=True)
def table(configured: None) -> Iterator[None]:
    run("drop table if exists orders")
    run("create table orders (id integer primary key)")
    yield
    connections.close_all()


def run(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def queued(app: App) -> list[Any]:
    return [view.args[0] for view in app.monitor.peek("orders", 0, 5000)]


def test_a_job_is_deferred_and_pushed_by_the_outermost_commit(buoy_app: App) -> None:
    with transaction.atomic():
        run("insert into orders values (1)")
        handle = Charge.enqueue(1)
        assert (handle.state, handle.reason) == ("deferred", "until the transaction commits")
        with transaction.atomic():
            Charge.enqueue(2)
        assert queued(buoy_app) == []
    assert queued(buoy_app) == [1, 2]
    assert Charge.enqueue(3).state == "queued"
    assert drain(buoy_app) == {"done": 3}


def test_a_rollback_drops_the_job(buoy_app: App) -> None:
    with suppress(KeyError), transaction.atomic():
        Charge.enqueue(1)
        raise KeyError
    with transaction.atomic():
        Charge.enqueue(2)
        transaction.set_rollback(True)
    assert queued(buoy_app) == []


def test_rolling_back_a_savepoint_drops_only_its_own_jobs(buoy_app: App) -> None:
    with transaction.atomic():
        Charge.enqueue(1)
        with suppress(KeyError), transaction.atomic():
            Charge.enqueue(2)
            with transaction.atomic():
                Charge.enqueue(3)
            raise KeyError
        Charge.enqueue(4)
        with transaction.atomic(savepoint=False):
            Charge.enqueue(5)
    assert queued(buoy_app) == [1, 4, 5]


def test_jobs_and_other_callbacks_keep_their_order(buoy_app: App) -> None:
    seen: list[list[Any]] = []

    def look() -> None:
        seen.append(queued(buoy_app))

    with transaction.atomic():
        Charge.enqueue(1)
        transaction.on_commit(look)
        Charge.enqueue(2)
        transaction.on_commit(look)
    assert seen == [[1], [1, 2]]


def test_many_jobs_go_in_one_round_trip(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    Charge.enqueue(0)
    calls: list[Any] = []
    send = buoy_app.broker.client.calls

    def counted(commands: Any) -> Any:
        calls.append(commands)
        return send(commands)

    monkeypatch.setattr(buoy_app.broker.client, "calls", counted)
    with transaction.atomic():
        Charge.enqueue_many([(n,) for n in range(1, 300)])
        Charge.enqueue(300)
        with transaction.atomic():
            run("insert into orders values (1)")
    assert len(calls) == 1
    assert queued(buoy_app) == list(range(301))


def test_a_job_in_transactions_of_two_databases_waits_for_both(buoy_app: App) -> None:
    with transaction.atomic(), transaction.atomic(using="other"):
        Charge.enqueue(1)
    assert queued(buoy_app) == [1]

    with transaction.atomic():
        with transaction.atomic(using="other"):
            Charge.enqueue(2)
            ChargeDefault.enqueue(3)
        assert queued(buoy_app) == [1]
        with suppress(KeyError), transaction.atomic(using="other"):
            Charge.enqueue(4)
            ChargeDefault.enqueue(5)
            raise KeyError
    assert queued(buoy_app) == [1, 2, 3, 5]


def test_using_defers_only_in_transactions_of_that_database(buoy_app: App) -> None:
    with transaction.atomic(using="other"):
        assert Charge.enqueue(1).state == "deferred"
        assert ChargeDefault.enqueue(2).state == "queued"
    assert queued(buoy_app) == [2, 1]


def test_a_transaction_of_another_thread_does_not_count(buoy_app: App) -> None:
    states: list[str] = []
    with transaction.atomic():
        thread = threading.Thread(target=lambda: states.append(Charge.enqueue(1).state))
        thread.start()
        thread.join()
    assert states == ["queued"]


def test_with_autocommit_off_enqueue_raises_as_on_commit_does(buoy_app: App) -> None:
    transaction.set_autocommit(False)
    try:
        with pytest.raises(
            TransactionManagementError,
            match=r"^on_commit\(\) cannot be used in manual transaction management$",
        ):
            Charge.enqueue(1)
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert queued(buoy_app) == []


def test_without_redis_the_other_callbacks_are_called(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(tmp_path / "server")
    server.start()

    class Lonely(Charge):
        app = App(server.url)

    called: list[str] = []
    with transaction.atomic():
        run("insert into orders values (1)")
        transaction.on_commit(lambda: called.append("before"))
        handle = Lonely.enqueue(1)
        transaction.on_commit(lambda: called.append("after"))
        server.stop()

    assert called == ["before", "after"]
    assert run("select id from orders") == [(1,)]
    names = ("buoy.aftercommit", "django.db.backends.base")
    ours, theirs = [each for each in caplog.records if each.name in names]
    assert ours.name == "buoy.aftercommit"
    assert ours.getMessage().startswith(
        f"committed, but not pushed: id={handle.id} class={Lonely.name} queue=orders: "
        f"queue 'orders': job {handle.id}: Redis cannot be reached: "
    )
    assert theirs.name == "django.db.backends.base"
    assert (
        "Error calling AtomicBatch.push in on_commit() during transaction (the transaction has "
        in (theirs.getMessage())
    )


@pytest.mark.parametrize("error", [KeyError("x"), KeyboardInterrupt()])
def test_jobs_are_pushed_although_another_callback_raises(
    buoy_app: App, error: BaseException
) -> None:
    seen: list[list[Any]] = []

    def fail() -> None:
        seen.append(queued(buoy_app))
        raise error

    with suppress(type(error)), transaction.atomic():
        Charge.enqueue(1)
        transaction.on_commit(fail)
        Charge.enqueue(2)
        with suppress(ValueError), transaction.atomic():
            Charge.enqueue(3)
            raise ValueError
        transaction.on_commit(fail, robust=isinstance(error, Exception))
        Charge.enqueue(4)
    assert seen == [[1]]
    assert queued(buoy_app) == [1, 2, 4]


def test_jobs_not_pushed_after_the_error_of_another_callback_are_logged(
    buoy_app: App, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(tmp_path / "server")
    server.start()

    class Lonely(Charge):
        app = App(server.url)

    def fail() -> None:
        raise KeyError("theirs")

    with suppress(KeyError), transaction.atomic():
        transaction.on_commit(fail)
        handle = Lonely.enqueue(1)
        server.stop()
    [message] = said(caplog)
    assert message.startswith(f"committed, but not pushed: id={handle.id} ")


def test_inline_jobs_run_after_the_commit(buoy_app: App) -> None:
    seen: list[Any] = []

    class Look(Charge):
        def perform(self, order_id: int) -> None:
            seen.append((connection.in_atomic_block, run("select id from orders")))

    with buoy_app.inline(), transaction.atomic():
        run("insert into orders values (7)")
        Look.enqueue(7)
        assert seen == []
    assert seen == [(False, [(7,)])]


def test_deferring_a_job_sends_no_query(buoy_app: App) -> None:
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        Charge.enqueue(1)
    assert len(queries) == 0


def test_captured_callbacks_of_djangos_tests_push(buoy_app: App) -> None:
    from django.test import TestCase

    capture: Callable[..., Any] = TestCase.captureOnCommitCallbacks
    with transaction.atomic():
        with capture(execute=True):
            Charge.enqueue(1)
        assert queued(buoy_app) == [1]


def test_each_block_of_captured_callbacks_pushes_its_own_jobs(buoy_app: App) -> None:
    from django.test import TestCase

    class Blocks(TestCase):  # type: ignore[misc]  # Django has no types
        def setUp(self) -> None:
            Charge.enqueue(0)

        def test_blocks(self) -> None:
            with self.captureOnCommitCallbacks(execute=True):
                Charge.enqueue(1)
                with self.captureOnCommitCallbacks(execute=True):
                    Charge.enqueue(2)
                assert queued(buoy_app) == [2]
            Charge.enqueue(3)
            with self.captureOnCommitCallbacks(execute=True):
                Charge.enqueue(4)

    result = unittest.TestResult()
    unittest.TestSuite([Blocks("test_blocks")]).run(result)

    assert (result.testsRun, result.errors, result.failures) == (1, [], [])
    assert queued(buoy_app) == [2, 1, 4]
