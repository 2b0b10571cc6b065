"""Ends that are found in few round trips, however many are remembered."""

import pytest

from buoy import App
from buoy.testing import drain
from buoy_history import history
from buoy_history.brief_search import find_end

from .shop import Charge


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few entries are read of a stream, at each of its ends."""
    monkeypatch.setattr("buoy_history.brief_search.MOST_READ", 0)
    monkeypatch.setattr("buoy_history.brief_search.LEAST_READ", 3)
    # The time in an id has microseconds, and is rounded to a millisecond: up, perhaps.
    monkeypatch.setattr("buoy_history.brief_search.BEFORE", 0.001)


def test_a_job_is_found_that_ended_soon_or_lately(buoy_app: App) -> None:
    early = Charge.using(delay=0).enqueue(0).id
    drain(buoy_app, "purchasing")
    ids = [Charge.enqueue(number).id for number in range(20)]
    drain(buoy_app, "purchasing")

    for id in (early, ids[0], ids[-1]):
        found = find_end(buoy_app, id, ["purchasing", "other"])
        assert found is not None
        assert found.id == id


def test_a_job_that_ended_among_many_later_ones_is_found_by_the_long_search(buoy_app: App) -> None:
    ids = [Charge.enqueue(number).id for number in range(20)]
    drain(buoy_app, "purchasing")

    assert find_end(buoy_app, ids[10], ["purchasing"]) is None
    assert [each.id for each in history(buoy_app).get(ids[10])] == [ids[10]]


@pytest.mark.parametrize("id", ["", "x", "0" * 28, "f" * 28, "\udcff", "z" * 28])
def test_an_unknown_id_is_not_found(buoy_app: App, id: str) -> None:
    Charge.enqueue(1)
    drain(buoy_app, "purchasing")

    assert find_end(buoy_app, id, ["purchasing"]) is None
    assert find_end(buoy_app, id, []) is None
