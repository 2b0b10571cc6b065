"""What a run reports and asks by its own job: ``progress`` and ``cancelled``."""

import asyncio
import re
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from buoy import App, Job, Plugin, current_job, hookimpl, job
from buoy.operations import lost_run
from buoy.testing import FakeWorker, drain
from tests.support.proxy import Proxy

pytestmark = pytest.mark.usefixtures("buoy_registry")
Report = tuple[str, float, float | None, str | None]


@dataclass(frozen=True, eq=False)
class Keeps(Plugin):
    """Keeps progress in this process; leaves it to the next plugin if it is ``silent``."""

    silent: bool = False
    kept: list[Report] = field(default_factory=list)

    @hookimpl
    def keep_progress(
        self, job: Job, done: float, of: float | None, note: str | None
    ) -> Generator[Any, Any, None] | None:
        return None if self.silent else self.steps(job.id, done, of, note)

    def steps(self, *report: Any) -> Generator[Any, Any, None]:
        yield [["PING"]]
        self.kept.append(report)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question is asked."""
    monkeypatch.setattr(lost_run, "INTERVAL", 0.0)


def run_once(app: App, work: Callable[[], Any], **options: Any) -> bool:
    """Run a job that does this; returns whether it was settled."""
    job(name="shop.work", **options)(work).enqueue()
    worker = FakeWorker(app, "default")
    return worker.run(worker.take())


class TestProgress:
    def test_the_first_plugin_that_keeps_it_gets_what_a_run_reports(self, buoy_app: App) -> None:
        class First(Keeps): ...

        class Second(Keeps): ...

        silent, first, second = Keeps(silent=True), First(), Second()

        class Count(Job):
            plugins = [silent, first, second]

            def perform(self) -> None:
                self.progress(1, of=4)
                thread = threading.Thread(target=lambda: current_job().progress(2, note="half"))
                thread.start()
                thread.join()

        handle = Count.enqueue()

        assert drain(buoy_app) == {"done": 1}
        assert first.kept == [(handle.id, 1, 4, None), (handle.id, 2, None, "half")]
        assert silent.kept == second.kept == []

    def test_a_coroutine_awaits_it(self, buoy_app: App) -> None:
        keeps = Keeps()

        @job(name="shop.count", plugins=[keeps])
        async def count() -> None:
            await current_job().aprogress(1, of=2)
            await buoy_app.aclose()

        handle = count.enqueue()

        assert drain(buoy_app) == {"done": 1}
        assert keeps.kept == [(handle.id, 1, 2, None)]

    @pytest.mark.parametrize("plugins", [[], [Keeps(silent=True)]])
    def test_without_such_a_plugin_the_error_says_what_to_add(
        self, buoy_app: App, plugins: list[Plugin]
    ) -> None:
        class Count(Job):
            def perform(self) -> None: ...

        Count._declared = tuple(plugins)
        message = (
            f"{Count.__qualname__}.progress: expected a job with a plugin that keeps progress, got "
            "one without; add Status() to its plugins, of the package buoy-status"
        )
        for one in (Count(), buoy_app.build(Count)):
            with pytest.raises(AttributeError, match=f"^{re.escape(message)}$"):
                one.progress(1)
            with pytest.raises(AttributeError, match=f"^{re.escape(message)}$"):
                asyncio.run(one.aprogress(1))

    def test_a_class_may_use_the_names_for_something_else(self, buoy_app: App) -> None:
        seen: list[Any] = []

        class Own(Job):
            progress: Any = 3

            def perform(self) -> None:
                seen.append(self.progress)
                self.cancelled: Any = "no"
                seen.append(self.cancelled)
                seen.append(Job.cancelled(self))

        Own.enqueue()

        assert drain(buoy_app) == {"done": 1}
        assert seen == [3, "no", False]


class TestCancelled:
    def test_a_run_learns_that_its_job_was_cancelled(self, buoy_app: App, eager: None) -> None:
        """Without any plugin, by ``app.cancel`` alone."""
        seen: list[bool] = []

        def work() -> None:
            seen.append(current_job().cancelled())
            assert buoy_app.cancel(current_job().id) == "running"
            seen.append(current_job().cancelled())
            seen.append(asyncio.run(asked()))

        async def asked() -> bool:
            try:
                return await current_job().acancelled()
            finally:
                await buoy_app.aclose()

        assert not run_once(buoy_app, work)
        assert seen == [False, True, True]

    def test_redis_is_not_asked_again_at_once_nor_after_a_yes(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lost_run, "INTERVAL", 600.0)  # a hundred questions may take a while
        counted: list[int] = []

        def work() -> None:
            mine = current_job()
            counted.append(asked_by(buoy_app, lambda: [mine.cancelled() for _ in range(100)]))
            buoy_app.cancel(mine.id)
            lost_run.INTERVAL, interval = 0.0, lost_run.INTERVAL
            try:
                mine._buoy.asked.ask_at = 0.0  # type: ignore[attr-defined]
                counted.append(asked_by(buoy_app, lambda: [mine.cancelled() for _ in range(100)]))
            finally:
                lost_run.INTERVAL = interval
            assert mine.cancelled()

        assert not run_once(buoy_app, work)
        assert counted == [1, 1]

    def test_while_redis_is_away_the_last_answer_counts_and_is_logged_once(
        self,
        buoy_app: App,
        eager: None,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with Proxy(buoy_app.settings.url) as proxy:
            away = App(proxy.url)
            proxy.refuse()

            def work() -> None:
                mine = current_job()
                monkeypatch.setattr(type(mine), "app", away)
                assert [mine.cancelled() for _ in range(3)] == [False] * 3
                monkeypatch.setattr(type(mine), "app", buoy_app)

            assert run_once(buoy_app, work)

        [message] = caplog.messages
        assert re.fullmatch(
            r"shop\.work does not ask for 10 s whether it is cancelled: "
            r"Redis (cannot be|did not) .+ id=\S+ class=shop.work queue=default attempt=1 \S+",
            message,
        )
        assert caplog.records[0].job_class == "shop.work"  # type: ignore[attr-defined]

    def test_without_a_worker_no_job_is_cancelled(self, buoy_app: App) -> None:
        class Plain(Job):
            def perform(self) -> None: ...

        @job
        def inline() -> None:
            assert not current_job().cancelled()

        with App("redis://nowhere.invalid").inline(), buoy_app.inline():
            inline.enqueue()
        assert not Plain().cancelled()
        assert not buoy_app.build(Plain).cancelled()


def asked_by(app: App, work: Callable[[], Any]) -> int:
    """Returns how many scripts this has sent."""
    app.command("CONFIG", "RESETSTAT")
    work()
    found = re.search(rb"cmdstat_evalsha:calls=(\d+)", app.command("INFO", "commandstats"))
    return int(found[1]) if found else 0
