import sys

import pytest

from buoy.worker import recycling
from buoy.worker.recycling import MEASURE_SECONDS, RecycleLimits
from tests.support.clock import ManualClock


def test_without_limits_a_worker_goes_on() -> None:
    limits = RecycleLimits()

    assert limits.remaining_jobs(10**9) == sys.maxsize
    assert limits.reason_to_end(10**9) is None


def test_a_worker_begins_no_more_jobs_than_it_may_and_ends_when_they_are_run() -> None:
    limits = RecycleLimits(max_jobs=3)

    assert [limits.remaining_jobs(begun) for begun in (0, 2, 3, 4)] == [3, 1, 0, 0]
    assert limits.reason_to_end(2) is None
    assert limits.reason_to_end(3) == "3 jobs are done (--max-jobs 3)"


def test_memory_is_measured_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    used = [100 << 20, 151 << 20]
    monkeypatch.setattr(recycling, "resident_memory", lambda _: used.pop(0))
    clock = ManualClock()
    limits = RecycleLimits(max_memory=150 << 20, clock=clock)

    assert limits.reason_to_end(0) is None
    clock.now += MEASURE_SECONDS / 2
    assert limits.reason_to_end(0) is None
    assert len(used) == 1
    clock.now += MEASURE_SECONDS / 2
    assert limits.reason_to_end(0) == "it uses 151 MiB (--max-memory 150)"


def test_memory_up_to_the_limit_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recycling, "resident_memory", lambda _: 150 << 20)

    assert RecycleLimits(max_memory=150 << 20).reason_to_end(0) is None
