"""The page of delayed jobs: order, filters; run now, move and cancel one, some or all."""

import time

import pytest

from buoy import App, Job
from buoy.testing import drain
from buoy_retry import Constant, Retry

from .conftest import Browser, Site
from .jobs import Charge, Report


class Sync(Job):
    queue = "payments"
    plugins = [Retry(delay=Constant(600))]

    def perform(self, order: int) -> None:
        raise ValueError(f"<no> order {order}")


def due(app: App, queue: str = "payments") -> dict[int, float]:
    """Returns the first argument of each delayed job, and in how many seconds it is due."""
    return {job.args[0]: (job.at or 0) - time.time() for job in app.monitor.delayed(queue)}


@pytest.fixture(autouse=True)
def delayed(buoy_app: App) -> dict[int, str]:
    """Three payments and a report are delayed; returns the ids of the payments."""
    Report.using(delay=200).enqueue("may")
    return {
        order: Charge.using(delay=order * 100).enqueue(order, card="4111").id for order in (3, 1, 5)
    }


def test_jobs_of_all_queues_are_shown_the_next_due_first(site: Site) -> None:
    found = site.client.get("/api/delayed").json()

    assert [job["args"][0] for job in found["jobs"]] == [1, "may", 3, 5]
    assert found["total"] == 4
    assert "4 jobs, the next due first" in site.text("/delayed")


@pytest.mark.parametrize(
    ("query", "orders"),
    [
        ("queue:payments", [1, 3, 5]),
        ("queue:nothing", []),
        (f"class:{Report.name}", ["may"]),
        ("4111", [1, 3, 5]),
        ("error:x", []),
        ("state:delayed", [1, "may", 3, 5]),
        ("age>1h", []),
    ],
)
def test_a_filter_shows_what_matches(site: Site, query: str, orders: list[object]) -> None:
    found = site.client.get("/api/delayed", params={"q": query}).json()

    assert [job["args"][0] for job in found["jobs"]] == orders
    assert found["total"] == len(orders)


def test_a_job_that_will_be_retried_shows_its_last_error(site: Site, buoy_app: App) -> None:
    Sync.enqueue(9)
    drain(buoy_app, "payments", raise_errors=False)

    assert "attempt 2 after ValueError <no> order 9" in site.text("/delayed?q=error:valueerror")
    assert "<no>" not in site.get("/delayed").text


@pytest.mark.parametrize(
    "after",
    [
        *("x", "{}", "[]", '["payments", "delayed", "a", 5]'),
        *('["payments", "delayed", "a", "x"]', '["payments", "delayed", "a", "nan"]'),
        *('["payments", "delayed", "a", "1_0"]', '["payments", "delayed", "a", " 1"]'),
        *('["payments", "delayed", "a", "\\ud800"]', '["payments", "delayed", "\\ud800", "1"]'),
        *('["\\ud800", "delayed", "a", "1"]', '["payments", "x", "a", "1"]'),
    ],
)
def test_a_wrong_address_of_a_page_is_told(site: Site, after: str) -> None:
    response = site.client.get("/api/delayed", params={"after": after})

    assert response.status_code == 400
    assert "after: expected an address of this dashboard, got " in response.json()["message"]


@pytest.mark.parametrize("detail", ["-inf", "inf", "-1.5e+300", "0", "1764563000000"])
def test_a_page_begins_behind_any_job(site: Site, detail: str) -> None:
    after = f'["payments", "delayed", "\\udcff", "{detail}"]'

    assert site.client.get("/api/delayed", params={"after": after}).status_code == 200


@pytest.mark.parametrize("query", ["", "4111"])
def test_pages_follow_each_other(site: Site, query: str) -> None:
    Charge.using(delay=900).enqueue_many([(order, "4111") for order in range(100, 160)])

    pages = [site.client.get("/api/delayed", params={"q": query}).json()]
    while after := pages[-1]["next"]:
        response = site.client.get("/api/delayed", params={"q": query, "after": after})
        pages.append(response.json())

    assert [len(page["jobs"]) for page in pages] == [20, 20, 20, 4 if not query else 3]
    ids = [job["id"] for page in pages for job in page["jobs"]]
    assert len(set(ids)) == len(ids) == pages[0]["total"]


def test_selected_jobs_run_now(site: Site, buoy_app: App, delayed: dict[int, str]) -> None:
    page = site.post("/delayed/run-now", "/delayed", id=[delayed[5], delayed[3], "unknown"])

    assert "2 jobs are due now." in page.text
    assert {job.args[0] for job in buoy_app.monitor.peek("payments")} == {5, 3}
    assert set(due(buoy_app)) == {1}


@pytest.mark.parametrize(("to", "seconds"), [("2h", 7200), ("90s", 90)])
def test_selected_jobs_move(
    site: Site, buoy_app: App, delayed: dict[int, str], to: str, seconds: int
) -> None:
    page = site.post("/delayed/move", "/delayed", id=delayed[5], to=to)

    assert "1 job is due at " in page.text
    assert due(buoy_app)[5] == pytest.approx(seconds, abs=60)
    assert due(buoy_app)[3] == pytest.approx(300, abs=60)


def test_a_time_without_a_zone_is_utc(site: Site, buoy_app: App, delayed: dict[int, str]) -> None:
    for to in ("2035-01-31T08:00", "2035-01-31T09:00+01:00"):
        page = site.post("/delayed/move", "/delayed", id=delayed[5], to=to)
        assert "1 job is due at 2035-01-31 08:00:00 UTC." in page.text


@pytest.mark.parametrize("to", ["", "soon", "2h30", "-2h", "9999-12-31T23:59-23:00", "ß"])
def test_a_wrong_time_is_told_and_nothing_moves(
    site: Site, buoy_app: App, delayed: dict[int, str], to: str
) -> None:
    response = site.post("/delayed/move", "/delayed", id=delayed[5], to=to)

    assert response.status_code == 400
    assert "expected " in response.text
    assert due(buoy_app)[5] == pytest.approx(500, abs=60)


@pytest.mark.parametrize("to", ["999999w", "999999999w", "9999-12-31T23:59-23:00", "-2h"])
def test_a_wrong_time_is_told_also_if_nothing_is_selected(site: Site, to: str) -> None:
    response = site.client.post("/api/delayed/move", json={"to": to})

    assert response.status_code == 400
    assert response.json()["message"] == (
        f"time: expected one like 2h (from now) or 2026-01-31T08:00 (UTC), got {to!r}"
    )


def test_selected_jobs_are_cancelled(site: Site, buoy_app: App, delayed: dict[int, str]) -> None:
    page = site.post("/delayed/cancel", "/delayed", id=delayed[1])

    assert "1 job is cancelled." in page.text
    assert set(due(buoy_app)) == {3, 5}


def test_a_job_that_has_been_queued_meanwhile_is_not_cancelled(
    site: Site, buoy_app: App, delayed: dict[int, str]
) -> None:
    buoy_app.reschedule(delayed[1])
    drain(buoy_app, "payments", raise_errors=False)

    page = site.post("/delayed/cancel", "/delayed", id=delayed[1])

    assert "0 jobs are cancelled." in page.text


def test_nothing_selected_changes_nothing(site: Site, buoy_app: App) -> None:
    for action in ("run-now", "cancel"):
        assert "0 jobs are" in site.post(f"/delayed/{action}", "/delayed").text
    assert set(due(buoy_app)) == {1, 3, 5}


def test_all_that_match_are_changed(site: Site, buoy_app: App) -> None:
    fields = {"q": "queue:payments", "all": "yes"}

    assert "3 jobs are due at" in site.post("/delayed/move", "/delayed", to="1d", **fields).text
    assert min(due(buoy_app).values()) > 86_000
    assert "3 jobs are cancelled." in site.post("/delayed/cancel", "/delayed", **fields).text
    assert (due(buoy_app), len(due(buoy_app, "reports"))) == ({}, 1)


@pytest.mark.parametrize("act", ["run-now", "move", "cancel"])
def test_all_of_another_state_are_none_of_the_delayed_jobs(
    site: Site, buoy_app: App, act: str
) -> None:
    fields = {"all": True, "q": "state:failed queue:payments", "to": "2h"}
    response = site.client.post(f"/api/delayed/{act}", json=fields)

    assert response.status_code == 400
    assert response.json()["message"] == "filter: expected a state of delayed, got 'failed'"
    assert site.get("/delayed?q=state:failed").status_code == 400
    assert set(due(buoy_app)) == {1, 3, 5}


def test_a_viewer_has_no_buttons(browser: Browser) -> None:
    assert "<button" not in browser(lambda _: "viewer").get("/delayed").text.split("<table>")[1]
    assert "Cancel" not in browser(lambda _: "viewer").text("/delayed")


def test_no_delayed_jobs_say_so(site: Site) -> None:
    site.post("/delayed/cancel", "/delayed", all="yes")

    assert "No job is delayed, and none waits for a retry." in site.text("/delayed")
