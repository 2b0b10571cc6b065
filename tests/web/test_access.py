"""Who may see and do what."""

import base64

import pytest
from httpx import Response
from starlette.requests import HTTPConnection

from buoy import App, ConfigurationError
from buoy_web import Person, Role
from buoy_web.access import basic_login

from .conftest import Browser, Site
from .jobs import Charge


def is_paused(app: App) -> bool:
    return app.monitor.queues(["payments"])[0].paused


@pytest.fixture(autouse=True)
def queue(buoy_app: App) -> None:
    Charge.enqueue(1)


def test_a_request_that_authorize_refuses_sees_nothing(browser: Browser) -> None:
    site = browser(lambda _: None)

    for path in ("/", "/queues/payments", "/api/failed", "/static/buoy.css", "/nothing"):
        response = site.get(path)
        assert response.status_code == 403
        assert "You may not see this dashboard" in response.text


def test_authorize_may_be_a_coroutine_function_and_name_the_person(
    browser: Browser, buoy_app: App
) -> None:
    async def authorize(_: HTTPConnection) -> Person:
        return Person("operator", "ann@shop.example")

    site = browser(authorize)
    site.post("/queues/payments/pause", "/queues/payments")

    assert is_paused(buoy_app)
    assert "ann@shop.example operator payments is paused" in site.text("/audit")


def test_a_role_that_does_not_exist_is_refused_with_the_ones_that_do(browser: Browser) -> None:
    with pytest.raises(ConfigurationError, match="expected one of viewer, operator, admin or None"):
        browser(lambda _: "root").get("/")


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("operator", True), ("admin", True)])
def test_a_viewer_sees_but_changes_nothing(
    browser: Browser, buoy_app: App, role: Role, may: bool
) -> None:
    site = browser(lambda _: role)

    assert ("Pause" in site.text("/queues/payments")) is may
    if may:
        site.post("/queues/payments/pause", "/queues/payments")
    else:
        response = forged(site, "/queues/payments/pause", "same-origin")
        assert response.status_code == 403
        assert "needs the role operator; you are viewer" in response.text
    assert is_paused(buoy_app) is may


def test_only_an_admin_removes(browser: Browser) -> None:
    site = browser(lambda _: "operator")

    response = forged(site, "/failed/remove", "same-origin")

    assert response.status_code == 403
    assert "needs the role admin; you are operator" in response.text


def test_a_read_only_dashboard_changes_nothing_for_anybody(browser: Browser, buoy_app: App) -> None:
    site = browser(read_only=True)

    assert "Pause" not in site.text("/queues/payments")
    response = forged(site, "/queues/payments/pause", "same-origin")
    assert response.status_code == 403
    assert "This dashboard is read-only." in response.text
    assert not is_paused(buoy_app)


class TestForms:
    """A change needs a form of this dashboard, in the browser of its user."""

    @pytest.mark.parametrize("header", ["cross-site", "same-site", "none", ""])
    def test_a_form_of_another_site_changes_nothing(
        self, site: Site, buoy_app: App, header: str
    ) -> None:
        response = forged(site, "/queues/payments/pause", header)

        assert response.status_code == 403
        assert "came from another site" in response.text
        assert not is_paused(buoy_app)

    @pytest.mark.parametrize("token", ["", "0" * 64, "ß"])
    def test_a_form_without_its_token_changes_nothing(
        self, site: Site, buoy_app: App, token: str
    ) -> None:
        response = site.post("/queues/payments/pause", "/queues/payments", token=token)

        assert response.status_code == 403
        assert not is_paused(buoy_app)

    def test_older_browsers_are_known_by_their_origin(self, site: Site, buoy_app: App) -> None:
        for origin in ("http://shop.example", "https://evil.example"):
            response = forged(site, "/queues/payments/pause", "", origin=origin)
            assert response.status_code == 403  # the token is wrong
        token = site.client.cookies["buoy_web"]
        assert token

    @pytest.mark.parametrize("path", ["/queues/payments/pause", "/failed/remove"])
    def test_nothing_changes_by_get(self, site: Site, buoy_app: App, path: str) -> None:
        assert site.get(path).status_code in (404, 405)
        assert not is_paused(buoy_app)

    @pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil", ""])
    def test_a_form_leads_back_into_the_dashboard_only(self, site: Site, back: str) -> None:
        response = site.post("/queues/payments/pause", "/queues/payments", back=back)

        assert response.url.host == "shop.example"
        assert response.status_code == 200


def forged(site: Site, path: str, fetched_from: str, **headers: str) -> Response:
    """Sends a form as another site would: with the user's cookies, without a token."""
    site.get("/")
    if fetched_from:
        headers["sec-fetch-site"] = fetched_from
    response: Response = site.client.post(path, data={"token": "x"}, headers=headers)
    return response


class TestLogin:
    def test_a_password_is_asked_for(self, browser: Browser) -> None:
        site = browser(basic_login("ann:s3cret:x"), ask='Basic realm="buoy"')

        asked = site.get("/")
        wrong = site.get("/", authorization=basic("ann:wrong"))
        right = site.get("/", authorization=basic("ann:s3cret:x"))

        assert (asked.status_code, asked.headers["www-authenticate"]) == (401, 'Basic realm="buoy"')
        assert (wrong.status_code, right.status_code) == (401, 200)

    @pytest.mark.parametrize("header", ["", "Basic", "Basic ???", "Bearer YTpi", "Basic w7/Dvw=="])
    def test_other_headers_are_refused(self, browser: Browser, header: str) -> None:
        site = browser(basic_login("a:c"))

        assert site.get("/", authorization=header).status_code == 403

    @pytest.mark.parametrize("login", ["", "ann", "ann:", ":secret"])
    def test_a_login_needs_a_name_and_a_password(self, login: str) -> None:
        with pytest.raises(ConfigurationError, match="expected NAME:PASSWORD"):
            basic_login(login)


def basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def test_every_page_forbids_scripts_of_others_and_frames(site: Site) -> None:
    for path in ("/", "/failed", "/nothing", "/api/failed", "/static/buoy.js"):
        headers = site.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
