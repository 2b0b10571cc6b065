"""Strategies: pure values that answer how long to wait."""

import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy import ConfigurationError
from buoy_retry import Constant, Exponential, Linear, Listed
from buoy_retry.delay import LONGEST, Delay, delay_strategy

ERROR = ValueError("no")


def waits(delay: Any, count: int = 5) -> list[float]:
    return [delay(attempt, ERROR) for attempt in range(1, count + 1)]


def test_a_constant_delay_is_the_same_each_time() -> None:
    assert waits(Constant(60)) == [60] * 5


def test_a_linear_delay_grows_by_a_step_up_to_its_cap() -> None:
    assert waits(Linear(5, 10)) == [5, 15, 25, 35, 45]
    assert waits(Linear(5, 10, cap=30)) == [5, 15, 25, 30, 30]


def test_an_exponential_delay_grows_by_a_factor_up_to_its_cap() -> None:
    assert waits(Exponential(1, 10, cap=5000, jitter=0)) == [1, 10, 100, 1000, 5000]
    assert waits(Exponential(jitter=0), 7) == [15, 45, 135, 405, 1215, 3600, 3600]


def test_the_last_wait_of_a_list_repeats() -> None:
    assert waits(Listed([1, 10, 60])) == [1, 10, 60, 60, 60]


def test_a_timedelta_counts_as_its_seconds() -> None:
    minute: Any = timedelta(minutes=1)

    assert waits(Constant(minute), 1) == [60]
    assert waits(Linear(minute, minute), 2) == [60, 120]
    assert waits(Exponential(minute, 2, cap=2 * minute, jitter=0), 3) == [60, 120, 120]
    assert waits(Listed([minute], cap=minute), 1) == [60]
    assert repr(Constant(minute)) == "Constant(seconds=60.0)"


def test_jitter_shortens_a_wait_by_at_most_its_share() -> None:
    def half() -> float:
        return 0.5

    assert waits(Constant(60, jitter=0.2, random=half), 1) == [54]
    assert waits(Exponential(100, random=half), 1) == [75]
    assert waits(Listed([100], jitter=1, random=lambda: 0.0), 1) == [100]
    assert waits(Linear(100, 0, jitter=1, random=lambda: 1.0), 1) == [0]


def test_by_default_jitter_is_random() -> None:
    found = waits(Exponential(100, 1), 200)

    assert min(found) < 60
    assert max(found) > 90
    assert all(50 < wait <= 100 for wait in found)


def test_jobs_that_failed_together_are_not_retried_together() -> None:
    assert len({Exponential(100)(1, ERROR) for _ in range(100)}) == 100


@pytest.mark.parametrize("delay", [Exponential(), Linear(1, 1), Listed([1, 2]), Constant(3)])
@pytest.mark.parametrize("attempt", [1, 2000, 10**9, 10**400, 0, -7])
def test_a_strategy_returns_a_wait_for_any_attempt_number(delay: Delay, attempt: int) -> None:
    wait = delay(attempt, ERROR)

    assert isinstance(wait, float)
    assert wait <= LONGEST


@given(
    first=st.floats(0.001, LONGEST),
    factor=st.floats(1, 1e300),
    cap=st.floats(0, LONGEST),
    jitter=st.floats(0, 1),
    attempt=st.integers(1, 10**6),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_an_exponential_delay_is_always_within_its_cap(
    first: float, factor: float, cap: float, jitter: float, attempt: int, chance: float
) -> None:
    delay = Exponential(first, factor, cap=cap, jitter=jitter, random=lambda: chance)

    wait = delay(attempt, ERROR)

    assert 0 <= wait <= min(cap, LONGEST)
    assert math.isfinite(wait)
    assert wait >= min(first, cap) * (1 - jitter) * 0.999


def test_numbers_lists_and_functions_become_strategies() -> None:
    def own(attempt: int, error: BaseException) -> float:
        return attempt

    assert delay_strategy(60, "x") == Constant(60)
    assert delay_strategy(0, "x") == Constant(0)
    assert delay_strategy(timedelta(minutes=2), "x") == Constant(120)
    assert delay_strategy([1, timedelta(seconds=10)], "x") == Listed((1, 10))
    assert delay_strategy(range(1, 4), "x") == Listed([1, 2, 3])
    assert delay_strategy(Exponential(3), "x") == Exponential(3)
    assert delay_strategy(own, "x") is own


def test_strategies_are_values_with_a_repr() -> None:
    assert hash(Listed([1, 2])) == hash(Listed((1, 2)))
    assert Exponential(1, random=len) != Exponential(1)  # type: ignore[arg-type]
    assert repr(Constant(60)) == "Constant(seconds=60)"
    assert repr(Exponential()) == "Exponential()"
    assert repr(Exponential(2, cap=60, jitter=0)) == "Exponential(cap=60, jitter=0, first=2)"
    assert repr(Listed([1, 2])) == "Listed(waits=(1.0, 2.0))"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: Constant(-1),
            "Constant(seconds): expected 0 to 31536000 seconds (a year), got -1",
        ),
        (
            lambda: Constant("5"),  # type: ignore[arg-type]
            "Constant(seconds): expected 0 to 31536000 seconds (a year), got '5'",
        ),
        (lambda: Linear(-1, 1), "Linear(first): expected 0 to 31536000 seconds (a year), got -1"),
        (lambda: Linear(1, -1), "Linear(step): expected 0 to 31536000 seconds (a year), got -1"),
        (
            lambda: Linear(1, 1, cap=math.inf),
            "Linear(cap): expected 0 to 31536000 seconds (a year), got inf",
        ),
        (lambda: Exponential(0), "Exponential(first): expected more than 0 seconds, got 0"),
        (
            lambda: Exponential(math.nan),
            "Exponential(first): expected 0 to 31536000 seconds (a year), got nan",
        ),
        (
            lambda: Exponential(1, 0.5),
            "Exponential(factor): expected a number of 1 or more, got 0.5",
        ),
        (
            lambda: Exponential(1, jitter=2),
            "Exponential(jitter): expected a share from 0 to 1, got 2",
        ),
        (
            lambda: Exponential(1, jitter=True),
            "Exponential(jitter): expected a share from 0 to 1, got True",
        ),
        (
            lambda: Listed([]),
            "Listed(waits): expected seconds, or a list of at least one such delay, got []",
        ),
        (
            lambda: Listed([1, -2]),
            "Listed(waits): expected 0 to 31536000 seconds (a year), got -2",
        ),
    ],
)
def test_wrong_strategies_are_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        wrong()
