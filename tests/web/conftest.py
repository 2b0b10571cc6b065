"""A dashboard in this process, and a browser that has no JavaScript."""

import re
import warnings
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from httpx import Response

from buoy import App
from buoy_web import Authorize, dashboard

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # newer versions want another HTTP client
    from starlette.testclient import TestClient

Browser = Callable[..., "Site"]


class Site:
    """A browser on a dashboard: it gets pages, and sends the forms that they hold."""

    def __init__(self, client: TestClient, root: str = "") -> None:
        self.client, self.root = client, root

    def get(self, path: str = "/", **headers: str) -> Response:
        response: Response = self.client.get(self.root + path, headers=headers)
        return response

    def text(self, path: str = "/") -> str:
        """Returns what a page says, without its elements."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return words(response.text)

    def post(self, path: str, page: str = "/", **fields: str | list[str]) -> Response:
        """Send a form of a page, as a browser does; returns the page after it."""
        token = re.search(r'name="token" value="(\w+)"', self.get(page).text)
        assert token, f"{page} has no form"
        fields = {"token": token[1], "back": page, **fields}
        headers = {"sec-fetch-site": "same-origin"}
        response: Response = self.client.post(self.root + path, data=fields, headers=headers)
        return response


def words(html: str) -> str:
    """Returns the text of HTML."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages read Redis each time: tests change what it holds by other ways than the dashboard."""
    monkeypatch.setattr("buoy_web.shared.SECONDS", 0.0)
    monkeypatch.setattr("buoy_web.activity.FRESH", 0.0)
    monkeypatch.setattr("buoy_web.readings.SECONDS", {})


@pytest.fixture
def browser(buoy_app: App) -> Iterator[Browser]:
    """Opens a browser on a dashboard of the test's app, whose user is an admin."""
    clients: list[TestClient] = []

    def opened(
        authorize: Authorize = lambda _: "admin", app: App = buoy_app, **options: Any
    ) -> Site:
        site = dashboard(app, authorize=authorize, **options)
        client = TestClient(site, base_url="http://shop.example", follow_redirects=True)
        clients.append(client)
        return Site(client)

    yield opened
    for client in clients:
        client.close()


@pytest.fixture
def site(browser: Browser) -> Site:
    return browser()
