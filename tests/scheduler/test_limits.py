"""Entries whose jobs a limit keeps back: they have fired, and their jobs run later."""

import logging

import pytest

from buoy import App, Job
from buoy.testing import drain
from buoy_limits import Limit

from .conftest import Days


class Report(Job):
    queue = "reports"
    plugins = [Limit(at_once=1)]

    def perform(self) -> None: ...


def test_a_tick_whose_job_is_blocked_has_fired(
    days: Days, buoy_app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "buoy")
    Report.enqueue()
    daemon = days.daemon(hourly={"class": Report.name, "queue": "reports", "cron": "0 * * * *"})

    days.pass_until(3600)
    days.step(daemon)

    [view] = buoy_app.monitor.queues(["reports"])
    assert (view.queued, view.blocked) == (1, 1)
    assert "hourly: fires " in caplog.text
    assert "skips" not in caplog.text
    assert drain(buoy_app) == {"done": 2}
