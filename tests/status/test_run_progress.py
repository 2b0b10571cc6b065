"""What a run reports, and what it asks."""

import asyncio
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from buoy import App, InvalidArguments, Job, current_job, job
from buoy.operations import lost_run
from buoy.testing import FakeWorker, drain
from buoy_status import (
    Progress,
    Status,
    aprogress,
    cancel,
    cancelled,
    progress,
    report,
    status,
)
from tests.support.processes import wait_until
from tests.support.proxy import Proxy

from .shop import Checkout, Plain, fail, state_of

Inside = Callable[[Callable[[Job], Any]], None]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first and the last report are sent."""
    monkeypatch.setattr(report, "INTERVAL", 1000.0)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """All reports, and all questions, are sent."""
    monkeypatch.setattr(report, "INTERVAL", 0.0)
    monkeypatch.setattr(lost_run, "INTERVAL", 0.0)


def seen(job: Job) -> tuple[Any, ...] | None:
    """Returns the progress that others see: done, of, note."""
    found = state_of(job.id).progress
    return None if found is None else (found.done, found.of, found.note)


def test_a_function_reports_and_asks_by_its_current_job(
    buoy_app: App, buoy_registry: None, eager: None
) -> None:
    """Also in a thread that it has started."""
    found: list[Any] = []

    @job(name="shop.count", queue="shop", plugins=[Status()])
    def count() -> None:
        found.append(current_job().cancelled())
        thread = threading.Thread(target=lambda: current_job().progress(1, of=2))
        thread.start()
        thread.join()
        found.append(seen(current_job()))
        progress(current_job(), 2, of=2, note="by the function")
        found.append(seen(current_job()))
        cancel(current_job().id)
        found.append(cancelled(current_job()))

    count.enqueue()
    worker = FakeWorker(buoy_app, "shop")

    assert not worker.run(worker.take())  # the job is gone
    assert found == [False, (1, 2, None), (2, 2, "by the function"), True]


class TestProgress:
    def test_progress_is_visible_while_the_job_runs(
        self, buoy_app: App, inside: Inside, eager: None
    ) -> None:
        seen_by_others: list[Any] = []

        def work(job: Job) -> None:
            seen_by_others.append(seen(job))
            progress(job, 1, of=4)
            seen_by_others.append(seen(job))
            progress(job, 2.5, of=4, note="half past")
            seen_by_others.append(seen(job))
            progress(job, 3)
            seen_by_others.append(seen(job))

        Checkout.enqueue(42)
        inside(work)
        assert drain(buoy_app) == {"done": 1}

        assert seen_by_others == [None, (1, 4, None), (2.5, 4, "half past"), (3, None, None)]

    def test_progress_is_visible_after_the_end(self, buoy_app: App, inside: Inside) -> None:
        def work(job: Job) -> None:
            progress(job, 3, of=4)
            fail(job)

        Checkout.enqueue(42)
        inside(work)
        began = time.time()
        assert drain(buoy_app) == {"failed": 1}

        found = state_of(Checkout, 42)
        assert found.state == "failed"
        assert found.progress is not None
        assert found.progress.fraction == 0.75
        # In whole milliseconds, as they are nearest.
        assert began - 0.001 <= found.progress.at <= time.time() + 0.001

    def test_aprogress_reports_from_a_coroutine(self, buoy_app: App) -> None:
        class Soon(Job):
            plugins = [Status()]

            async def perform(self, method: bool) -> None:
                if method:
                    await self.aprogress(4, of=4, note="ü")
                else:
                    await aprogress(self, 4, of=4, note="ü")
                await buoy_app.aclose()

        for method in (True, False):
            handle = Soon.enqueue(method)
            assert drain(buoy_app) == {"done": 1}

            found = state_of(handle)
            assert found.progress == Progress(4, 4, "ü", found.progress.at if found.progress else 0)

    def test_frequent_reports_are_dropped_except_the_last(
        self, buoy_app: App, inside: Inside, patient: None
    ) -> None:
        seen_by_others: list[Any] = []

        def work(job: Job) -> None:
            for done in (1, 2, 3, 4):
                progress(job, done, of=4)
                seen_by_others.append(seen(job))

        Checkout.enqueue(42)
        inside(work)
        assert drain(buoy_app) == {"done": 1}

        assert [found and found[0] for found in seen_by_others] == [1, 1, 1, 4]

    def test_many_reports_cost_few_round_trips(self, buoy_app: App, inside: Inside) -> None:
        def work(job: Job) -> None:
            buoy_app.command("CONFIG", "RESETSTAT")
            for done in range(100_000):
                progress(job, done, of=100_000)

        Checkout.enqueue(42)
        inside(work)
        started = time.monotonic()
        assert drain(buoy_app) == {"done": 1}
        seconds = time.monotonic() - started

        scripts = re.search(rb"cmdstat_evalsha:calls=(\d+)", buoy_app.command("INFO", "all"))
        assert scripts
        assert int(scripts[1]) <= 5 * seconds + 5

    def test_reports_of_a_run_that_has_lost_its_job_are_dropped(
        self, buoy_app: App, inside: Inside, eager: None, worker: FakeWorker
    ) -> None:
        def work(job: Job) -> None:
            progress(job, 1)
            assert not cancelled(job)
            cancel(job.id)
            progress(job, 2)
            assert cancelled(job)

        Checkout.enqueue(42)
        inside(work)
        assert not worker.run(worker.take())

        found = state_of(Checkout, 42)
        assert found.state == "cancelled"
        assert found.progress is not None
        assert found.progress.done == 1

    def test_a_long_note_is_cut_and_an_invalid_one_is_escaped(
        self, buoy_app: App, inside: Inside, eager: None
    ) -> None:
        def work(job: Job) -> None:
            progress(job, 1, note="x" * 5000)
            assert seen(job) == (1, None, "x" * 1000)
            progress(job, 2, note="\ud800")
            assert seen(job) == (2, None, "\\ud800")

        Checkout.enqueue(42)
        inside(work)
        assert drain(buoy_app) == {"done": 1}

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("x",), "progress: done: expected a number, got 'x'"),
            ((float("nan"),), "progress: done: expected a number, got nan"),
            ((10**400,), "progress: done: expected a number, got int"),
            ((1, float("inf")), "progress: of: expected a number, got inf"),
            ((1, 2, 3), "progress: note: expected a text, got int"),
        ],
    )
    def test_invalid_progress_is_refused(self, buoy_app: App, words: Any, message: str) -> None:
        with pytest.raises(InvalidArguments, match=f"^{re.escape(message)}$"):
            progress(Checkout.app.build(Checkout, 42), *words)

    def test_a_class_without_the_plugin_may_report_progress(self, buoy_app: App) -> None:
        class Loud(Plain):
            def perform(self) -> None:
                progress(self, 1, of=1)
                assert seen(self) == (1, 1, None)

        Loud.enqueue()
        assert drain(buoy_app) == {"done": 1}

    def test_outside_of_a_worker_progress_does_nothing(self, buoy_app: App) -> None:
        job = Checkout()
        progress(job, 1, of=2)
        assert not cancelled(job)

        asyncio.run(aprogress(job, 1, of=2))


class TestOutage:
    def test_an_unreachable_redis_is_tried_once_and_logged(
        self,
        buoy_app: App,
        inside: Inside,
        eager: None,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(report, "OUTAGE_PAUSE", 1000.0)
        with Proxy(buoy_app.settings.url) as proxy:
            away = App(proxy.url)
            proxy.refuse()

            def work(job: Job) -> None:
                monkeypatch.setattr(Checkout, "app", away)
                for done in (1, 2, 3):
                    progress(job, done, of=3)
                asyncio.run(aprogress(job, 3, of=3))
                monkeypatch.setattr(Checkout, "app", buoy_app)

            Checkout.enqueue(42)
            inside(work)
            assert drain(buoy_app) == {"done": 1}

        [message] = caplog.messages
        assert re.fullmatch(
            r"<\S+ \w+ attempt 1>: progress is not reported for 1000 s: "
            r"Redis (cannot be|did not) .+",
            message,
        )

    def test_after_the_outage_pause_redis_is_tried_again(
        self, buoy_app: App, inside: Inside, eager: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(report, "OUTAGE_PAUSE", 0.05)
        with Proxy(buoy_app.settings.url) as proxy:
            behind = App(proxy.url)

            def work(job: Job) -> None:
                monkeypatch.setattr(Checkout, "app", behind)
                proxy.refuse()
                progress(job, 1, of=3)
                proxy.resume()

                def arrived() -> bool:
                    progress(job, 2, of=3)
                    found = status(job.id, app=buoy_app)
                    return found is not None and found.progress is not None

                wait_until(arrived)
                monkeypatch.setattr(Checkout, "app", buoy_app)

            Checkout.enqueue(42)
            inside(work)
            assert drain(buoy_app) == {"done": 1}
