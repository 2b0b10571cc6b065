"""Arguments that nobody is to see are on no page."""

from typing import Any

from buoy import App, Job
from buoy.testing import FakeWorker, drain

from .conftest import Site

SECRET = "4111-secret"


class Pay(Job):
    queue = "pay"
    redact = ("card", "password")

    def perform(self, order: int, card: str, **more: Any) -> None:
        raise ValueError("no")


def test_no_page_tells_what_is_hidden(site: Site, buoy_app: App) -> None:
    failed = Pay.enqueue(1, SECRET, password=SECRET)
    drain(buoy_app, "pay")
    queued = Pay.enqueue(2, SECRET, buyer={"Password": SECRET})
    delayed = Pay.using(delay=60).enqueue(3, SECRET)
    running = Pay.using(queue="held").enqueue(4, SECRET)
    FakeWorker(buoy_app, "held").take()
    pages = ["/jobs", "/failed", "/workers", "/queues/pay", "/queues/pay?state=delayed"]
    pages += [f"/jobs/{handle.id}" for handle in (failed, queued, delayed, running)]

    for page in pages:
        for path in (page, f"/api{page}"):
            text = site.get(path).text
            assert SECRET not in text, path
            assert "[redacted]" in text or "/workers" in path, path


def test_no_filter_finds_what_is_hidden(site: Site, buoy_app: App) -> None:
    Pay.enqueue(1, SECRET)
    drain(buoy_app, "pay")

    for page in ("jobs", "failed"):
        assert site.get(f"/api/{page}?q={SECRET}").json()["total"] == 0
        assert site.get(f"/api/{page}?q=class:{Pay.name}").json()["total"] == 1
