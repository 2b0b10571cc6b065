"""The scripts of the scheduler with unexpected values in Redis."""

import subprocess
import sys
from collections.abc import Callable
from socket import gethostname

import pytest

from buoy import App, Job
from buoy.testing import Clock
from buoy_scheduler import get_schedule, remove_schedule, set_schedule
from buoy_scheduler.liveness import probe_daemons
from buoy_scheduler.store import Store


class Report(Job):
    def perform(self) -> None: ...


def test_reset_start_times_works_with_an_invalid_version(buoy_app: App) -> None:
    set_schedule("nightly", Report, every="1m", app=buoy_app)
    key = Store(buoy_app).key
    buoy_app.command("HSET", key, "version", "x", "start:nightly", 10**10)

    buoy_app.script("buoy_scheduler", "reset_start_times", [key], [0, 60, "nightly"])

    assert buoy_app.command("HGET", key, "version") == b"1"
    assert int(buoy_app.command("HGET", key, "start:nightly")) < 10**10


@pytest.mark.parametrize(
    ("act", "names"),
    [
        (lambda app: set_schedule("more", Report, every="2m", app=app), {"nightly", "more"}),
        (lambda app: remove_schedule("nightly", app=app), set()),
        (lambda app: Store(app).pause("nightly"), {"nightly"}),
    ],
    ids=["set", "remove", "pause"],
)
def test_an_invalid_version_counts_as_0(
    buoy_app: App, act: Callable[[App], object], names: set[str]
) -> None:
    set_schedule("nightly", Report, every="1m", app=buoy_app)
    buoy_app.command("HSET", Store(buoy_app).key, "version", "x")

    act(buoy_app)

    assert buoy_app.command("HGET", Store(buoy_app).key, "version") == b"1"
    assert set(get_schedule(app=buoy_app)) == names


def test_the_version_after_a_loss_of_all_data_differs_from_those_before(buoy_app: App) -> None:
    seen = set()
    for _ in range(2):
        buoy_app.command("FLUSHALL")
        set_schedule("nightly", Report, every="1m", app=buoy_app)
        seen.add(Store(buoy_app).poll()[1])
    assert len(seen) == 2


def test_a_new_daemon_takes_away_the_notes_of_those_that_are_gone(
    buoy_app: App, buoy_clock: Clock
) -> None:
    store = Store(buoy_app)
    buoy_app.command("HSET", store.key, "daemon:old:1", 0, "daemon:odd", "x", "entry:a", "{}")
    store.poll()
    [name] = store.polled_ago()
    assert buoy_app.command("HKEYS", store.key).count(b"daemon:old:1") == 0

    buoy_clock.advance(32)

    assert store.polled_ago()[name] > 31
    assert probe_daemons(buoy_app) == (False, f"no scheduler of host {gethostname()} polls Redis")
    store.poll()
    assert probe_daemons(buoy_app) == (True, f"scheduler {name} polls Redis")
    assert b"entry:a" in buoy_app.command("HKEYS", store.key)


def test_a_daemon_that_has_ended_is_not_alive_though_it_has_polled_just_now(buoy_app: App) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    store = Store(buoy_app)
    now = str(round(store.now() * 1000))
    for name in (
        f"{gethostname()}:{ended.pid}",
        f"{gethostname()}:x",
        f"{gethostname()}:{'9' * 5000}",
    ):
        buoy_app.command("HSET", store.key, f"daemon:{name}", now)

    assert len(store.polled_ago()) == 3
    assert probe_daemons(buoy_app) == (False, f"no scheduler of host {gethostname()} polls Redis")
