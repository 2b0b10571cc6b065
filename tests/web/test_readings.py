"""What pages read of all queues and workers, and share for a moment."""

from collections.abc import Iterator

import pytest

from buoy import App
from buoy.plugins.redis import RedisSteps
from buoy.testing import drain
from buoy_web import readings

from .conftest import Browser, Site
from .jobs import Charge
from .test_workers import register


@pytest.fixture(autouse=True)
def as_in_use(always_fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings are kept, for longer than a test takes; the values of pages are not."""
    kinds = ("queues", "states", "heads", "workers", "counts", "serving", "doctor")
    monkeypatch.setattr("buoy_web.readings.SECONDS", dict.fromkeys(kinds, 3600.0))


@pytest.fixture(autouse=True)
def forgotten(buoy_app: App) -> Iterator[None]:
    readings.forget(buoy_app)
    yield
    readings.forget(buoy_app)


def read(app: App, words: list[str], what: str = "queues", more: str = "") -> str:
    """Returns what a reading returns: the last of these words, or one that was kept."""

    def steps() -> RedisSteps[str]:
        yield [["PING"]]
        return words.pop()

    return app.run_steps(readings.read_kept(app, what, steps, more))


def test_a_reading_serves_all_who_want_the_same(buoy_app: App) -> None:
    words = ["third", "second", "first"]

    assert [read(buoy_app, words) for _ in range(3)] == ["first"] * 3
    assert read(buoy_app, words, more="another") == "second"
    assert read(buoy_app, words, "states") == "third"


def test_an_app_does_not_see_what_was_read_of_another(buoy_app: App) -> None:
    words = ["second", "first"]
    other = App(buoy_app.settings.url)

    assert [read(app, words) for app in (buoy_app, other)] == ["first", "second"]


def test_it_is_read_anew_when_it_is_old(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    words, now = ["second", "first"], [100.0]
    monkeypatch.setattr("buoy_web.readings.monotonic", lambda: now[0])
    assert read(buoy_app, words) == "first"

    now[0] += 3599
    assert read(buoy_app, words) == "first"
    now[0] += 1
    assert read(buoy_app, words) == "second"


def test_what_failed_is_not_kept(buoy_app: App) -> None:
    def broken() -> RedisSteps[str]:
        yield [["PING"]]
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        buoy_app.run_steps(readings.read_kept(buoy_app, "queues", broken))

    assert read(buoy_app, ["later"]) == "later"


def test_few_readings_are_kept(buoy_app: App) -> None:
    for number in range(3 * readings.MOST):
        read(buoy_app, ["it"], "workers", str(number))

    assert len(readings.readings[buoy_app]) <= readings.MOST


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("/", "payments 2"),
        ("/jobs", "queued 2"),
        ("/failed", "2 jobs"),
        ("/workers", "idle 2"),
        ("/doctor", "2 at work"),
    ],
)
def test_pages_share_what_was_read_until_somebody_changes_something(
    site: Site, buoy_app: App, path: str, after: str
) -> None:
    def grow(number: int) -> None:
        Charge.using(queue="broken").enqueue(-1)
        drain(buoy_app, "broken")
        Charge.enqueue(number)
        register(buoy_app, f"east-{number}")

    grow(1)
    before = after.replace("2 jobs", "1 job").replace("2", "1")
    assert before in site.text(path)
    grow(2)

    kept = site.text(path)
    site.post("/queues/payments/resume", "/queues/payments")

    assert after not in kept
    assert after in site.text(path)


def test_another_process_reads_anew_for_who_has_changed_something(browser: Browser) -> None:
    Charge.enqueue(1)
    site = browser()
    assert "queued 1" in site.text("/jobs")
    Charge.enqueue(2)
    assert "queued 1" in site.text("/jobs")

    site.post("/queues/payments/resume", "/queues/payments")

    assert "queued 2" in site.text("/jobs")
