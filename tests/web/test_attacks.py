"""What somebody tries who wants to change, see or break what they must not."""

import base64
import logging
import re
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from buoy import App
from buoy.testing import FakeWorker
from buoy_loner import Loner
from buoy_scheduler import set_schedule
from buoy_web import Action, Person
from buoy_web.access import basic_login
from buoy_web.audit import note
from buoy_web.cli import local_admin
from buoy_web.installed import installed_parts

from .conftest import Browser, Site
from .jobs import Charge
from .test_workers import register

ACTIONS = installed_parts().actions
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}\u202e"


@pytest.fixture(autouse=True)
def queue(buoy_app: App) -> None:
    Charge.enqueue(1)


def path_of(action: Action) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", "payments", action.path)


def token_of(site: Site) -> str:
    found: list[str] = re.findall(r'name="token" value="(\w+)"', site.get("/queues/payments").text)
    return found[0]


def is_unchanged(app: App) -> bool:
    return (
        not app.monitor.queues(["payments"])[0].paused
        and app.command("XLEN", "buoy:web:audit") == 0
    )


def test_a_link_puts_no_words_of_its_own_into_a_form(site: Site) -> None:
    query = "new=yes&problem=Session+expired,+press+Add&name=x&class=shop.Refund"

    html = site.get(f"/schedule/entry?{query}").text
    assert "Session expired" not in html
    assert 'value="shop.Refund"' not in html
    assert site.get(f"/api/schedule/entry?{query}").json()["problem"] == ""


class TestEachAction:
    """Each change, those of packages, too, asks for role, origin and token."""

    def test_roles_are_checked(self, browser: Browser, buoy_app: App) -> None:
        people = {"viewer": browser(lambda _: "viewer"), "operator": browser(lambda _: "operator")}
        for action in ACTIONS:
            for role, site in people.items():
                if Person(role).may(action.role):  # type: ignore[arg-type]  # it is a role
                    continue
                for prefix in ("", "/api"):
                    answer = site.client.post(
                        f"{prefix}/{path_of(action)}",
                        json={},
                        headers={"sec-fetch-site": "same-origin"},
                    )
                    assert answer.status_code == 403, (action.path, role)
                    assert f"This needs the role {action.role}" in answer.text
        assert is_unchanged(buoy_app)

    def test_forms_need_a_token_and_the_origin(self, site: Site, buoy_app: App) -> None:
        token = token_of(site)
        for action in ACTIONS:
            for headers, data in (
                ({"sec-fetch-site": "same-origin"}, {}),
                ({"sec-fetch-site": "same-origin"}, {"token": "0" * 64}),
                ({"sec-fetch-site": "cross-site"}, {"token": token}),
                ({"origin": "http://shop.example.evil.example"}, {"token": token}),
                ({}, {"token": token}),
            ):
                answer = site.client.post(f"/{path_of(action)}", data=data, headers=headers)
                assert answer.status_code == 403, (action.path, headers)
        assert is_unchanged(buoy_app)

    def test_nothing_is_done_by_other_methods(self, site: Site, buoy_app: App) -> None:
        for action in ACTIONS:
            for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
                for prefix in ("", "/api"):
                    answer = site.client.request(method, f"{prefix}/{path_of(action)}")
                    # An id may be "x/cancel": then this is its page.
                    is_page = method in ("GET", "HEAD") and ":path" in action.path
                    assert answer.status_code in (404, 405) or is_page, (action.path, method)
                    assert "access-control-allow-origin" not in answer.headers
        assert is_unchanged(buoy_app)


def test_a_cookie_and_a_token_of_somebody_else_are_worth_nothing(
    browser: Browser, buoy_app: App
) -> None:
    """A page under a sibling domain may set cookies of its own in the browser of a victim."""
    attacker = browser(lambda _: Person("operator", "mallory"))
    victim = browser(lambda _: Person("admin", "ann"))
    token = token_of(attacker)
    victim.client.cookies.set("buoy_web", attacker.client.cookies["buoy_web"])

    answer = victim.client.post(
        "/queues/payments/pause",
        data={"token": token},
        headers={"sec-fetch-site": "same-origin"},
    )

    assert answer.status_code == 403
    assert is_unchanged(buoy_app)


@pytest.mark.parametrize(
    "back",
    [
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "/\r\nset-cookie: a=b",
        "///evil.example",
        "/\\/evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "@evil.example",
        "/..//evil.example",
        "\x00//evil.example",
        "/?x=//evil.example#y",
    ],
)
def test_a_form_leads_to_no_other_site(site: Site, back: str) -> None:
    data = {"token": token_of(site), "back": back}
    answer = site.client.post(
        "/queues/payments/pause",
        data=data,
        headers={"sec-fetch-site": "same-origin"},
        follow_redirects=False,
    )

    assert answer.status_code == 303
    place = answer.headers["location"]
    assert re.match(r"/(?![/\\])", place)
    assert not re.search(r"[\x00-\x20\\]", place)
    assert all("a=b" not in cookie for cookie in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", ""])
def test_a_name_that_leads_to_this_machine_is_no_way_in(browser: Browser, host: str) -> None:
    site = browser(local_admin)

    for method, path in (("GET", "/"), ("POST", "/api/queues/payments/pause")):
        answer = site.client.request(method, path, json={}, headers={"host": host})
        assert answer.status_code == 403


class TestSizes:
    def test_large_bodies_are_refused(self, site: Site) -> None:
        for path in ("/failed/retry", "/api/failed/retry"):
            answer = site.client.post(
                path,
                content=b"x" * (5 * 1024 * 1024),
                headers={"content-type": "application/json"},
            )
            assert answer.status_code == 413

    def test_large_addresses_are_answered(self, site: Site) -> None:
        long = "x" * 20_000
        for page in ("jobs?q=", "workers?host=", "unique?q=", "audit?who=", "schedule/entry?name="):
            assert site.get(f"/{page}{long}").status_code in (200, 400, 404)
        assert site.get("/jobs?" + "a&" * 25_000).status_code == 400


class TestLogin:
    def test_wrong_logins_are_logged_without_the_password(
        self, browser: Browser, caplog: pytest.LogCaptureFixture
    ) -> None:
        site = browser(basic_login("ann:secret"))
        wrong = base64.b64encode(b"ann:guess").decode()

        with caplog.at_level(logging.WARNING, "buoy.web"):
            assert site.get("/", authorization=f"Basic {wrong}").status_code == 403

        assert "wrong login from testclient" in caplog.text
        assert "guess" not in caplog.text


class Unique(Charge):
    queue = "payments"
    plugins = [Loner()]


def test_nothing_of_anybody_becomes_html(
    browser: Browser, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of queues, workers, entries and people; arguments, errors, queries."""
    monkeypatch.setattr("buoy_scheduler.schedule.declared_crons", lambda: iter(()))
    odd = SCRIPT.replace("\u202e", "")
    register(buoy_app, f"h-1-{odd}", queues=odd, executor=odd, state=odd)
    set_schedule(odd, Charge, every=60, args=[1, odd], description=SCRIPT)
    Unique.enqueue(-2, SCRIPT)
    FakeWorker(buoy_app, "payments", f"h-1-{odd}").take()
    note(buoy_app, Person("admin", SCRIPT), SCRIPT, SCRIPT)

    def authorize(_: HTTPConnection) -> Person:
        return Person("admin", SCRIPT)

    site = browser(authorize, title=SCRIPT)
    query = "%3Cscript%3Ealert(1)%3C/script%3E%22%27%3E%3Cimg%20src=x%20onerror=alert(2)%3E"
    for page in (
        *("", "jobs", "delayed", "failed", "workers", "unique", "audit", "schedule", "doctor"),
        *(f"workers?host={query}", f"workers?queue={query}", f"unique?q={query}"),
        *(f"unique?queue={query}", f"audit?who={query}&what={query}", f"audit?age={query}"),
        *(f"schedule/entry?name={query}", f"schedule/entry?problem={query}&name={query}"),
        *(f"jobs/{query}", f"queues/{query}", query),
    ):
        html = site.get(f"/{page}").text
        assert "<script>alert" not in html, page
        assert "<img src=x" not in html, page
        assert "\u202e" not in html, page
        assert ">49<" not in html, page


def test_the_state_of_the_app_around_it_is_left_alone(browser: Browser) -> None:
    seen: list[Any] = []

    def authorize(request: HTTPConnection) -> str:
        seen.append(dict(request.scope["state"]))
        return "viewer"

    site = browser(authorize)
    site.get("/")
    assert seen[0] == {"app": ""}
