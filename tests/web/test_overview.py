"""The first page: what needs attention."""

import re
import time

import pytest

from buoy import App
from buoy_web.charts import Chart
from buoy_web.writing import rate, shown

from .conftest import Site
from .jobs import Charge
from .test_workers import register


def test_jobs_that_no_worker_takes_raise_an_alarm(site: Site) -> None:
    Charge.enqueue(1)

    text = site.text()
    assert "payments : 1 job is queued, and no worker serves this queue." in text
    assert "buoy worker -a MODULE -q payments" in text


def test_jobs_of_a_paused_queue_raise_an_alarm_although_workers_serve_it(
    site: Site, buoy_app: App
) -> None:
    register(buoy_app, "east-1")
    Charge.enqueue(1)
    Charge.enqueue(2)
    assert "alarm" not in site.get().text

    buoy_app.control.pause("payments")

    said = "payments : 2 jobs are queued, and this queue is paused: no worker takes them."
    assert said in site.text()
    assert [row["name"] for row in site.get("/api/").json()["alarms"]] == ["payments"]


def test_a_pause_of_everything_raises_an_alarm(site: Site, buoy_app: App) -> None:
    assert site.get("/api/").json()["paused_since"] is None

    buoy_app.control.pause_all()

    said = r"Everything is paused since [\w ]+: no worker takes jobs. To go on: buoy resume "
    assert re.search(said, site.text())
    assert site.get("/api/").json()["paused_since"] == pytest.approx(time.time(), abs=60)


def test_an_empty_paused_queue_raises_no_alarm(site: Site, buoy_app: App) -> None:
    id = Charge.enqueue(1).id
    buoy_app.control.pause("payments")
    buoy_app.cancel(id)

    assert "alarm" not in site.get().text


@pytest.mark.parametrize("enqueued", [0, 9])
def test_the_highest_bar_is_a_bar_though_a_line_may_be_higher(enqueued: int) -> None:
    times = [time.time() - 60, time.time()]
    bars = {"done": [1, 2], "failed": [0, 2]}
    chart = Chart("Jobs", times, bars, (), {"enqueued": [0, enqueued]})

    assert chart.highest_bar == 4
    assert chart.highest == max(4, enqueued)


def test_a_chart_without_bars_has_no_highest() -> None:
    assert (Chart("Jobs", [], {}).highest_bar, Chart("Jobs", [], {}).highest) == (0, 0)


@pytest.mark.parametrize(
    ("jobs", "text"), [(0.0, "–"), (0.42, "0.4"), (17.4, "17"), (12345.0, "12\u202f345")]
)
def test_rates_are_shown_as_people_say_them(jobs: float, text: str) -> None:
    assert shown(rate(jobs)) == text
