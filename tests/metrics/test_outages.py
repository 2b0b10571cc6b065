"""A page in bounded time, whatever Redis does."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from buoy import App, ConfigurationError, Job
from buoy.embedded.server import Server
from buoy_metrics import BuoyCollector
from buoy_metrics.reader import Reader, Scrape
from tests.support.processes import wait_until
from tests.support.proxy import Proxy

from .conftest import PATIENCE, scrape

UP, ERRORS = ("buoy_redis_up",), ("buoy_scrape_errors_total",)


@pytest.fixture
def proxy(buoy_server: Server, buoy_app: App) -> Iterator[Proxy]:
    """Stands before an empty server."""
    with Proxy(buoy_server.url) as proxy:
        yield proxy


class Charge(Job):
    def perform(self, number: int) -> None: ...


def test_without_redis_the_page_says_so(caplog: pytest.LogCaptureFixture, proxy: Proxy) -> None:
    collector = BuoyCollector(App(proxy.url), timeout=PATIENCE)
    proxy.refuse()

    found = scrape(collector)
    again = scrape(collector)

    assert (found[UP], found[ERRORS]) == (0, 1)
    assert (again[UP], again[ERRORS]) == (0, 2)
    assert {key[0] for key in found} == {"buoy_redis_up", "buoy_scrape_duration_seconds", *ERRORS}
    [line] = caplog.messages
    assert line.endswith("; the metrics are incomplete")


def test_once_redis_is_back_the_page_is_complete(
    caplog: pytest.LogCaptureFixture, proxy: Proxy, buoy_app: App
) -> None:
    Charge.enqueue(1)
    collector = BuoyCollector(App(proxy.url), timeout=PATIENCE)
    proxy.refuse()
    scrape(collector)
    proxy.resume()

    found = scrape(collector)

    assert (found[UP], found[ERRORS], found["buoy_queue_jobs", "default", "queued"]) == (1, 1, 1)
    assert caplog.messages[1:] == ["Redis is back, the metrics are complete"]


def test_a_silent_redis_is_waited_for_no_longer_than_the_timeout(proxy: Proxy) -> None:
    collector = BuoyCollector(App(f"{proxy.url}?socket_timeout=600"), timeout=0.1)
    proxy.freeze()
    started = time.monotonic()

    found = scrape(collector)

    assert time.monotonic() - started < 60
    assert found[UP] == 0
    assert found["buoy_scrape_duration_seconds",] == 0.1
    proxy.resume()


def test_a_silent_redis_is_asked_once(proxy: Proxy) -> None:
    collector = BuoyCollector(App(f"{proxy.url}?socket_timeout=600"), timeout=0.05)
    proxy.freeze()
    before = {*threading.enumerate()}  # one of an earlier test may still be there

    for _ in range(5):
        assert scrape(collector)[UP] == 0

    new = {*threading.enumerate()} - before
    assert sum(each.name == "buoy scrape" for each in new) == 1
    assert len(new) < 4
    proxy.resume()


def test_scrapes_at_one_time_share_one_reading(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = BuoyCollector(App(f"{proxy.url}?socket_timeout=600"), timeout=PATIENCE)
    scrape(collector)
    cost = len(proxy.commands)
    shared: list[Scrape] = []
    present_scrape = Reader.present_scrape

    def noting(reader: Reader) -> Scrape:
        shared.append(present_scrape(reader))
        return shared[-1]

    monkeypatch.setattr(Reader, "present_scrape", noting)
    proxy.freeze()
    with ThreadPoolExecutor(8) as pool:
        pages = [pool.submit(scrape, collector) for _ in range(8)]
        try:
            wait_until(lambda: len(shared) == 8)
        finally:
            proxy.resume()
        assert [each.result()[UP] for each in pages] == [1] * 8

    assert len({*shared}) == 1
    assert len(proxy.commands) <= 2 * cost


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # from 3.12 on
def test_a_forked_process_reads_for_itself(proxy: Proxy) -> None:
    collector = BuoyCollector(App(proxy.url), timeout=PATIENCE)
    proxy.freeze()
    parent = threading.Thread(target=scrape, args=[collector])
    parent.start()
    while not any(each.name == "buoy scrape" for each in threading.enumerate()):
        time.sleep(0.001)
    reader, writer = os.pipe()
    if not (child := os.fork()):
        try:
            signal.alarm(120)  # a lock may hold it for ever
            os.write(writer, b"up" if scrape(collector)[UP] else b"away")
        finally:
            os.kill(os.getpid(), 9)
    os.close(writer)
    proxy.resume()
    os.waitpid(child, 0)
    parent.join()

    assert os.read(reader, 10) == b"up"
    os.close(reader)


def test_a_mistake_of_ours_is_an_error_of_the_page(
    caplog: pytest.LogCaptureFixture, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(buoy_app.monitor, "count_queues", fail)

    found = scrape(BuoyCollector(buoy_app, timeout=PATIENCE))

    assert (found[UP], found[ERRORS]) == (0, 1)
    assert caplog.messages == ["ZeroDivisionError: by zero; the metrics are incomplete"]


def test_a_wrong_password_is_an_error_of_the_page(
    caplog: pytest.LogCaptureFixture, buoy_server: Server
) -> None:
    app = App(buoy_server.url + "?password=wrong")

    assert scrape(BuoyCollector(app, timeout=PATIENCE))[UP] == 0

    assert "password" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 10**6, "5", None, True])
def test_a_timeout_that_is_not_valid_is_refused(timeout: float) -> None:
    with pytest.raises(ConfigurationError) as raised:
        BuoyCollector(timeout=timeout)

    assert str(raised.value) == (
        f"BuoyCollector(timeout): expected more than 0 seconds, below 3600, got {timeout!r}"
    )


def test_an_app_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError) as raised:
        BuoyCollector("redis://127.0.0.1")  # type: ignore[arg-type]

    assert str(raised.value) == ("BuoyCollector(app): expected an App, got 'redis://127.0.0.1'")
