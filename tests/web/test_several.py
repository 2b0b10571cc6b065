"""A dashboard of several apps: each has its pages, and one page shows all."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from buoy import App, ConfigurationError
from buoy_web import Person, dashboard
from buoy_web.several import checked_names
from tests.support.processes import wait_until

from .conftest import Browser, Site

Apps = dict[str, App]


@pytest.fixture
def apps(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Apps:
    """Two apps on one Redis, which may be slow on a busy machine, and one whose Redis is away."""
    monkeypatch.setattr("buoy_web.several.PATIENCE", 60.0)
    url = buoy_app.settings.url
    shop, billing = App(url, namespace="shop"), App(url, namespace="billing")
    shop.push("shop.Charge", [1], queue="mail")
    billing.push("billing.Invoice", [2], queue="mail")
    return {"shop": shop, "billing": billing, "away": App("redis://127.0.0.1:1/0")}


def opened(browser: Browser, apps: Apps, **options: Any) -> Site:
    return browser(app=apps, **options)


def test_the_first_page_shows_all_apps(browser: Browser, apps: Apps) -> None:
    site = opened(browser, apps)

    text = site.text("/")

    assert "shop no worker for mail 1" in text
    assert "billing no worker for mail 1" in text
    assert "away Redis cannot be reached: " in text
    rows = {row["name"]: row for row in site.get("/api/").json()["apps"]}
    assert (rows["shop"]["queued"], rows["shop"]["unserved"]) == (1, ["mail"])
    assert rows["away"]["problem"].startswith("Redis cannot be reached: ")


def test_each_app_has_its_pages_and_links_stay_there(browser: Browser, apps: Apps) -> None:
    site = opened(browser, apps)

    page = site.get("/billing/queues/mail").text

    assert "billing.Invoice" in page
    assert "shop.Charge" not in page
    links = [part.partition('"')[0] for part in page.split('href="')[1:]]
    outside = {link for link in links if not link.startswith(("/billing/", "#", "?"))}
    assert outside == {"/", "/shop/", "/away/"}
    site.post("/billing/queues/mail/pause", "/billing/queues/mail", back="/queues/mail")
    paused = [apps[name].monitor.queues()[0].paused for name in ("shop", "billing")]
    assert paused == [False, True]
    assert site.get("/shop").url.path == "/shop/"


def test_a_redis_that_is_away_is_said_on_its_pages_only(browser: Browser, apps: Apps) -> None:
    site = opened(browser, apps)

    assert site.get("/away/").status_code == 503
    assert site.get("/shop/").status_code == 200


def test_what_a_person_may_do_depends_on_the_app(browser: Browser, apps: Apps) -> None:
    def authorize(request: HTTPConnection) -> Person | None:
        role = {"shop": "operator", "billing": "viewer"}.get(request.state.app)
        return Person(role, "ann") if role else None  # type: ignore[arg-type]  # it is one

    site = opened(browser, apps, authorize=authorize)

    assert [row["name"] for row in site.get("/api/").json()["apps"]] == ["shop", "billing"]
    assert site.get("/away/").status_code == 403
    assert "Pause" in site.text("/shop/queues/mail")
    assert "Pause" not in site.text("/billing/queues/mail")


def test_who_may_see_no_app_sees_no_page(browser: Browser, apps: Apps) -> None:
    site = opened(browser, apps, authorize=lambda _: None)

    for path in ("/", "/api/", "/static/buoy.css", "/shop", "/shop/", "/nothing"):
        assert site.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/api/nothing", "/nothing/api/failed"])
def test_programs_are_told_as_json_that_nothing_is_there(
    browser: Browser, apps: Apps, path: str
) -> None:
    response = opened(browser, apps).get(path)

    text = "There is no such page; the apps are shop, billing, away."
    assert (response.status_code, response.json()) == (404, {"error": "Not found", "message": text})


def test_programs_that_may_see_no_app_are_told_as_json(browser: Browser, apps: Apps) -> None:
    site = opened(browser, apps, authorize=lambda _: None)

    for path in ("/api/", "/shop/api/failed"):
        response = site.get(path)
        assert (response.status_code, response.json()["error"]) == (403, "Not allowed")


def test_a_page_that_is_not_there_names_the_apps(browser: Browser, apps: Apps) -> None:
    response = opened(browser, apps).get("/nothing")

    assert response.status_code == 404
    assert "There is no such page; the apps are shop, billing, away." in response.text


def test_a_redis_that_is_silent_holds_up_no_other_app(
    browser: Browser, apps: Apps, silent: App
) -> None:
    site = opened(browser, {"silent": silent, "shop": apps["shop"]})

    def rows() -> dict[str, Any]:
        return {row["name"]: row for row in site.get("/api/").json()["apps"]}

    assert rows()["silent"]["problem"] == "Redis has not answered for 0.1 seconds"
    wait_until(lambda: rows()["shop"].get("queued") == 1)  # a busy machine may be silent, too


@pytest.mark.parametrize("name", ["", "a/b", "api", "static", "..", "ä", "x" * 61, 7])
def test_a_name_that_cannot_be_in_an_address_is_refused(name: Any, buoy_app: App) -> None:
    with pytest.raises(ConfigurationError, match="name of an app: expected letters, digits"):
        dashboard({name: buoy_app}, authorize=lambda _: "admin")


def test_what_is_no_app_is_refused(buoy_app: App) -> None:
    wrongs: list[Any] = [{}, [buoy_app], None]
    for wrong in wrongs:
        with pytest.raises(ConfigurationError, match="expected an App, or a dict of them by"):
            checked_names(wrong)
    with pytest.raises(ConfigurationError, match="dashboard: shop: expected an App, got 'x'"):
        checked_names({"shop": "x"})  # type: ignore[dict-item]  # that is the point


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """An app whose Redis accepts connections and says nothing."""
    monkeypatch.setattr("buoy_web.several.PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield App(f"redis://127.0.0.1:{listening.getsockname()[1]}/0?socket_timeout=60")
