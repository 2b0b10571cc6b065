"""Entries, and their format."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy_scheduler import Entry, EntryError
from buoy_scheduler.cron import FORM
from buoy_scheduler.entry_format import entry_of, fields_of
from buoy_scheduler.plain_language import describe_times


def entry(**fields: Any) -> Entry:
    return entry_of("report", {"cron": "0 8 * * *", "class": "shop.Report"} | fields)


def every(value: object) -> int | None:
    return entry_of("report", {"every": value}).every


class TestReading:
    def test_missing_keys_have_their_defaults(self) -> None:
        assert entry() == Entry(name="report", job="shop.Report", cron="0 8 * * *")
        assert (entry().tz, entry().missed, entry().overlap) == ("UTC", "once", True)

    def test_all_keys_are_read(self) -> None:
        found = entry(
            queue="reports",
            args=[1, {"a": None}],
            description="for the boss",
            tz="Europe/Berlin",
            missed="all",
            overlap=False,
        )

        assert (found.queue, json.loads(found.args)) == ("reports", [1, {"a": None}])
        assert (found.description, found.tz) == ("for the boss", "Europe/Berlin")
        assert (found.missed, found.overlap) == ("all", False)

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("30s", 30),
            ("5m", 300),
            ("1h", 3600),
            ("1h30m", 5400),
            ("1d", 86_400),
            ("2w", 1_209_600),
            (45, 45),
            (timedelta(minutes=2), 120),
        ],
    )
    def test_every_is_read_in_all_units(self, value: object, seconds: int) -> None:
        assert every(value) == seconds

    @pytest.mark.parametrize(
        "first",
        ["2026-01-31T08:00+01:00", datetime(2026, 1, 31, 7, tzinfo=UTC), 1_769_842_800],
    )
    def test_every_can_be_counted_from_a_time(self, first: object) -> None:
        found = entry_of("report", {"every": "1h", "first": first})

        assert found.ticks.after(0) == 1_769_842_800

    def test_missed_can_be_a_number(self) -> None:
        assert [entry(missed=n).max_missed for n in ("skip", "once", "all", 7)] == [0, 1, 100, 7]


class TestOldFormats:
    def test_without_class_the_name_is_the_class(self) -> None:
        assert entry_of("shop.Report", {"every": "1h"}).job == "shop.Report"

    def test_args_that_are_no_list_are_the_only_argument(self) -> None:
        assert entry(args={"a": 1}).args == '[{"a": 1}]'
        assert entry(args="x").args == '["x"]'

    def test_an_expression_can_end_in_its_zone(self) -> None:
        found = entry(cron="30 0 8 * * mon-fri America/New_York")

        assert (found.cron, found.tz) == ("30 0 8 * * mon-fri", "America/New_York")
        assert entry(cron="0 8 * * * UTC", tz="UTC").tz == "UTC"

    def test_first_in_has_no_effect(self) -> None:
        assert every(["1h", {"first_in": "120s"}]) == 3600

    def test_keys_without_effect_are_ignored(self) -> None:
        assert entry(persist=True, hidden=True, parameters={"a": {}}) == entry()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"cron": None}, "when: expected either cron or every, got 'neither'"),
        ({"every": "1h"}, "when: expected either cron or every, got 'cron and every'"),
        ({"cron": 5}, "cron: expected a text, got 5"),
        ({"cron": "x"}, f"cron: expected {FORM}, got 'x'"),
        ({"cron": "0 0 30 2 *"}, "cron: expected dates that exist, got '0 0 30 2 *'"),
        (
            {"cron": None, "every": "often"},
            "every: expected a duration like 30s, 5m, 1h or 1d, got 'often'",
        ),
        (
            {"cron": None, "every": "0s"},
            "every: expected 1 second or more, up to a hundred years, got 0",
        ),
        (
            {"cron": None, "every": "36526d"},
            "every: expected 1 second or more, up to a hundred years, got 3155846400",
        ),
        (
            {"cron": None, "every": timedelta(seconds=1.5)},
            "every: expected whole seconds, got datetime.timedelta(seconds=1, microseconds=500000)",
        ),
        (
            {"cron": None, "every": ["1h", {"times": 3}]},
            "every: expected no option but first_at, first_in, overlap, got 'times'",
        ),
        (
            {"cron": None, "every": "1h", "first": "2026-01-31T08:00"},
            "first: expected a time with its zone, like 2026-01-31T08:00+01:00, before the year "
            "2286, got '2026-01-31T08:00'",
        ),
        ({"tz": "Mars"}, "tz: expected a time zone like 'Europe/Berlin', got 'Mars'"),
        ({"class": 5}, "class: expected the name of a job class, got 5"),
        ({"queue": ["a"]}, "queue: expected a name, got ['a']"),
        ({"description": 5}, "description: expected a text, got 5"),
        (
            {"missed": "never"},
            "missed: expected skip, once, all, or how many, up to 10000, got 'never'",
        ),
        ({"missed": True}, "missed: expected skip, once, all, or how many, up to 10000, got True"),
        ({"overlap": "no"}, "overlap: expected true or false, got 'no'"),
        (
            {"corn": "x"},
            "keys: expected some of cron, every, class, queue, args, description, tz, missed, "
            "overlap, first, enabled, env, got 'corn'",
        ),
        (
            {"args": [float("nan")]},
            "args: expected what JSON can hold, got [nan] "
            "(argument 1: expected a finite number, got nan)",
        ),
    ],
)
def test_an_error_has_the_name_of_its_entry(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(EntryError) as raised:
        entry(**fields)

    assert str(raised.value) == f"schedule entry 'report': {reason}"


def test_an_entry_is_keys_and_values() -> None:
    with pytest.raises(EntryError) as raised:
        entry_of("report", ["0 8 * * *"])

    assert str(raised.value) == (
        "schedule entry 'report': expected keys like cron and class, got ['0 8 * * *']"
    )


def test_the_name_of_an_entry_is_one_line() -> None:
    with pytest.raises(EntryError) as raised:
        entry_of("a\nb", {"every": "1h", "class": "x"})

    assert str(raised.value) == (
        r"schedule entry 'a\nb': name: expected one line of at most 200 characters, got 'a\nb'"
    )


entries = st.builds(
    Entry,
    name=st.text("ab :*é", min_size=1),
    job=st.just("shop.Report"),
    cron=st.none(),
    every=st.integers(1, 10**6),
    first=st.integers(0, 10**9),
    tz=st.sampled_from(["UTC", "Europe/Berlin"]),
    queue=st.sampled_from([None, "reports"]),
    args=st.sampled_from(["[]", '[1, {"a": null}]', '["é"]']),
    description=st.text(max_size=5),
    missed=st.sampled_from(["skip", "once", "all", 7]),
    overlap=st.booleans(),
)


@given(entries)
def test_entries_are_equal_after_formatting_and_parsing(entry: Entry) -> None:
    again = entry_of(entry.name, json.loads(json.dumps(fields_of(entry))))

    assert fields_of(again) == fields_of(entry)
    assert (again.timing, json.loads(again.args)) == (entry.timing, json.loads(entry.args))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"cron": "0 8 * * mon-fri", "tz": "Europe/Berlin"},
            "at 08:00, Monday through Friday (Europe/Berlin)",
        ),
        ({"cron": "*/15 * * * *"}, "every 15 minutes (UTC)"),
        ({"cron": "@daily"}, "at 00:00 (UTC)"),
        ({"cron": "30 0 8 * * 1"}, "at 08:00:30, only on Monday (UTC)"),
        ({"cron": "0 0 * * fri#2"}, "at 00:00, on the second Friday of the month (UTC)"),
        ({"every": "1h"}, "every hour"),
        ({"every": "30s"}, "every 30 seconds"),
        ({"every": "90m"}, "every 1 hour 30 minutes"),
        ({"every": "2w"}, "every 2 weeks"),
    ],
)
def test_the_times_of_an_entry_are_described_in_plain_english(
    fields: dict[str, Any], words: str
) -> None:
    assert describe_times(entry_of("report", fields)) == words
