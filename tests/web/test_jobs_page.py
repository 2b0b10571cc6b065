"""The page of jobs: how many are in each state, and which of them a filter leaves."""

import re
from html import unescape

import pytest

from buoy import App, Job
from buoy.testing import FakeWorker, drain
from buoy_limits import Limit

from .conftest import Site
from .jobs import Charge, Report


class Narrow(Job):
    name = "jobs-page.Narrow"
    queue = "payments"
    plugins = [Limit(at_once=1)]

    def perform(self) -> None: ...


def tabs(page: str) -> dict[str, int]:
    found = re.findall(r'<a href="/jobs[^>]*>(\w+) <b>(\d+)</b></a>', page)
    return {state: int(count) for state, count in found}


def test_the_tabs_tell_how_many_jobs_are_in_each_state(buoy_app: App, site: Site) -> None:
    Charge.enqueue(-1)
    drain(buoy_app, "payments")
    Charge.using(delay=60).enqueue_many([(n,) for n in range(4)])
    Narrow.enqueue_many([()] * 6)  # five of them are blocked
    FakeWorker(buoy_app, "payments").take()
    Charge.using(priority="high").enqueue(2)
    Report.enqueue_many([("2026-11",)] * 2)

    every = {"queued": 3, "blocked": 5, "delayed": 4, "running": 1, "failed": 1}
    assert tabs(site.get("/jobs").text) == every
    here = every | {"queued": 1}
    assert tabs(site.get("/jobs?q=queue:payments").text) == here
    assert tabs(site.get("/jobs?q=queue:payments state:blocked").text) == {"blocked": 5}


def test_a_state_that_there_is_not_is_told_with_those_that_there_are(site: Site) -> None:
    response = site.client.get("/jobs", params={"q": "state:lost"})

    assert response.status_code == 400
    wanted = "filter: expected a state of queued, blocked, delayed, running, failed, got 'lost'"
    assert wanted in unescape(response.text)


def test_a_filter_by_error_is_refused_and_not_ignored(site: Site) -> None:
    Charge.enqueue(1)

    response = site.client.get("/api/jobs", params={"q": "error:timeout"})

    assert response.status_code == 400
    assert response.json()["message"] == (
        "filter: expected error: on the pages Failed, Delayed and History only, got error:timeout"
    )
    assert "error:" not in site.get("/jobs").text


@pytest.mark.parametrize(
    "after",
    [
        *(
            "x",
            "[]",
            '["x", "payments", 0]',
            '["done", "payments", 0]',
            '["queued", "payments", "0"]',
        ),
        '["queued", "\\ud800", 0]',
    ],
)
def test_a_wrong_address_of_a_page_is_told(site: Site, after: str) -> None:
    response = site.client.get("/api/jobs", params={"after": after})

    assert response.status_code == 400
    assert "after: expected an address of this dashboard, got " in response.json()["message"]


@pytest.mark.parametrize(
    "after", ['["queued", "none", 0]', '["failed", "payments", 99999999999999]']
)
def test_a_page_may_begin_where_nothing_is(site: Site, after: str) -> None:
    Charge.enqueue(1)

    assert site.client.get("/api/jobs", params={"after": after}).status_code == 200
