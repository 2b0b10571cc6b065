from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy_scheduler.cron import Crontab
from buoy_scheduler.ticks import PUNCTUAL, Every, due, latest, walk


@dataclass(frozen=True)
class Listed:
    """Ticks as they are listed."""

    instants: tuple[int, ...]

    def after(self, instant: int) -> int | None:
        return next((tick for tick in self.instants if tick > instant), None)


class TestEvery:
    @given(st.integers(1, 10**6), st.integers(0, 10**10), st.integers(0, 10**10))
    def test_its_ticks_are_multiples_of_the_period_from_the_first_on(
        self, period: int, first: int, instant: int
    ) -> None:
        tick = Every(period, first).after(instant)

        assert tick > instant
        assert tick >= first
        assert (tick - first) % period == 0
        assert tick == first or tick - period <= instant

    def test_who_starts_when_does_not_matter(self) -> None:
        assert list(walk(Every(30), 61, 150)) == [90, 120, 150]
        assert list(walk(Every(30), 89, 150)) == [90, 120, 150]


@given(
    st.lists(st.integers(0, 10**6), unique=True).map(sorted),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 5),
)
def test_the_latest_ticks_of_a_time_are_found(
    instants: list[int], after: int, until: int, most: int
) -> None:
    within = [tick for tick in instants if after < tick <= until]

    found = latest(Listed(tuple(instants)), after, until, most)

    assert found == within[len(within) - min(most, len(within)) :]


def test_of_years_of_seconds_the_latest_are_found_at_once() -> None:
    every_second = Crontab("* * * * * *", ZoneInfo("UTC"))

    assert latest(every_second, 0, 1_800_000_000, 3) == [1_799_999_998 + n for n in range(3)]


NOW = 1_000_000


class TestDue:
    @pytest.mark.parametrize("missed", [0, 1, 100])
    def test_what_is_in_time_is_fired_each(self, missed: int) -> None:
        assert due(Every(1), NOW - 3, NOW, missed) == [NOW - 2, NOW - 1, NOW]

    @pytest.mark.parametrize("missed", [0, 1, 100])
    def test_nothing_is_due_twice(self, missed: int) -> None:
        assert due(Every(60), NOW - NOW % 60, NOW, missed) == []

    @pytest.mark.parametrize(
        ("missed", "made_up"),
        [(0, []), (1, [999_960]), (2, [999_900, 999_960]), (100, [999_840, 999_900, 999_960])],
    )
    def test_of_those_missed_as_many_as_said_are_made_up_for_the_latest(
        self, missed: int, made_up: list[int]
    ) -> None:
        assert due(Every(60), 999_780, NOW, missed) == made_up

    def test_a_tick_is_missed_when_it_is_later_than_punctual(self) -> None:
        assert due(Every(10), NOW - 9, NOW + PUNCTUAL, 0) == []
        assert due(Every(10), NOW - 9, NOW + PUNCTUAL - 1, 0) == [NOW]
