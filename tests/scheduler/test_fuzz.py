"""Any input: an entry is read, or is an error with its name, and does not affect others."""

import json
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from croniter import croniter
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from buoy import App, ConfigurationError
from buoy_scheduler import EntryError
from buoy_scheduler.cron import Crontab, zone_of
from buoy_scheduler.entry_format import KNOWN, entry_of
from buoy_scheduler.plain_language import describe_times
from buoy_scheduler.schedule_file.reader import ALL, read_file

from .conftest import Days
from .test_cron import BERLIN, Expression, expressions

UTC_ZONE = zone_of("UTC")
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.sampled_from([10**400, -(10**400), 2**63, 10**10, 1e308, float("nan"), float("inf"), -0.0]),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        [
            "30s", "1h", "0 5 * * *", "*/90 * * * *", "@daily", "Europe/Berlin", "localtime", "",
            "low", "my queue", "<%= x %>", ":first_in", "9" * 400, "skip", "production", "\ud800",
        ]
    ),
    st.dates(date(1, 1, 1)),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.binary(max_size=4),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(sorted(KNOWN)), scalars), inner, max_size=3),
    ),
    max_leaves=6,
)
likely = {"every": st.just("1h"), "queue": st.just("low")}
entries = st.builds(
    lambda base, more: base | more,
    st.fixed_dictionaries({}, optional=likely),
    st.dictionaries(
        st.one_of(st.sampled_from(sorted(KNOWN)), st.sampled_from(sorted(KNOWN)).map(":{}".format)),
        values,
        max_size=4,
    ),
)


@settings(max_examples=100, deadline=None)
@given(st.one_of(entries, values))
def test_any_fields_are_an_entry_or_an_error(fields: Any) -> None:
    try:
        entry = entry_of("odd", fields)
    except EntryError as refusal:
        error = refusal
    else:
        assert describe_times(entry)
        assert (entry.ticks.after(START) or START + 1) > START
        return
    assert str(error).startswith("schedule entry 'odd': ")


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.one_of(entries, values))
def test_no_entry_of_a_file_affects_others(tmp_path: Path, fields: Any) -> None:
    path = tmp_path / "schedule.yml"
    try:
        text = yaml.safe_dump({"odd": fields}, allow_unicode=True)
        path.write_text(f"a: {{every: 1h}}\n{text}z: {{every: 1h}}\n")
    except (yaml.YAMLError, UnicodeError, ValueError):
        assume(False)

    reading = read_file(path, ALL)

    names = [entry.name for entry in reading.entries]
    assert {"a", "z"} <= set(names)
    assert all(isinstance(error, EntryError) for error in reading.errors)
    assert len(names) + len(reading.errors) >= 3


@settings(max_examples=150, deadline=None)
@given(st.text("abcz:{}[]&*!|>-?<%=# \n\t'\"0123456789,~@`", max_size=120))
def test_any_text_in_a_file_is_entries_or_errors(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "whatever.yml"
    path.write_text(text)

    reading = read_file(path, ALL)

    assert all(isinstance(error, ConfigurationError) for error in reading.errors)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(fields=st.one_of(entries, values), name=st.text(max_size=5))
def test_any_garbage_in_redis_does_not_stop_other_entries(
    days: Days, buoy_app: App, fields: Any, name: str
) -> None:
    buoy_app.command("FLUSHALL")
    buoy_app.broker.registered.clear()
    days.pass_until(60)
    text = json.dumps(fields, default=str, skipkeys=True)
    raw = name.encode(errors="surrogatepass")
    for kind in (b"entry:", b"start:", b"queue:"):
        buoy_app.command("HSET", "buoy:scheduler", kind + raw, text)
    buoy_app.command("HSET", "buoy:{low}:scheduler", "good", text)
    buoy_app.command("HSET", "buoy:{low}:meta", "newer:cron:good", text)

    daemon = days.daemon(good={"every": "1s", "class": "shop.Nobody", "queue": "low"})
    days.pass_with(daemon, seconds=30)

    assume(name != "good" and (not text.isdigit() or int(text) < days.now()))
    assert buoy_app.monitor.queues(["low"])[0].queued >= 10


# Cron: what is said of an expression is true


def oracle(text: str, start: int, count: int = 40) -> list[int]:
    """Its ticks in UTC, by croniter alone."""
    times = croniter(text, start_time=float(start), second_at_beginning=True)
    return [int(times.get_next(float)) for _ in range(count)]


@settings(max_examples=100, deadline=None)
@given(expressions)
def test_a_described_expression_has_the_ticks_of_its_original(expression: Expression) -> None:
    try:
        crontab = Crontab(str(expression), UTC_ZONE)
    except ConfigurationError:
        return  # a date that there is not
    assert oracle(crontab.describable, START) == oracle(str(expression), START)
    assert (
        entry_of("x", {"cron": str(expression)}).ticks.after(START)
        == oracle(str(expression), START, 1)[0]
    )


@pytest.mark.parametrize("text", ["*/3 */12 */2 * 0-6", "0 0 */2 * */1", "0 0 13 * 0-6"])
def test_a_field_of_all_weekdays_is_described_correctly(text: str) -> None:
    assert oracle(Crontab(text, UTC_ZONE).describable, START) == oracle(text, START)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 200), st.integers(0, 4), st.booleans())
def test_a_step_that_is_described_as_a_period_is_even(step: int, place: int, seconds: bool) -> None:
    fields = ["*"] * 5 if not seconds else ["*"] * 6
    place = place if not seconds else 0
    fields[place] = f"*/{step}"
    fields[:place] = ["1" if at in (2, 3) else "0" for at in range(place)]
    try:
        entry = entry_of("x", {"cron": " ".join(fields)})
    except EntryError:
        assert step > (59, 23, 31, 12, 6)[place]
        return
    words = describe_times(entry)
    ticks = oracle(" ".join(fields), START, 61)
    units = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
    for unit, length in units.items():
        if words == f"every {step} {unit}s (UTC)":
            assert {after - tick for tick, after in pairwise(ticks)} == {step * length}


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("*/15 * * * *", "every 15 minutes"),
        ("*/45 * * * *", "at 0 and 45 minutes past the hour"),
        ("*/59 * * * *", "at 0 and 59 minutes past the hour"),
        ("*/40 * * * * *", "at 0 and 40 seconds past the minute"),
        ("0 */8 * * *", "every 8 hours"),
        ("0 */9 * * *", "at 00:00, 09:00 and 18:00"),
        ("0 0 */30 * *", "at 00:00, on day 1 and 31 of the month"),
        ("0 0 1 */5 *", "at 00:00, on day 1 of the month, only in January, June, and November"),
        ("0 0 * * */3", "at 00:00, only on Sunday, Wednesday, and Saturday"),
        ("5/20 * * * *", "at 5, 25, and 45 minutes past the hour"),
        ("*/1 * * * *", "every minute"),
        ("0 0 1 * mon", "at 00:00, on day 1 of the month, or on Monday"),
    ],
)
def test_uneven_steps_are_described_by_their_values(cron: str, words: str) -> None:
    assert describe_times(entry_of("x", {"cron": cron})) == f"{words} (UTC)"


@pytest.mark.parametrize(("field", "unit"), [*enumerate("smhd")])
def test_a_step_beyond_its_field_is_refused_with_a_hint(field: int, unit: str) -> None:
    fields = ["*"] * 6
    fields[field] = "*/61"

    with pytest.raises(ConfigurationError, match=f"a step of at most .* write every: 61{unit}$"):
        Crontab(" ".join(fields), zone_of(BERLIN))


@pytest.mark.parametrize("cron", ["* * * */13 *", "* * * * */7"])
def test_a_step_beyond_the_months_or_weekdays_is_refused(cron: str) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a step of at most \d+ in its field"):
        Crontab(cron, zone_of(BERLIN))
