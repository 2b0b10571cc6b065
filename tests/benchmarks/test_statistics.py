"""Medians, spreads and quantiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statistics import Spread, quantile


def test_a_spread_is_median_minimum_and_maximum() -> None:
    assert Spread.of([5.0, 1.0, 3.0]) == Spread(median=3.0, least=1.0, most=5.0)
    assert Spread.of([4.0, 2.0]) == Spread(median=3.0, least=2.0, most=4.0)


def test_without_figures_there_is_no_spread() -> None:
    assert Spread.of([]) is None


@pytest.mark.parametrize(
    ("part", "wanted"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.99, 99), (0.995, 100), (1.0, 100)]
)
def test_a_quantile_of_a_hundred(part: float, wanted: int) -> None:
    assert quantile(range(100, 0, -1), part) == wanted


@given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.floats(0.01, 1.0))
def test_a_quantile_is_the_smallest_value_that_its_part_does_not_exceed(
    values: list[float], part: float
) -> None:
    found = quantile(values, part)

    assert found in values
    assert sum(value <= found for value in values) >= part * len(values) - 1e-6
    assert sum(value < found for value in values) < part * len(values)
