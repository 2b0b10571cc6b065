"""``buoy.testing``: what tests of users see, with pytest, with unittest, and with neither."""

import asyncio
import re
import subprocess
import sys
import unittest
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from buoy import App, ConfigurationError, Deferred, EnqueueError, Job, Plugin, hookimpl
from buoy.testing import (
    AsyncBuoyTestCase,
    BuoyTestCase,
    Clock,
    adrain,
    all_enqueued,
    assert_enqueued,
    drain,
    isolated_app,
    perform_job,
    refute_enqueued,
)

AWAY = "redis://127.0.0.1:1"


class Pack(Job):
    queue = "packing"

    def perform(self, order: int, gift: bool = False) -> str:
        if order < 0:
            raise ValueError("no such order")
        return f"packed {order}"


class Weigh(Job):
    queue = "scales"
    loops: list[Any] = []

    async def perform(self, order: int) -> float:
        await asyncio.sleep(0)
        self.loops.append(asyncio.get_running_loop())
        if order < 0:
            raise ValueError("no such order")
        return order / 2


class Elsewhere(Job):
    app = App(AWAY, namespace="elsewhere")

    def perform(self) -> None: ...


def failure(act: Callable[[], object]) -> str:
    """The message with which a test fails. What is due in a minute may be due sooner by now."""
    with pytest.raises(AssertionError) as raised:
        act()
    return re.sub(r"due in [1-5]\d s", "due in 60 s", str(raised.value))


@pytest.mark.usefixtures("buoy_app")
class TestEnqueued:
    def test_a_job_is_found_by_class_arguments_queue_and_time(self, buoy_clock: Clock) -> None:
        noon = datetime(2100, 1, 1, 12, tzinfo=UTC)
        Pack.enqueue(1)
        Pack.using(queue="express", delay=3600).enqueue(2, gift=True)
        Pack.using(at=noon).enqueue(3)

        assert_enqueued(Pack)
        assert_enqueued(Pack, 1, queue="packing")
        assert_enqueued(Pack, 1, delay=0)
        assert_enqueued(Pack, order=2, gift=True, queue="express", delay=3600)
        assert_enqueued(Pack, 2, True, delay=timedelta(minutes=61))
        assert_enqueued(Pack, 3, at=noon)
        assert_enqueued(Pack, 3, at=noon.timestamp() + 1)
        refute_enqueued(Pack, 4)
        refute_enqueued(Pack, 1, queue="express")
        refute_enqueued(Pack, 1, delay=1)
        refute_enqueued(Pack, 2, True, delay=0)
        refute_enqueued(Pack, 2, True, delay=3000)
        refute_enqueued(Pack, 3, at=noon.timestamp() + 60)
        refute_enqueued(Weigh)
        buoy_clock.advance(3000)
        assert_enqueued(Pack, 2, True, delay=600)

    def test_a_time_that_is_past_is_due_now(self, buoy_clock: Clock) -> None:
        past, soon = datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(hours=1)
        Pack.using(at=past).enqueue(1)
        Pack.using(at=soon).enqueue(2)

        assert_enqueued(Pack, 1, at=past)
        assert_enqueued(Pack, 1, delay=0)
        refute_enqueued(Pack, 2, at=past)
        assert failure(lambda: refute_enqueued(Pack, 1, at=past)) == (
            f"expected no {Pack.name}(1) due now to be enqueued, got:\n  {Pack.name} [1] in packing"
        )
        buoy_clock.advance(7200)
        assert_enqueued(Pack, 2, at=soon)
        assert_enqueued(Pack, 2, delay=0)
        refute_enqueued(Pack, 2, delay=5)
        refute_enqueued(Pack, 2, at=soon + timedelta(hours=3))

    def test_a_failure_lists_what_is_there(self) -> None:
        message = failure(lambda: assert_enqueued(Pack, 1, gift=True))
        assert message == f"expected {Pack.name}(1, gift=True) to be enqueued, got: nothing"

        Pack.enqueue(2)
        Weigh.using(delay=60).enqueue(3)
        assert failure(lambda: assert_enqueued(Pack, 1, queue="packing", delay=5)) == (
            f"expected {Pack.name}(1) in packing due in 5 s to be enqueued, got:\n"
            f"  {Pack.name} [2] in packing"
        )
        assert failure(lambda: assert_enqueued(Elsewhere, app=Job.app)) == (
            f"expected {Elsewhere.name}() to be enqueued, got:\n"
            f"  {Pack.name} [2] in packing\n"
            f"  {Weigh.name} [3] in scales due in 60 s"
        )
        assert failure(lambda: refute_enqueued(Weigh, 3)) == (
            f"expected no {Weigh.name}(3) to be enqueued, got:\n"
            f"  {Weigh.name} [3] in scales due in 60 s"
        )

    def test_what_cannot_be_meant_is_refused(self, buoy_app: App) -> None:
        wrong: Any = Pack.name
        calls: dict[Callable[[], object], str] = {
            lambda: assert_enqueued(wrong, 1): f"job: expected a job class, got {wrong!r}",
            lambda: all_enqueued(wrong): f"job: expected a job class, got {wrong!r}",
            lambda: refute_enqueued(Pack, delay=5, at=6): (
                "assert_enqueued: expected delay or at, got (5, 6)"
            ),
            lambda: drain(wrong): (
                f'drain: expected an app before the queues, drain(app, "mail"), got {wrong!r}'
            ),
        }
        for call, message in calls.items():
            with pytest.raises(ConfigurationError) as raised:
                call()
            assert str(raised.value) == message

    def test_a_job_that_a_plugin_has_deferred_is_said_to_be(self) -> None:
        class Hold(Plugin):
            @hookimpl
            def before_enqueue(self, job: Job) -> Deferred | None:
                held.append(job)
                return Deferred("until the door opens") if len(held) == 1 else None

        class Held(Pack):
            plugins = [Hold()]

        held: list[Job] = []
        Held.enqueue(7)

        assert failure(lambda: assert_enqueued(Held, 7)) == (
            f"expected {Held.name}(7) to be enqueued, got:\n"
            f"  {Held.name} [7] in packing: not yet, it is deferred until the door opens"
        )
        refute_enqueued(Held)
        assert Job.app.deferred_jobs() == held

        Job.app.submit(held[0])
        assert_enqueued(Held, 7)
        assert Job.app.deferred_jobs() == []

    def test_a_deferred_job_that_its_plugin_has_dropped_is_forgotten(self) -> None:
        class Drop(Plugin):
            @hookimpl
            def before_enqueue(self) -> Deferred:
                return Deferred("for ever")

        class Dropped(Pack):
            plugins = [Drop()]

        Dropped.enqueue(7)

        assert Job.app.deferred_jobs() == []

    def test_all_jobs_are_looked_at_however_many_there_are(self) -> None:
        Pack.enqueue_many([(n,) for n in range(1500)])
        Weigh.enqueue(1)

        assert_enqueued(Pack, 1499)
        assert [view.args[0] for view in all_enqueued(Pack)] == list(range(1500))
        assert [view.name for view in all_enqueued(queue="scales")] == [Weigh.name]
        assert len(all_enqueued()) == 1501

    def test_another_app_can_be_asked(self, buoy_app: App) -> None:
        other = App(buoy_app.settings.url, namespace="other")
        other.push(Pack.name, [5], queue="packing")

        assert_enqueued(Pack, 5, app=other)
        assert len(all_enqueued(app=other)) == 1
        refute_enqueued(Pack, 5)


@pytest.mark.usefixtures("buoy_app")
class TestPerform:
    def test_a_job_is_run_with_its_plugins_and_without_redis(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []

        class Watch(Plugin):
            @hookimpl(wrapper=True)
            def around_perform(self, job: Job) -> Iterator[None]:
                seen.append(f"{job.payload.args}")
                return (yield)

        class Watched(Pack):
            plugins = [Watch()]

        monkeypatch.setattr(Job, "app", App(AWAY))
        assert perform_job(Watched, 1, gift=True) == "packed 1"
        assert perform_job(Weigh, 3) == 1.5
        assert seen == ["[1, True]"]
        with pytest.raises(ValueError, match="no such order"):
            perform_job(Watched, -1)

    def test_an_argument_is_what_a_worker_would_read(self) -> None:
        class Echo(Job):
            def perform(self, lines: Any) -> Any:
                return lines

        given = [["a"]]
        assert perform_job(Echo, given) == given
        assert perform_job(Echo, given) is not given


class TestAdrain:
    def test_coroutines_run_on_the_loop_of_the_test(self, buoy_app: App) -> None:
        async def program() -> None:
            Weigh.loops.clear()
            await Weigh.aenqueue_many([(1,), (-2,)])
            await Pack.aenqueue(1)
            assert await adrain() == {"done": 2, "failed": 1}
            assert set(Weigh.loops) == {asyncio.get_running_loop()}
            assert await adrain(buoy_app, "scales") == {}
            await Weigh.aenqueue(-1)
            with pytest.raises(ValueError, match="no such order"):
                await adrain(raise_errors=True)
            await Pack.aenqueue(-1)
            with pytest.raises(ValueError, match="no such order"):
                await adrain(buoy_app, "packing", raise_errors=True)
            await buoy_app.aclose()

        asyncio.run(program())
        assert buoy_app.failures.count() == 3

    def test_a_context_variable_of_one_job_is_not_seen_by_the_next(self, buoy_app: App) -> None:
        from contextvars import ContextVar

        word = ContextVar("word", default="none")
        found: list[str] = []

        class Sets(Job):
            async def perform(self) -> None:
                found.append(word.get())
                word.set("set")

        async def program() -> None:
            Sets.enqueue_many([(), ()])
            await adrain(buoy_app)

        asyncio.run(program())
        assert found == ["none", "none"]


class TestIsolation:
    def test_no_app_reaches_its_own_redis_from_a_test(self) -> None:
        used = App(AWAY)
        assert used.settings.url == AWAY
        used.broker  # noqa: B018 - it is kept

        with isolated_app() as app:
            assert Job.app is app
            late = App(AWAY, namespace="late", lease=7)
            Elsewhere.enqueue()
            late.push("x", queue="mail")
            used.push("y", queue="mail")
            asyncio.run(push_and_close(late, "z"))
            assert Elsewhere.app.find(Elsewhere.enqueue().id) is not None
            assert [view.name for view in late.monitor.peek("mail")] == ["x", "z"]
            assert (late.settings.lease, late.settings.url) == (7.0, app.settings.url)
            assert drain(Elsewhere.app) == {"done": 2}

        assert Job.app is not app
        assert used.settings.url == Elsewhere.app.settings.url == AWAY
        with pytest.raises(EnqueueError, match="Redis cannot be reached"):
            Elsewhere.enqueue()

    def test_the_connection_is_closed_at_the_end(self) -> None:
        with isolated_app() as app:
            client: Any = app.broker.client
            assert client.connected
        assert not client.connected

    def test_urls_may_be_allowed(self) -> None:
        with isolated_app(allowed_urls=["redis://127.0.0.1:1"]):
            assert App(AWAY).settings.url == AWAY
            assert App("redis://127.0.0.1:2").settings.url != "redis://127.0.0.1:2"

    def test_each_block_begins_with_an_empty_redis_and_empties_no_other(self) -> None:
        with isolated_app() as outer:
            Pack.enqueue(1)
            with isolated_app() as inner:
                assert all_enqueued() == []
                Pack.enqueue(2)
                with isolated_app():
                    assert all_enqueued() == []
                assert [view.args for view in all_enqueued()] == [[2]]
                assert Job.app is inner
            assert [view.args for view in all_enqueued()] == [[1]]
            assert Job.app is outer
        with isolated_app():
            assert all_enqueued() == []

    def test_a_block_does_not_empty_the_server_of_the_fixture(self, buoy_app: App) -> None:
        Pack.enqueue(1)
        with isolated_app():
            assert all_enqueued() == []
        assert drain(buoy_app) == {"done": 1}

    def test_the_fixture_keeps_apps_away_too(self, pytester_like: Callable[[str], str]) -> None:
        assert pytester_like(WITH_FIXTURES).startswith("..")


async def push_and_close(app: App, name: str) -> None:
    await app.apush(name, queue="mail")
    await app.aclose()


@pytest.fixture
def pytester_like(tmp_path: Any) -> Callable[[str], str]:
    def run(text: str) -> str:
        (tmp_path / "test_it.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


WITH_FIXTURES = """
import sys

heavy = [n for n in sys.modules if n == "redis" or n.startswith(("buoy.testing.", "buoy.executor"))]

from buoy import App, Job
from buoy.testing import assert_enqueued

class Own(Job):
    app = App("redis://127.0.0.1:1")

    def perform(self) -> None: ...

def test_an_environment_that_has_buoy_pays_little_for_its_plugin():
    assert heavy == ["buoy.testing.pytest_plugin"]

def test_a_class_with_an_app_of_its_own_is_kept_away(buoy_app):
    Own.enqueue()
    assert_enqueued(Own)
"""


class TestUnittest:
    def test_test_cases_of_unittest_have_an_app_and_a_clock(self) -> None:
        class Orders(BuoyTestCase):
            def test_order(self) -> None:
                assert (self.app, all_enqueued()) == (Job.app, [])
                Pack.using(delay=60).enqueue(1)
                assert drain() == {}
                self.clock.advance(61)
                assert drain() == {"done": 1}
                Pack.enqueue(2)
                with isolated_app():
                    assert all_enqueued() == []
                assert drain() == {"done": 1}

            test_again = test_order

        class Scales(AsyncBuoyTestCase):
            async def test_scales(self) -> None:
                await Weigh.aenqueue(1)
                assert await adrain() == {"done": 1}

        result = unittest.TestResult()
        for case in (Orders, Scales):
            unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)

        assert (result.testsRun, result.errors, result.failures) == (3, [], [])

    def test_pytest_is_not_needed(self) -> None:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", WITHOUT_PYTEST],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


WITHOUT_PYTEST = """
import sys
sys.modules["pytest"] = None
import buoy.testing
from buoy import Job

for name in buoy.testing.__all__:
    getattr(buoy.testing, name)

class Pack(Job):
    name = "shop.Pack"

    def perform(self) -> None: ...

with buoy.testing.isolated_app() as app:
    Pack.enqueue()
    buoy.testing.FakeWorker(app)
    buoy.testing.assert_enqueued(Pack)
    assert buoy.testing.drain() == {"done": 1}
print("done")
"""
