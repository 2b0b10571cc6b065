"""Cron expressions on ordinary days and when clocks are changed."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from buoy import ConfigurationError
from buoy_scheduler.cron import FORM, Crontab, zone_of
from buoy_scheduler.ticks import walk


def runs(expression: str, zone: str, after: str, count: int = 3) -> list[str]:
    """The next runs after a time of the wall clock, as it shows them."""
    crontab = Crontab(expression, ZoneInfo(zone))
    start = int(datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone)).timestamp())
    ticks = islice(walk(crontab, start, 10**10), count)
    return [f"{datetime.fromtimestamp(tick, ZoneInfo(zone)):%d %H:%M:%S %z}" for tick in ticks]


class TestFields:
    def test_a_cron_expression_of_five_fields(self) -> None:
        assert runs("0 8 * * mon-fri", "UTC", "2026-11-20 08:00") == [
            "23 08:00:00 +0000",
            "24 08:00:00 +0000",
            "25 08:00:00 +0000",
        ]

    def test_six_fields_begin_with_the_seconds(self) -> None:
        assert runs("15,45 30 8 * * *", "UTC", "2026-11-20 00:00") == [
            "20 08:30:15 +0000",
            "20 08:30:45 +0000",
            "21 08:30:15 +0000",
        ]

    @pytest.mark.parametrize(
        ("name", "first"),
        [
            ("@hourly", "20 01:00:00 +0000"),
            ("@daily", "21 00:00:00 +0000"),
            ("@midnight", "21 00:00:00 +0000"),
            ("@Weekly", "22 00:00:00 +0000"),
            ("@monthly", "01 00:00:00 +0000"),
            ("@yearly", "01 00:00:00 +0000"),
            ("@annually", "01 00:00:00 +0000"),
        ],
    )
    def test_short_names_like_daily(self, name: str, first: str) -> None:
        assert runs(name, "UTC", "2026-11-20 00:00", 1) == [first]

    def test_last_days_nearest_weekdays_and_numbered_ones(self) -> None:
        assert runs("0 0 L * *", "UTC", "2026-11-20 00:00", 1) == ["30 00:00:00 +0000"]
        assert runs("0 0 15W * *", "UTC", "2026-11-01 00:00", 1) == ["16 00:00:00 +0000"]
        assert runs("0 0 * * fri#2", "UTC", "2026-11-01 00:00", 1) == ["13 00:00:00 +0000"]

    def test_a_leap_day_is_a_date(self) -> None:
        [first] = runs("0 12 29 2 *", "Europe/Berlin", "2026-11-20 00:00", 1)

        assert first == "29 12:00:00 +0100"


BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


class TestClockChanges:
    """Forward: Berlin 29 March 2026, 2:00 to 3:00; New York 8 March, 2:00 to 3:00; Lord Howe 4
    October, 2:00 to 2:30. Back: 25 October, 3:00 to 2:00; 1 November, 2:00 to 1:00; 5 April, 2:00
    to 1:30."""

    @pytest.mark.parametrize(
        ("expression", "zone", "after", "found"),
        [
            ("30 2 * * *", BERLIN, "2026-03-28 02:30", ["29 03:00 +02", "30 02:30 +02"]),
            ("30 2 * * *", NEW_YORK, "2026-03-07 02:30", ["08 03:00 -04", "09 02:30 -04"]),
            ("10 2 * * *", LORD_HOWE, "2026-10-03 02:10", ["04 02:30 +11", "05 02:10 +11"]),
            ("30 2 * * *", LORD_HOWE, "2026-10-03 02:30", ["04 02:30 +11", "05 02:30 +11"]),
        ],
    )
    def test_a_daily_job_in_the_gap_runs_once_when_it_ends(
        self, expression: str, zone: str, after: str, found: list[str]
    ) -> None:
        assert short(runs(expression, zone, after, 2)) == found

    @pytest.mark.parametrize(
        ("expression", "zone", "after", "found"),
        [
            ("30 2 * * *", BERLIN, "2026-10-24 12:00", ["25 02:30 +02", "26 02:30 +01"]),
            ("30 1 * * *", NEW_YORK, "2026-10-31 12:00", ["01 01:30 -04", "02 01:30 -05"]),
            ("45 1 * * *", LORD_HOWE, "2026-04-04 12:00", ["05 01:45 +11", "06 01:45 +1030"]),
        ],
    )
    def test_a_daily_job_in_the_repeated_hour_runs_once_the_first_time(
        self, expression: str, zone: str, after: str, found: list[str]
    ) -> None:
        assert short(runs(expression, zone, after, 2)) == found

    @pytest.mark.parametrize(
        ("zone", "start", "real_hours"),
        [
            (BERLIN, "2026-03-29 00:00", 23),
            (BERLIN, "2026-10-25 00:00", 25),
            (NEW_YORK, "2026-03-08 00:00", 23),
            (NEW_YORK, "2026-11-01 00:00", 25),
            (LORD_HOWE, "2026-10-04 00:00", 23.5),
            (LORD_HOWE, "2026-04-05 00:00", 24.5),
        ],
    )
    def test_every_quarter_of_an_hour_keeps_its_rhythm(
        self, zone: str, start: str, real_hours: float
    ) -> None:
        midnight = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
        first, last = midnight.timestamp(), (midnight + timedelta(days=1)).timestamp()

        ticks = list(walk(Crontab("*/15 * * * *", ZoneInfo(zone)), int(first), int(last)))

        assert ticks == [first + 900 * (n + 1) for n in range(int(real_hours * 4))]

    def test_several_times_in_the_gap_are_one_run(self) -> None:
        assert short(runs("*/10 2 * * *", BERLIN, "2026-03-28 12:00", 2)) == [
            "29 03:00 +02",
            "30 02:00 +02",
        ]
        assert short(runs("0 2,3 * * *", BERLIN, "2026-03-28 12:00", 2)) == [
            "29 03:00 +02",
            "30 02:00 +02",
        ]

    def test_an_hourly_job_runs_once_for_each_hour_that_passes(self) -> None:
        assert short(runs("0 * * * *", BERLIN, "2026-03-29 00:30", 3)) == [
            "29 01:00 +01",
            "29 03:00 +02",
            "29 04:00 +02",
        ]
        assert short(runs("0 * * * *", BERLIN, "2026-10-25 01:30", 3)) == [
            "25 02:00 +02",
            "25 02:00 +01",
            "25 03:00 +01",
        ]

    def test_a_whole_day_can_be_skipped(self) -> None:
        """Samoa had no 30 December 2011."""
        assert short(runs("0 8 * * *", "Pacific/Apia", "2011-12-29 08:00", 2)) == [
            "31 00:00 +14",
            "31 08:00 +14",
        ]


def short(found: list[str]) -> list[str]:
    return [re.sub(r":00 ([+-]\d\d)(00)?", r" \1", each) for each in found]


# Against a walk over minutes


@dataclass(frozen=True)
class Field:
    """One field of an expression: its text, and the values that it means."""

    text: str
    values: frozenset[int]


@st.composite
def fields(draw: st.DrawFn, first: int, last: int, whole: int = 1) -> Field:
    everything = range(first, last + 1)
    kind = draw(st.sampled_from([*["*"] * whole, "step", "list", "range", "stepped range"]))
    if kind == "*":
        return Field("*", frozenset(everything))
    if kind == "step":
        step = draw(st.integers(2, last))
        return Field(f"*/{step}", frozenset(everything[::step]))
    if kind == "list":
        values = draw(st.frozensets(st.integers(first, last), min_size=1, max_size=4))
        return Field(",".join(map(str, sorted(values))), values)
    low = draw(st.integers(first, last - 1))
    high = draw(st.integers(low + 1, last))
    step = draw(st.integers(1, 5)) if kind == "stepped range" else 1
    text = f"{low}-{high}" + (f"/{step}" if step > 1 else "")
    return Field(text, frozenset(range(low, high + 1, step)))


@dataclass(frozen=True)
class Expression:
    """Five fields, read in another way than croniter's."""

    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    def __str__(self) -> str:
        each = (self.minute, self.hour, self.day, self.month, self.weekday)
        return " ".join(field.text for field in each)

    def matches(self, wall: datetime) -> bool:
        return (
            wall.minute in self.minute.values
            and wall.hour in self.hour.values
            and wall.month in self.month.values
            and self.matches_day(wall)
        )

    def matches_day(self, wall: datetime) -> bool:
        day, weekday = wall.day in self.day.values, wall.isoweekday() % 7 in self.weekday.values
        both = restricted(self.day, 31, self.weekday) and restricted(self.weekday, 7, self.day)
        return (day or weekday) if both else (day and weekday)


def restricted(field: Field, all_of_it: int, other: Field) -> bool:
    """Whether a field of days counts beside the other one: one that names all days (0-6) does, too,
    if there is no star in the other. So cron has always done it."""
    return field.text != "*" and (len(field.values) < all_of_it or "*" not in other.text)


expressions = st.builds(
    Expression,
    fields(0, 59),
    fields(0, 23, whole=3),
    fields(1, 31, whole=6),
    fields(1, 12, whole=8),
    fields(0, 6, whole=6),
)
ZONES = {
    BERLIN: 2026,
    NEW_YORK: 2026,
    LORD_HOWE: 2026,
    "Africa/Casablanca": 2026,
    "America/Santiago": 2024,
    "America/Sao_Paulo": 2018,
    "America/St_Johns": 2010,
    "Antarctica/Troll": 2026,
    "Asia/Beirut": 2024,
    "Asia/Kathmandu": 2026,
    "Europe/Dublin": 2026,
    "Pacific/Apia": 2011,
    "UTC": 2026,
}
MINUTE, HOUR, DAY = 60, 3600, 86_400


@cache
def changes(zone: str, year: int) -> list[int]:
    """The hours of the year in which the clock is changed; if there are none, any."""
    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    hours = range(start, start + 366 * DAY, HOUR)
    offsets = [datetime.fromtimestamp(hour, ZoneInfo(zone)).utcoffset() for hour in hours]
    pairs = zip(hours, offsets, offsets[1:], strict=False)
    return [hour for hour, before, after in pairs if before != after] or [start]


def walked(expression: Expression, zone: ZoneInfo, start: int, end: int) -> list[int]:
    """The ticks in (start, end], by looking at the clock each minute.

    With every hour it runs when the clock shows a time that matches; else when the clock reaches
    such a time, or passes it, for the first time.
    """
    every_hour = len(expression.hour.values) == 24
    ticks = []
    begin = start - 3 * HOUR  # longer than any clock was put back
    highest = datetime.fromtimestamp(begin, zone).replace(tzinfo=None)
    for instant in range(begin + MINUTE, end + 1, MINUTE):
        shown = datetime.fromtimestamp(instant, zone).replace(tzinfo=None, fold=0)
        reached = [shown] if every_hour else minutes(highest, shown)
        if any(map(expression.matches, reached)) and instant > start:
            ticks.append(instant)
        highest = max(highest, shown)
    return ticks


def minutes(after: datetime, until: datetime) -> list[datetime]:
    count = max(0, int((until - after).total_seconds()) // MINUTE)
    return [after + timedelta(minutes=n + 1) for n in range(count)]


@settings(max_examples=200, deadline=None, phases=set(Phase) - {Phase.explain})
@given(
    expression=expressions,
    zone=st.sampled_from(sorted(ZONES)),
    which=st.integers(0, 10),
    before=st.integers(0, 5 * 60),
)
def test_ticks_are_those_that_a_walk_over_the_minutes_finds(
    expression: Expression, zone: str, which: int, before: int
) -> None:
    found = changes(zone, ZONES[zone])
    start = found[which % len(found)] - before * MINUTE
    end = start + 8 * HOUR
    wanted = walked(expression, ZoneInfo(zone), start, end)
    try:
        crontab = Crontab(str(expression), ZoneInfo(zone))
    except ConfigurationError:  # for a date that there is not
        assert wanted == []
        return

    assert list(walk(crontab, start, end)) == wanted


# Mistakes


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "0 0 31 2,4,6 *", "0 0 30,31 2 *"])
def test_dates_that_never_come_are_refused(expression: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Crontab(expression, ZoneInfo("UTC"))

    assert str(raised.value) == f"cron: expected dates that exist, got {expression!r}"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "nonsense",
        "* * * *",
        "* * * * * * *",
        "@reboot",
        "H * * * *",
        "R * * * *",
        "r(0-30) 4 * * *",
        "5 0-0 * * *",
        "* * * * ٣",
        "0 " * 200,
    ],
)
def test_an_invalid_expression_is_refused(expression: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Crontab(expression, ZoneInfo("UTC"))

    assert str(raised.value) == f"cron: expected {FORM}, got {expression!r:.300}"


def test_the_error_of_croniter_is_in_the_message() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Crontab("61 * * * *", ZoneInfo("UTC"))

    assert str(raised.value) == (
        f"cron: expected {FORM}, got '61 * * * *' ([61 * * * *] is not acceptable, out of range)"
    )


@settings(max_examples=150, deadline=None)
@given(st.text("0123456789*/-,#LWHR?@ abcdmonfri", max_size=30))
def test_any_text_is_a_crontab_or_a_configuration_error(text: str) -> None:
    try:
        crontab = Crontab(text, ZoneInfo(BERLIN))
    except ConfigurationError:
        return
    first = crontab.after(1_800_000_000)
    assert first is None or first > 1_800_000_000


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "Europe", None, 7])
def test_an_unknown_zone_is_refused(name: object) -> None:
    with pytest.raises(ConfigurationError) as raised:
        zone_of(name)

    assert str(raised.value) == f"tz: expected a time zone like 'Europe/Berlin', got {name!r}"
