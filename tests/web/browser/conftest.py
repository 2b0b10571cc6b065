"""Tests of the dashboard in a real browser: a Chromium for each file, one HTTP server for all."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from buoy import App, Job
from buoy_web import Authorize, dashboard
from tests.support.cluster import Cluster

from .chromium import MISSING, chromium, find_chromium
from .serving import Served, served
from .tab import Tab

Open = Callable[..., Tab]


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """A browser. Without a Chromium the tests are skipped; they fail if BUOY_CHROMIUM is set.

    While it lives, playwright leaves a running event loop in this thread, where nothing else can
    call ``asyncio.run``: so it ends with the file.
    """
    if find_chromium() is None and not os.environ.get("BUOY_CHROMIUM"):
        pytest.skip(MISSING)
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def server_of_pages() -> Iterator[Served]:
    with served() as site:
        yield site


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(params=["server", "cluster"])
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> App:
    """The app of all job classes, whose Redis is empty: on a server, and on a cluster."""
    if request.param == "server":
        found: App = request.getfixturevalue("buoy_app")
        return found
    cluster: Cluster = request.getfixturevalue("cluster")
    app = App(cluster.url)
    for server in cluster.servers:
        App(server.url).command("FLUSHALL")
    monkeypatch.setattr(Job, "app", app)
    return app


@pytest.fixture(scope="module")
def shared_page(chrome: Browser) -> Iterator[Page]:
    """A page for all tests that need no browser of their own: to start one takes long."""
    with chrome.new_context() as context:
        yield context.new_page()


@pytest.fixture
def open_tab(chrome: Browser, shared_page: Page, server_of_pages: Served) -> Iterator[Open]:
    """Opens the dashboard of an app in a browser that knows nothing of other tests. At the end, no
    page may have complained, and none may have asked another host."""
    with ExitStack() as stack:

        def page_with(options: dict[str, Any]) -> Page:
            if options:
                return stack.enter_context(chrome.new_context(**options)).new_page()
            shared_page.context.clear_cookies()
            stack.callback(shared_page.goto, "about:blank")
            stack.callback(shared_page.evaluate, "localStorage.clear()")
            return shared_page

        def opened(
            app: App | dict[str, App],
            path: str = "/",
            authorize: Authorize = lambda _: "admin",
            **options: Any,
        ) -> Tab:
            server_of_pages.site = dashboard(app, authorize=authorize)
            tab = stack.enter_context(Tab(page_with(options), server_of_pages))
            tab.go(path)
            return tab

        yield opened
