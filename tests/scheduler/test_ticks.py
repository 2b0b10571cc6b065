from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy_scheduler.cron import Crontab
from buoy_scheduler.ticks import PUNCTUAL, Every, due_ticks, latest, walk


@dataclass(frozen=True)
class Listed:
    """Ticks as they are listed."""

    instants: tuple[int, ...]

    def after(self, instant: int) -> int | None:
        return next((tick for tick in self.instants if tick > instant), None)


class TestEvery:
    @given(st.integers(1, 10**6), st.integers(0, 10**10), st.integers(0, 10**10))
    def test_every_ticks_are_multiples_of_the_period_from_first_on(
        self, period: int, first: int, instant: int
    ) -> None:
        tick = Every(period, first).after(instant)

        assert tick > instant
        assert tick >= first
        assert (tick - first) % period == 0
        assert tick == first or tick - period <= instant

    def test_every_ticks_do_not_depend_on_the_start(self) -> None:
        assert list(walk(Every(30), 61, 150)) == [90, 120, 150]
        assert list(walk(Every(30), 89, 150)) == [90, 120, 150]


@given(
    st.lists(st.integers(0, 10**6), unique=True).map(sorted),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 5),
)
def test_latest_finds_the_last_ticks(
    instants: list[int], after: int, until: int, most: int
) -> None:
    within = [tick for tick in instants if after < tick <= until]

    found = latest(Listed(tuple(instants)), after, until, most)

    assert found == within[len(within) - min(most, len(within)) :]


def test_latest_is_fast_over_years_of_seconds() -> None:
    every_second = Crontab("* * * * * *", ZoneInfo("UTC"))

    assert latest(every_second, 0, 1_800_000_000, 3) == [1_799_999_998 + n for n in range(3)]


NOW = 1_000_000


class TestDue:
    @pytest.mark.parametrize("missed", [0, 1, 100])
    def test_all_ticks_in_time_are_due(self, missed: int) -> None:
        assert due_ticks(Every(1), NOW - 3, NOW, missed) == [NOW - 2, NOW - 1, NOW]

    @pytest.mark.parametrize("missed", [0, 1, 100])
    def test_no_tick_is_due_twice(self, missed: int) -> None:
        assert due_ticks(Every(60), NOW - NOW % 60, NOW, missed) == []

    @pytest.mark.parametrize(
        ("missed", "max_missed"),
        [(0, []), (1, [999_960]), (2, [999_900, 999_960]), (100, [999_840, 999_900, 999_960])],
    )
    def test_the_last_missed_ticks_are_due(self, missed: int, max_missed: list[int]) -> None:
        assert due_ticks(Every(60), 999_780, NOW, missed) == max_missed

    def test_a_tick_is_missed_when_it_is_later_than_punctual(self) -> None:
        assert due_ticks(Every(10), NOW - 9, NOW + PUNCTUAL, 0) == []
        assert due_ticks(Every(10), NOW - 9, NOW + PUNCTUAL - 1, 0) == [NOW]
