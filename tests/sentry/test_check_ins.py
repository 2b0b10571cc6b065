"""Cron monitors hear of the jobs of schedule entries."""

from typing import Any

import pytest
from click.testing import CliRunner

from buoy import App, Job, Later, Plugin, hookimpl
from buoy.cli import main
from buoy.testing import Clock, drain
from buoy_scheduler import set_schedule
from buoy_sentry import Sentry
from buoy_sentry.check_ins import config_of, slug_of

from .conftest import Kept


class Twice(Plugin):
    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(0) if job.attempt == 1 else None


class Report(Job):
    plugins = [Sentry(monitors=True), Twice()]

    def perform(self, failures: int = 0) -> None:
        if self.attempt <= failures:
            raise ValueError


class Unwatched(Report):
    plugins = [Sentry()]


class Late(Report):
    expires = 1.0


def run_entry(kind: type[Job], *args: Any, **times: Any) -> None:
    """Set an entry for a class and fire it, as an operator does."""
    times = times or {"cron": "0 8 * * *"}
    set_schedule("nightly Report", kind, args=args, **times)
    done = CliRunner().invoke(main, ["schedule", "run", "nightly Report"])
    assert done.exit_code == 0, done.output


def statuses(sent: Kept) -> list[str]:
    return [each["status"] for each in sent.check_ins]


def test_a_scheduled_job_checks_in_and_out(sent: Kept, buoy_app: App) -> None:
    run_entry(Report, cron="0 8 * * mon-fri", tz="Europe/Berlin")

    drain(buoy_app)

    begun, ended = sent.check_ins
    assert (begun["status"], ended["status"]) == ("in_progress", "ok")
    for each in (begun, ended):
        assert each["monitor_slug"] == "nightly-report"
        schedule = {"type": "crontab", "value": "0 8 * * mon-fri"}
        assert each["monitor_config"] == {"schedule": schedule, "timezone": "Europe/Berlin"}
        assert each["check_in_id"] == begun["check_in_id"]
    assert begun.get("duration") is None
    assert 0 <= ended["duration"] < 60


def test_all_attempts_of_a_job_are_one_check_in(sent: Kept, buoy_app: App) -> None:
    run_entry(Report, 1)

    drain(buoy_app)

    assert statuses(sent) == ["in_progress", "in_progress", "ok"]
    assert len({each["check_in_id"] for each in sent.check_ins}) == 1


def test_a_job_that_has_failed_for_good_is_an_error(sent: Kept, buoy_app: App) -> None:
    run_entry(Report, 2)

    drain(buoy_app)

    assert statuses(sent)[-1] == "error"


def test_a_job_that_never_runs_is_an_error(sent: Kept, buoy_app: App, buoy_clock: Clock) -> None:
    job = buoy_app.build(Late)
    job.plugin_data["scheduler"] = {"entry": "late", "every": 60}
    buoy_app.submit(job)
    buoy_clock.advance(60)

    assert drain(buoy_app) == {"rejected": 1}
    assert statuses(sent) == ["error"]


@pytest.mark.parametrize("times", [{"every": "30s"}, {"every": "90s"}, {"cron": "0 0 8 * * *"}])
def test_times_that_no_monitor_can_have_are_not_sent(
    sent: Kept, buoy_app: App, times: dict[str, Any]
) -> None:
    run_entry(Report, **times)

    drain(buoy_app)

    assert sent.check_ins == []


def test_other_jobs_and_other_classes_send_none(sent: Kept, buoy_app: App) -> None:
    Report.enqueue()
    run_entry(Unwatched)

    drain(buoy_app)

    assert sent.items == []


@pytest.mark.parametrize(
    ("seconds", "value", "unit"),
    [(60, 1, "minute"), (5400, 90, "minute"), (7200, 2, "hour"), (172800, 2, "day")],
)
def test_a_period_is_told_in_its_largest_unit(seconds: int, value: int, unit: str) -> None:
    schedule = {"type": "interval", "value": value, "unit": unit}

    assert config_of({"entry": "x", "every": seconds}) == {"schedule": schedule}


@pytest.mark.parametrize("entry", [{}, {"cron": 7, "tz": "UTC"}, {"every": "60"}, {"every": 0}])
def test_odd_times_have_no_monitor(entry: dict[str, Any]) -> None:
    assert config_of(entry) is None


@pytest.mark.parametrize(
    ("entry", "slug"),
    [
        ("report", "report"),
        ("shop.reports.Daily", "shop-reports-daily"),
        ("shop.Report 0 8 * * *", "shop-report-0-8-"),
        ("42", "42-"),
        ("Überblick", "berblick-"),
        ("日報", "entry-"),
        ("x" * 60, "x" * 41 + "-"),
    ],
)
def test_a_slug_has_only_what_sentry_allows(entry: str, slug: str) -> None:
    found = slug_of(entry)

    assert found.startswith(slug)
    assert len(found) == len(slug) + (8 if slug.endswith("-") else 0) <= 50
    assert slug_of(entry) == found != slug_of(entry + "*")
