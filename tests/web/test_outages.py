"""The dashboard while Redis is away, slow, a cluster, or used by another program."""

import threading
from collections.abc import Iterator

import pytest

from buoy import App
from buoy.embedded.server import Server
from buoy.testing import FakeWorker, drain
from tests.support.cluster import Cluster
from tests.support.proxy import Proxy

from .conftest import Browser, Site, words
from .jobs import Charge

PAGES = ["/", "/jobs", "/failed", "/workers", "/classes", "/doctor", "/audit", "/delayed"]
PAGES += ["/schedule", "/unique", "/queues/payments"]


@pytest.fixture
def proxy(buoy_server: Server, buoy_app: App) -> Iterator[Proxy]:
    Charge.enqueue(1)
    with Proxy(buoy_server.url) as proxy:
        yield proxy


@pytest.fixture
def distant(proxy: Proxy, browser: Browser) -> Site:
    """A browser on a dashboard whose Redis can be taken away."""
    return browser(app=App(proxy.url))


def test_without_redis_each_page_says_so_and_recovers(distant: Site, proxy: Proxy) -> None:
    proxy.refuse()
    for path in PAGES:
        response = distant.get(path)
        assert response.status_code == 503, path
        assert "Redis does not answer" in words(response.text)
        assert "This page asks again every two seconds." in words(response.text)
        assert f'hx-get="{path}"' in response.text
        assert words(response.text).endswith(" Ask now")
    assert distant.get("/api/jobs").json()["error"] == "Redis does not answer"

    proxy.resume()

    for path in PAGES:
        assert distant.get(path).status_code == 200, path


def test_redis_goes_away_while_a_form_is_open(distant: Site, proxy: Proxy, buoy_app: App) -> None:
    page = distant.get("/queues/payments").text
    token = page.split('name="token" value="')[1].split('"')[0]
    proxy.refuse()
    proxy.drop()

    sent = {"data": {"token": token}, "headers": {"sec-fetch-site": "same-origin"}}
    response = distant.client.post("/queues/payments/pause", **sent)

    assert response.status_code == 503
    assert "This page asks again" not in response.text  # a change is not made again by itself
    proxy.resume()
    assert distant.client.post("/queues/payments/pause", **sent).status_code == 200
    assert buoy_app.monitor.queues(["payments"])[0].paused


def test_pages_that_wait_for_redis_do_not_hold_up_what_needs_none(
    distant: Site, proxy: Proxy
) -> None:
    distant.get("/")
    before = len(proxy.commands)
    proxy.freeze()
    waiting = [threading.Thread(target=distant.get, args=("/",)) for _ in range(12)]
    for each in waiting:
        each.start()
    try:
        assert distant.get("/static/buoy.css").status_code == 200
        assert distant.get("/nothing").status_code == 404
    finally:
        proxy.resume()
        for each in waiting:
            each.join(120)
    assert len(proxy.commands) > before
    assert distant.get("/").status_code == 200


def test_keys_of_a_wrong_type_break_no_page(site: Site, buoy_app: App, buoy_server: Server) -> None:
    Charge.enqueue(-1)
    drain(buoy_app, "payments")
    for delay in (0, 60):
        Charge.using(delay=delay).enqueue(1)
    Charge.enqueue(2)
    FakeWorker(buoy_app, "payments").take()
    site.post("/queues/payments/pause", "/queues/payments")
    keys = sorted(buoy_app.command("KEYS", "*"))
    assert len(keys) > 8

    for key in keys:
        kind = buoy_app.command("TYPE", key)
        stored = buoy_app.command("DUMP", key)
        buoy_app.command("DEL", key)
        buoy_app.command(*(["SET", key, "x"] if kind != b"string" else ["RPUSH", key, "x"]))
        for path in PAGES:
            response = site.get(path)
            assert response.status_code in (200, 404, 503), (key, path, words(response.text))
        buoy_app.command("RESTORE", key, 0, stored, "REPLACE")
        assert site.get("/").status_code == 200


def test_pages_and_actions_on_a_cluster(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    with Cluster() as cluster:
        app = App(cluster.url)
        monkeypatch.setattr(Charge, "app", app, raising=False)
        for queue in ("a", "b", "c"):
            Charge.using(queue=queue).enqueue(-1)
            drain(app, queue)
            Charge.using(queue=queue).enqueue(1)
            Charge.using(queue=queue, delay=60).enqueue(2)
        site = browser(app=app)

        for path in (*PAGES[:-1], "/queues/b"):
            assert site.get(path).status_code == 200, path
        assert "3 jobs are removed." in site.post("/failed/remove", "/failed", all="yes").text
        assert "3 jobs" in site.text("/audit")
        assert (
            "3 jobs are due at" in site.post("/delayed/move", "/delayed", to="2h", all="yes").text
        )
        assert "b is paused" in site.post("/queues/b/pause", "/queues/b").text
        [job] = app.monitor.peek("c")
        assert "is cancelled" in site.post(f"/jobs/{job.id}/cancel", f"/jobs/{job.id}").text
