"""The page History: jobs that have ended, found in bounded time."""

import time
from typing import Any

import pytest

from buoy import App, Job
from buoy.testing import drain
from buoy_history import History

from .conftest import Site

ODD = "<script>alert(1)</script>\x1b\u202e"
CARD = "4111-card"
"""No page has it by chance, as it may have 4111 in an id."""


class Sell(Job):
    queue = "sales"
    tags = ["eu"]
    redact = ("card",)
    plugins = [History(result=True)]

    def perform(self, order: int, card: str = "", note: str = "") -> Any:
        if order < 0:
            raise ValueError(f"no order {order} {note}")
        return {"sold": order, "note": note}


class Send(Job):
    queue = "parcels"
    plugins = [History()]

    def perform(self, order: int) -> None: ...


@pytest.fixture
def ended(buoy_app: App) -> None:
    Sell.enqueue(1, CARD)
    Sell.enqueue(-2, CARD, ODD)
    Send.enqueue(3)
    drain(buoy_app, "sales", "parcels", raise_errors=False)


def orders(site: Site, query: str) -> list[int]:
    found = site.client.get("/api/history", params={"q": query}).json()
    return [each["args"][0] for each in found["ended"]]


def test_it_lists_ends_with_error_or_result(site: Site, ended: None) -> None:
    text = site.text("/history")

    assert f'{Sell.name} in sales eu [1, "[redacted]"] {{"sold": 1, "note": ""}} ' in text
    assert "ValueError no order -2 <script>alert(1)</script>\\x1b\\u202e" in text
    assert "3 shown, the newest first. 3 of 3 ends were read." in text
    html = site.get("/history").text
    assert "<script>alert" not in html
    assert CARD not in html
    assert "Older" not in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"class:{Sell.name}", {1, -2}),
        ("queue:parcels", {3}),
        ("state:failed", {-2}),
        ("tag:eu state:done", {1}),
        ('error:"no order"', {-2}),
        ("age<1h -2", {-2}),
        ("age>1h", set()),
        (CARD, set()),
    ],
)
def test_a_filter_shows_what_matches(site: Site, ended: None, query: str, found: set[int]) -> None:
    assert set(orders(site, query)) == found


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/history?q=state:queued", "expected one of done, failed, rejected, got 'queued'"),
        ("/history?before=soon", "before: expected epoch seconds, got 'soon'"),
    ],
)
def test_a_wrong_filter_is_told(site: Site, path: str, said: str) -> None:
    response = site.get(path)

    assert response.status_code == 400
    assert said in response.text.replace("&#39;", "'")


@pytest.mark.parametrize("before", ["0", "-1", "1e300", "nan", "inf"])
def test_any_time_is_a_page(site: Site, ended: None, before: str) -> None:
    assert site.get(f"/history?before={before}").status_code == 200


def test_nothing_remembered_says_how_to(site: Site) -> None:
    assert "No job is remembered. Put the plugin History() on" in site.text("/history")


def test_pages_lead_to_every_end_once(
    site: Site, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buoy_history.brief_search.MOST_READ", 40)
    monkeypatch.setattr("buoy_history.pages.SHOWN", 10)
    for order in range(60):
        (Sell if order % 3 else Send).enqueue(order + 1)
        if order % 6 == 5:
            drain(buoy_app, "sales", "parcels")

    seen: list[int] = []
    path = "/api/history"
    for _ in range(40):
        page = site.client.get(path).json()
        seen += [each["args"][0] for each in page["ended"]]
        if page["older"] is None:
            break
        path = f"/api/history?before={page['older']}"

    assert page["older"] is None
    assert sorted(seen) == list(range(1, 61))


def test_the_page_of_an_ended_job_tells_how_long_it_ran(
    site: Site, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(self: Job, order: int) -> None:
        began = time.perf_counter()
        while time.perf_counter() - began < 0.002:
            pass

    monkeypatch.setattr(Sell, "perform", run)
    id = Sell.enqueue(5).id
    drain(buoy_app, "sales")
    buoy_app.command("DEL", buoy_app.key("sales", "ended"))

    assert " Ran for " in site.text(f"/jobs/{id}")


def test_an_end_leads_to_the_page_of_its_job(site: Site, buoy_app: App) -> None:
    id = Sell.enqueue(5, CARD, ODD).id
    drain(buoy_app, "sales")
    buoy_app.command("DEL", buoy_app.key("sales", "ended"))

    assert f'href="/jobs/{id}"' in site.get("/history").text
    text = site.text(f"/jobs/{id}")
    assert f"History Class {Sell.name} Queue sales Attempt 1 Tags eu" in text
    assert 'Arguments [5, "[redacted]"' in text
    assert "<script>alert" not in site.get(f"/jobs/{id}").text
    assert "What is known of it" in site.text(f"/jobs?q={id}")
