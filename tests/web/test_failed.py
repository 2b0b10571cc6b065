"""The page of failed jobs: groups, filters, retry, removal and its undo."""

from html import unescape

import pytest

from buoy import App
from buoy.plugins.redis import JobView
from buoy.testing import drain
from buoy_web.removed import stash

from .conftest import Browser, Site
from .jobs import Charge, Report


@pytest.fixture(autouse=True)
def failures(buoy_app: App) -> None:
    """Three payments have failed."""
    for order in (-1, -2, -3, 4):
        Charge.enqueue(order, card="4111")
    drain(buoy_app, "payments")


def test_failures_are_grouped_by_class_and_error(site: Site) -> None:
    text = site.text("/failed")

    assert f"{Charge.name} ValueError no order -3 3 " in text
    assert "3 jobs" in text


@pytest.mark.parametrize(
    ("query", "orders"),
    [
        ("state:failed", {-1, -2, -3}),
        ("error:order", {-1, -2, -3}),
        ("-2", {-2}),
        ('error:"no order -1"', {-1}),
        ("queue:reports", set()),
        ("age>1h", set()),
        ("age<1h", {-1, -2, -3}),
        (f"class:{Report.name}", set()),
    ],
)
def test_a_filter_shows_what_matches(site: Site, query: str, orders: set[int]) -> None:
    found = site.client.get("/api/failed", params={"q": query}).json()

    assert {job["args"][0] for job in found["jobs"]} == orders
    assert found["total"] == len(orders)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("colour:red", "expected one of class, state, queue, tag, error, args, age, got 'colour'"),
        ("age>2", "expected an age like age>2h, got '2'"),
        ("age:2h", "expected age>2h or age<2h, got age:2h"),
        ("tag<eu", "expected tag:eu, got tag<eu"),
        ("tag:eu tag:us", "expected tag: once, got it twice"),
        ("age>2h 42 age>3h", "expected age> once, got it twice"),
        ('error:""', "filter: expected a text behind error:, got none"),
        ("state:delayed", "filter: expected a state of failed, got 'delayed'"),
    ],
)
def test_a_wrong_filter_is_told(site: Site, query: str, said: str) -> None:
    response = site.client.get("/failed", params={"q": query})

    assert response.status_code == 400
    assert said in unescape(response.text)


def test_selected_jobs_are_retried(site: Site, buoy_app: App) -> None:
    some = [job.id for job in buoy_app.failures.find()][:2]

    response = site.post("/failed/retry", "/failed", id=some)

    assert "2 jobs are queued again." in response.text
    assert {job.id for job in buoy_app.monitor.peek("payments")} == set(some)
    assert buoy_app.failures.count() == 1


def test_nothing_selected_changes_nothing(site: Site, buoy_app: App) -> None:
    response = site.post("/failed/retry", "/failed")

    assert "0 jobs are queued again." in response.text
    assert buoy_app.failures.count() == 3


def test_all_that_match_are_retried(site: Site, buoy_app: App) -> None:
    site.post("/failed/retry", "/failed", q="-2", all="yes")

    assert [job.args[0] for job in buoy_app.monitor.peek("payments")] == [-2]


@pytest.mark.parametrize("act", ["retry", "remove"])
def test_all_of_another_state_are_none_of_the_failed_jobs(
    site: Site, buoy_app: App, act: str
) -> None:
    fields = {"all": True, "q": "state:delayed"}
    response = site.client.post(f"/api/failed/{act}", json=fields)

    assert response.status_code == 400
    assert response.json()["message"] == "filter: expected a state of failed, got 'delayed'"
    assert buoy_app.failures.count() == 3


def test_a_removal_can_be_undone(site: Site, buoy_app: App) -> None:
    before = list(buoy_app.failures.find())

    page = site.post("/failed/remove", "/failed", all="yes")
    assert "3 jobs are removed." in page.text
    assert buoy_app.failures.count() == 0
    undo = page.text.split('action="/failed/restore/')[1].split('"')[0]
    page = site.post(f"/failed/restore/{undo}", "/queues/payments")

    assert "3 jobs are failed again." in page.text
    assert list(buoy_app.failures.find()) == before


def test_a_removal_is_undone_once_and_not_over_a_job_with_that_id(
    site: Site, buoy_app: App
) -> None:
    [job] = buoy_app.failures.find(args="-2")
    page = site.post("/failed/remove", "/failed", id=job.id)
    undo = page.text.split('action="/failed/restore/')[1].split('"')[0]
    buoy_app.command("DEL", buoy_app.key("payments", "ended"))
    Charge.using(id=job.id).enqueue(5)

    page = site.post(f"/failed/restore/{undo}", "/queues/payments")

    assert "0 jobs are failed again." in page.text
    assert [each.args[0] for each in buoy_app.monitor.peek("payments")] == [5]
    assert "0 jobs" in site.post(f"/failed/restore/{undo}", "/queues/payments").text


@pytest.fixture
def retried(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of jobs that somebody retries, and that end, while others are removed."""
    ids: list[str] = []

    def meanwhile(app: App, jobs: list[JobView]) -> str:
        name = stash(app, jobs)
        for id in ids:
            app.retry(id)
            app.cancel(id)
        app.command("DEL", app.key("payments", "ended"))
        return name

    monkeypatch.setattr("buoy_web.pages.failed.stash", meanwhile)
    return ids


def test_undo_leaves_alone_what_somebody_retried_meanwhile(
    site: Site, buoy_app: App, retried: list[str]
) -> None:
    [job] = buoy_app.failures.find(args="-2")
    retried.append(job.id)

    page = site.post("/failed/remove", "/failed", all="yes")
    assert "2 jobs are removed." in page.text
    undo = page.text.split('action="/failed/restore/')[1].split('"')[0]
    page = site.post(f"/failed/restore/{undo}", "/queues/payments")

    assert "2 jobs are failed again." in page.text
    assert {each.args[0] for each in buoy_app.failures.find()} == {-1, -3}


def test_nothing_removed_cannot_be_undone(site: Site, buoy_app: App, retried: list[str]) -> None:
    retried += [job.id for job in buoy_app.failures.find()]

    page = site.post("/failed/remove", "/failed", all="yes")

    assert "0 jobs are removed." in page.text
    assert "/failed/restore/" not in page.text


def test_no_failures_say_so(site: Site) -> None:
    site.post("/failed/remove", "/failed", all="yes")

    assert "No job has failed." in site.text("/failed")


class TestMany:
    """More jobs have failed than a page reads."""

    @pytest.fixture(autouse=True)
    def few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("buoy_web.failures.MOST_READ", 2)

    def test_the_newest_are_read_and_all_are_counted(self, site: Site) -> None:
        text = site.text("/failed")

        assert "3 jobs have failed. The newest 2 are looked at here." in text
        assert f"{Charge.name} ValueError no order -3 2 " in text
        assert "Retry all 3" in text

    def test_without_a_count_there_is_no_act_on_all(self, site: Site) -> None:
        text = site.text("/failed?q=error:order")

        assert "The newest 2 are looked at here, and 2 of them match. Read all" in text
        assert "2 jobs of the newest 2" in text
        assert "Count all that match…" in text
        assert "Retry all" not in text
        assert "Remove all" not in text

    def test_all_are_read_when_somebody_asks(self, site: Site) -> None:
        path = "/failed?q=error:order&read=all"
        text = site.text(path)

        assert "Retry all 3" in text
        assert "looked at here" not in text
        assert 'hx-trigger="never"' in site.get(path).text
        assert '-1, "4111"' in text

    def test_each_page_of_all_is_whole(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("buoy_web.pages.failed.SHOWN", 1)

        found = [
            site.client.get(f"/api/failed?read=all&start={start}").json() for start in range(3)
        ]

        assert [page["jobs"][0]["args"][0] for page in found] == [-3, -2, -1]
        assert all(sum(page["groups"][0]["counts"]) == 3 for page in found)


def test_a_group_shows_when_its_jobs_failed(site: Site) -> None:
    groups = site.client.get("/api/failed").json()["groups"]

    assert [sum(group["counts"]) for group in groups] == [3]
    assert '<svg class="spark"' in site.get("/failed").text


@pytest.mark.parametrize("at", [b"-1e300", b"1e300", b"0", b"-inf", b"+inf"])
def test_failures_of_any_time_are_shown(site: Site, buoy_app: App, at: bytes) -> None:
    [job, *_] = buoy_app.failures.find()
    buoy_app.command("ZADD", buoy_app.key("payments", "failed"), at, job.id)

    [group] = site.client.get("/api/failed").json()["groups"]
    assert sum(group["counts"]) == 3
    assert site.get("/failed").status_code == 200


def test_a_job_that_was_retried_meanwhile_is_not_removed(site: Site, buoy_app: App) -> None:
    [first, *_] = buoy_app.failures.find()
    buoy_app.retry(first.id)

    page = site.post("/failed/remove", "/failed", id=[first.id, "unknown"])

    assert "0 jobs are removed." in page.text
    assert buoy_app.find(first.id) is not None


def test_a_viewer_has_no_boxes_to_tick(browser: Browser) -> None:
    assert "checkbox" not in browser(lambda _: "viewer").get("/failed").text
