"""The scripts of the scheduler with unexpected values in Redis."""

from collections.abc import Callable

import pytest

from buoy import App, Job
from buoy_scheduler import get_schedule, remove_schedule, set_schedule
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
