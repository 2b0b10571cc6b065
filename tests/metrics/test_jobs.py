"""What the page tells of jobs and runs, by class."""

import json
from collections.abc import Callable

import pytest

from buoy import App, Job, Later, Plugin, hookimpl
from buoy.testing import Clock, FakeWorker, drain
from buoy_metrics.definitions import SERIES
from buoy_metrics.reading import Reading
from buoy_metrics.series import LIMITS, cumulated

from .conftest import Page

Scrape = Callable[[], Page]


class Again(Plugin):
    """Lets a job run again for each failure."""

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later:
        return Later(5)


class Charge(Job):
    queue = "purchasing"
    expires = 3600

    def perform(self, number: int) -> None:
        if number < 0:
            raise ValueError(number)


class Stubborn(Charge):
    plugins = [Again()]


CHARGES = (Charge.name, "purchasing")


def of_jobs(page: Page, job_class: str = Charge.name) -> dict[str, float]:
    """The counters of a class that are not 0, without what their names have in common."""
    return {
        key[0].removeprefix("buoy_").removesuffix("_total"): number
        for key, number in page.items()
        if key[1:] == (job_class, "purchasing") and key[0].endswith("_total") and number
    }


def test_ends_of_jobs_are_counted(buoy_app: App, page: Scrape) -> None:
    Charge.enqueue_many([(1,), (2,), (-1,)])
    drain(buoy_app)

    assert of_jobs(page()) == {"jobs_enqueued": 3, "jobs_done": 2, "jobs_failed": 1}


def test_runs_that_are_retried_are_counted(buoy_app: App, page: Scrape, buoy_clock: Clock) -> None:
    Stubborn.enqueue(-1)
    for _ in range(3):
        drain(buoy_app)
        buoy_clock.advance(6)

    assert of_jobs(page(), Stubborn.name) == {"jobs_enqueued": 1, "runs_retried": 3}


def test_jobs_that_expire_are_counted(buoy_app: App, page: Scrape, buoy_clock: Clock) -> None:
    Charge.enqueue(1)
    buoy_clock.advance(7200)
    drain(buoy_app)

    assert of_jobs(page()) == {"jobs_enqueued": 1, "jobs_rejected": 1}


def test_runs_that_are_lost_are_counted(buoy_app: App, page: Scrape) -> None:
    worker = FakeWorker(buoy_app, "purchasing")
    Charge.enqueue(1)
    worker.take()
    worker.lose()

    assert of_jobs(page()) == {"jobs_enqueued": 1, "runs_lost": 1}


def test_all_counters_of_a_class_begin_together(buoy_app: App, page: Scrape) -> None:
    """Else Prometheus would not see the first failure as an increase."""
    Charge.enqueue(1)

    found = page()

    counters = [each.name for each in SERIES if each.labels == ("queue", "job_class")]
    assert len(counters) == 9
    for name in counters:
        name = name if name.endswith("_total") else f"{name}_count"
        assert (name, *CHARGES) in found


def test_times_are_in_histograms(buoy_app: App, page: Scrape, buoy_clock: Clock) -> None:
    Charge.enqueue(1)
    buoy_clock.advance(100)
    drain(buoy_app)
    Charge.enqueue(2)
    drain(buoy_app)

    found = page()

    waited = {key[2]: n for key, n in found.items() if key[0] == "buoy_job_waiting_seconds_bucket"}
    assert waited["65.536"] == 0
    assert waited["131.072"] == waited["+Inf"] == 2
    assert found["buoy_job_waiting_seconds_count", *CHARGES] == 2
    assert found["buoy_job_waiting_seconds_sum", *CHARGES] == pytest.approx(200, abs=50)
    assert found["buoy_job_run_seconds_count", *CHARGES] == 2
    assert found["buoy_job_run_seconds_sum", *CHARGES] < 30


def test_the_limits_of_buckets_are_those_of_the_core() -> None:
    from buoy.operations.counts import BUCKETS, Histogram

    assert len(LIMITS) == BUCKETS - 1
    one_in_each = Histogram(buckets=(1,) * BUCKETS)
    assert cumulated([one_in_each, one_in_each]) == [
        *((limit, 2.0 * (n + 1)) for n, limit in enumerate(LIMITS)),
        ("+Inf", 2.0 * BUCKETS),
    ]


NAMES = {
    'q"uote': 'q"uote',
    "back\\slash": "back\\slash",
    "{job='x'} 5": "{job='x'} 5",
    "ünïcödé": "ünïcödé",
    "(other)": "(other)",
    "tab\tand\x1b[31m": "tab\\tand\\x1b[31m",
    "line\nbreak": "line\\nbreak",
    "right\u202eto left": "right\\u202eto left",
    "x" * 250: "x" * 199 + "…",
}
"""Names of classes, and how they are told."""


def test_any_name_of_a_class_can_be_told(buoy_app: App, page: Scrape) -> None:
    Charge.enqueue(1)
    meta = buoy_app.key("purchasing", "meta")
    buoy_app.command("HSET", meta, "classes", json.dumps([*NAMES, "x" * 300, "\ud800", 7]))
    for name in NAMES:
        buoy_app.command("HSET", meta, f"enqueued:{name}", 1)

    found = page()

    enqueued = {key[1] for key in found if key[0] == "buoy_jobs_enqueued_total"}
    assert enqueued == set(NAMES.values())


def test_many_classes_count_together(buoy_app: App, page: Scrape) -> None:
    for number in range(250):
        buoy_app.push(f"Class{number}", queue="purchasing")

    found = page()

    enqueued = {key[1]: n for key, n in found.items() if key[0] == "buoy_jobs_enqueued_total"}
    assert sum(enqueued.values()) == 250
    assert len(enqueued) <= 201
    assert enqueued["(other)"] >= 49


def test_the_round_trips_do_not_grow_with_the_queues(
    buoy_app: App, page: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[object] = []
    calls = type(buoy_app.broker.client).calls

    def counted(client: object, commands: object) -> object:
        trips.append(commands)
        return calls(client, commands)  # type: ignore[arg-type]

    monkeypatch.setattr(type(buoy_app.broker.client), "calls", counted)

    def cost(queues: int) -> int:
        for number in range(queues):
            Charge.using(queue=f"queue{number}").enqueue(number)
        page()  # the server learns the scripts
        trips.clear()
        page()
        return len(trips)

    assert cost(1) == cost(30) <= 10


def test_without_a_reading_there_are_names_only() -> None:
    for series in SERIES:
        family = series.family(Reading())
        assert family.name in (series.name, series.name.removesuffix("_total"))
        assert family.documentation == series.meaning
        assert all(not sample.labels for sample in family.samples)
