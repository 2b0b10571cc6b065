"""Checkpoints: when the clock was wrong, and when entries are removed and come back."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buoy import App, ConfigurationError, Job
from buoy.cli import main
from buoy.embedded.server import Server
from buoy_scheduler import entry_format, remove_schedule, set_schedule, store
from buoy_scheduler.daemon import entry_tracker
from buoy_scheduler.daemon.daemon import Daemon
from buoy_scheduler.entry_format import entry_of
from buoy_scheduler.schedule import Schedule
from buoy_scheduler.store import Store
from buoy_scheduler.targets import target_of

from .conftest import Days

DAY = 86_400


class Report(Job):
    queue = "reports"

    def perform(self, number: int = 0) -> None: ...


class Elsewhere(Report):
    queue = "elsewhere"


EVERY_MINUTE: dict[str, object] = {"every": "1m", "class": Report.name}
ALL: dict[str, object] = EVERY_MINUTE | {"missed": "all"}


def waiting(app: App, queue: str = "reports") -> int:
    return app.monitor.queues([queue])[0].queued


def fields(app: App, key: str) -> set[str]:
    return {field.decode() for field in app.command("HKEYS", key)}


def jump(days: Days, seconds: float, *daemons: Daemon, lasting: int = 5) -> None:
    """The clock of Redis is wrong by so much, for so long."""
    days.clock.advance(seconds)
    days.pass_with(*daemons, seconds=lasting)
    days.clock.advance(-seconds)


def remarks() -> str:
    return CliRunner().invoke(main, ["schedule", "list"]).stderr


class TestWrongClock:
    def test_an_entry_fires_soon_after_a_clock_that_was_ten_days_ahead(
        self, days: Days, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        daemon = days.daemon(report=EVERY_MINUTE)
        days.clock.advance(30)

        jump(days, 10 * DAY, daemon)
        assert waiting(buoy_app) == 1  # what was missed in ten days
        days.pass_with(daemon, seconds=125)

        assert waiting(buoy_app) == 3
        assert caplog.messages[-1] == (
            "queue 'reports': the last tick of report is ahead of the clock of Redis, which was "
            "wrong then or is now; firing continues from now"
        )

    def test_a_daemon_that_did_not_see_the_wrong_clock_fires_soon(
        self, days: Days, buoy_app: App
    ) -> None:
        one, other = (days.daemon(report=EVERY_MINUTE) for _ in range(2))

        jump(days, 10 * DAY, one)
        days.pass_with(other, seconds=180)

        assert waiting(buoy_app) >= 2

    def test_a_daemon_that_starts_after_the_wrong_clock_fires_soon(
        self, days: Days, buoy_app: App
    ) -> None:
        days.clock.advance(30)
        jump(days, 10 * DAY, days.daemon(report=EVERY_MINUTE))

        days.pass_with(days.daemon(report=EVERY_MINUTE), seconds=125)

        assert waiting(buoy_app) == 3

    def test_an_entry_fires_soon_after_a_tick_was_skipped_while_the_clock_was_ahead(
        self, days: Days, buoy_app: App
    ) -> None:
        daemon = days.daemon(report=EVERY_MINUTE)
        Store(buoy_app).skip_ticks("reports", {"report": int(days.now()) + 10 * DAY})

        days.pass_with(days.daemon(report=EVERY_MINUTE), daemon, seconds=125)

        assert waiting(buoy_app) == 2

    @pytest.mark.parametrize("back", [3, 10 * DAY])
    def test_no_tick_fires_twice_after_the_clock_was_behind(
        self, days: Days, buoy_app: App, back: int
    ) -> None:
        daemon = days.daemon(report=ALL)
        days.pass_with(daemon, seconds=120)

        jump(days, -back, daemon)
        days.pass_with(daemon, days.daemon(report=ALL), seconds=60)

        assert waiting(buoy_app) == 3

    def test_entries_fire_by_a_clock_that_is_set_back(self, days: Days, buoy_app: App) -> None:
        daemon = days.daemon(report=EVERY_MINUTE)
        days.pass_with(daemon, seconds=60)

        days.clock.advance(-3600)
        days.pass_with(daemon, seconds=140)

        assert waiting(buoy_app) == 3

    def test_an_entry_that_was_set_while_the_clock_was_ahead_fires(
        self, days: Days, buoy_app: App
    ) -> None:
        daemon = days.daemon()
        days.clock.advance(10 * DAY)
        set_schedule("report", Report, every="1m")
        days.clock.advance(-10 * DAY)

        days.pass_with(daemon, seconds=125)

        assert waiting(buoy_app) == 2
        assert int(buoy_app.command("HGET", "buoy:scheduler", "start:report")) <= days.now()

    def test_list_shows_checkpoints_ahead_of_the_clock_and_the_real_next_tick(
        self, days: Days, buoy_app: App
    ) -> None:
        set_schedule("report", Report, every="1m")
        jump(days, 10 * DAY, days.daemon())

        found = CliRunner().invoke(main, ["schedule", "list", "--json"])

        assert "the last tick of report is ahead of the clock of Redis, which was wrong" in (
            found.stderr
        )
        [row] = [row for row in json.loads(found.stdout) if row["name"] == "report"]
        now = days.now()
        assert 0 < datetime.fromisoformat(row["next_runs"][0]).timestamp() - now <= 60
        days.pass_with(days.daemon(), seconds=15)
        assert "ahead" not in remarks()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([-10 * DAY, -3600, -90, -30, 30, 90, 3600, 10 * DAY]),
            st.integers(0, 8),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_ticks_are_soon_regular_again_after_any_jumps_of_the_clock(
    days: Days, buoy_app: App, jumps: list[tuple[int, int, bool]]
) -> None:
    buoy_app.command("FLUSHALL")
    buoy_app.broker.registered.clear()
    days.pass_until(60)
    daemons = [days.daemon(report=EVERY_MINUTE) for _ in range(2)]
    for seconds, lasting, both in jumps:
        jump(days, seconds, *daemons[: 1 + both], lasting=lasting)
        days.pass_with(*daemons, seconds=2)

    days.pass_with(*daemons, days.daemon(report=EVERY_MINUTE), seconds=150, each=2.0)
    before = waiting(buoy_app)
    days.pass_with(*daemons, seconds=180, each=2.0)

    assert waiting(buoy_app) == before + 3


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.integers(-10 * DAY, 0), st.integers(0, 8)), max_size=4))
def test_each_tick_fires_once_when_the_clock_was_behind_for_moments(
    days: Days, buoy_app: App, jumps: list[tuple[int, int]]
) -> None:
    buoy_app.command("FLUSHALL")
    buoy_app.broker.registered.clear()
    days.pass_until(60)
    daemons = [days.daemon(report=ALL) for _ in range(2)]
    start = int(days.now())
    for seconds, lasting in jumps:
        jump(days, seconds, *daemons, lasting=lasting)
        days.pass_with(*daemons, seconds=20)
    days.step(days.daemon(report=ALL), *daemons)

    assert waiting(buoy_app) == int(days.now()) // 60 - start // 60


class TestRemovedEntries:
    def test_an_entry_that_comes_back_after_weeks_fires_no_ticks_of_the_past(
        self, days: Days, buoy_app: App
    ) -> None:
        days.daemon(report=ALL)
        without = days.daemon()
        for _ in range(21):
            days.clock.advance(DAY)
            days.step(without)

        days.daemon(report=ALL)

        assert waiting(buoy_app) == 0

    def test_missed_ticks_fire_after_weeks_without_a_daemon(
        self, days: Days, buoy_app: App
    ) -> None:
        days.daemon(report=ALL)
        days.clock.advance(21 * DAY + 30)

        days.step(days.daemon(), days.daemon(report=ALL))

        assert waiting(buoy_app) == 100

    @pytest.mark.parametrize("out", [{}, {"report": EVERY_MINUTE | {"enabled": False}}])
    def test_a_daemon_that_reloads_the_file_stores_which_entries_were_removed(
        self, days: Days, buoy_app: App, out: dict[str, dict[str, object]]
    ) -> None:
        entries: list[dict[str, dict[str, object]]] = [{"report": EVERY_MINUTE}]

        def read_schedule() -> Schedule:
            schedule = Schedule()
            found = [entry_of(name, each) for name, each in entries[-1].items()]
            schedule.add("file", found)
            return schedule

        daemon = Daemon(buoy_app, read_schedule)
        days.step(daemon)
        for now in (out, entries[0]):
            entries.append(now)
            daemon.stale = True
            days.step(daemon)
            assert waiting(buoy_app) == 0
            days.clock.advance(615)

        days.step(daemon)
        assert waiting(buoy_app) == 1

    def test_a_daemon_that_starts_stores_which_entries_are_disabled(
        self, days: Days, buoy_app: App
    ) -> None:
        days.daemon(report=ALL)
        days.clock.advance(600)
        days.daemon(report=ALL | {"enabled": False})
        days.clock.advance(600)

        days.daemon(report=ALL)

        assert waiting(buoy_app) == 0

    def test_nothing_of_a_removed_entry_stays_in_redis(self, days: Days, buoy_app: App) -> None:
        set_schedule("time", Report, every="1m")
        old = days.daemon(report=EVERY_MINUTE, other=EVERY_MINUTE | {"queue": "other"})
        for pause in (False, True):
            Store(buoy_app).pause("report", resume=pause)
        days.pass_with(old, seconds=125)
        remove_schedule("time")
        daemon = days.daemon(stays=EVERY_MINUTE)
        for _ in range(3):
            days.clock.advance(DAY)
            days.step(daemon)

        assert fields(buoy_app, "buoy:{reports}:scheduler") == {"stays"}
        numbers = {each for each in fields(buoy_app, "buoy:{reports}:meta") if "newer" in each}
        assert numbers <= {"newer:cron:stays"}
        assert "newer:cron:other" not in fields(buoy_app, "buoy:{other}:meta")
        assert not buoy_app.command("EXISTS", "buoy:{other}:scheduler")
        kept = {each for each in fields(buoy_app, "buoy:scheduler") if "daemon:" not in each}
        assert kept == {"version", "polled_at", "queue:reports"}

    def test_the_pause_of_a_removed_entry_stays_and_list_shows_it(
        self, days: Days, buoy_app: App
    ) -> None:
        days.daemon(report=EVERY_MINUTE)
        Store(buoy_app).pause("report")
        daemon = days.daemon()
        for _ in range(3):
            days.clock.advance(DAY)
            days.step(daemon)

        assert remarks().startswith(
            "paused, but in no schedule here: report; to resume: buoy schedule resume NAME\n"
        )

    def test_entries_of_a_running_daemon_are_not_forgotten(self, days: Days, buoy_app: App) -> None:
        rare: dict[str, object] = {"every": "2w", "class": Report.name}
        one, other = days.daemon(rare=rare), days.daemon(report=EVERY_MINUTE)
        for _ in range(30):
            days.clock.advance(DAY)
            days.step(one, other)

        assert fields(buoy_app, "buoy:{reports}:scheduler") == {"rare", "report"}
        assert waiting(buoy_app) >= 32

    def test_ticks_during_a_long_pause_are_not_fired_later(self, days: Days, buoy_app: App) -> None:
        daily: dict[str, dict[str, object]] = {
            "report": {"every": "1d", "class": Report.name, "missed": "all"}
        }
        daemon = days.daemon(**daily)
        Store(buoy_app).pause("report")
        for _ in range(5):
            days.clock.advance(DAY)
            days.step(daemon)
        Store(buoy_app).pause("report", resume=True)
        days.pass_with(daemon, seconds=61)
        for name in fields(buoy_app, "buoy:scheduler"):
            if name.startswith("start:"):
                buoy_app.command("HDEL", "buoy:scheduler", name)

        days.daemon(**daily)

        assert waiting(buoy_app) == 0

    def test_a_queue_whose_checkpoints_have_a_wrong_type_affects_no_other(
        self, days: Days, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        days.daemon(old=EVERY_MINUTE)
        buoy_app.command("SET", "buoy:{a}:scheduler", "x")
        daemon = days.daemon(a=EVERY_MINUTE | {"queue": "a"}, b=EVERY_MINUTE)
        days.pass_with(daemon, seconds=60)
        for _ in range(3):
            days.clock.advance(DAY)
            days.step(daemon)

        assert list(daemon.progress) == ["b"]
        assert waiting(buoy_app) > 1
        assert fields(buoy_app, "buoy:{reports}:scheduler") == {"b"}
        assert "queue 'a': " in caplog.text

    def test_checkpoints_of_several_apps_are_kept(
        self, days: Days, buoy_app: App, buoy_server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = App(buoy_server.url, namespace="other")
        other.broker.clock_offset_ms = buoy_app.broker.clock_offset_ms
        monkeypatch.setattr(Elsewhere, "app", other)
        daemon = days.daemon(
            here=EVERY_MINUTE, there={"every": "1m", "class": Elsewhere.name, "missed": "all"}
        )
        days.clock.advance(60)
        days.step(daemon)
        assert (waiting(buoy_app), waiting(other, "elsewhere")) == (1, 1)

        daemon.read_schedule = Schedule
        daemon.stale = True
        for _ in range(3):
            days.step(daemon)
            days.clock.advance(DAY)
            other.broker.clock_offset_ms = buoy_app.broker.clock_offset_ms

        assert not other.command("EXISTS", "other:{elsewhere}:scheduler", "other:scheduler")
        assert not buoy_app.command("EXISTS", "buoy:{reports}:scheduler")

    def test_existing_checkpoints_are_read(self, days: Days, buoy_app: App) -> None:
        since = int(days.now()) - 120
        buoy_app.command("HSET", "buoy:{reports}:scheduler", "report", f"{since} every 60 s from 0")

        daemon = days.daemon(report=EVERY_MINUTE)
        days.pass_with(daemon, seconds=60)

        assert waiting(buoy_app) == 1


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of entries that are parsed, or whose targets are resolved, from now on."""
    found: list[str] = []

    def spied(act: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        def spy(*args: Any) -> Any:
            found.append(name(*args))
            return act(*args)

        return spy

    monkeypatch.setattr(store, "entry_of", spied(entry_format.entry_of, lambda name, _: str(name)))
    monkeypatch.setattr(
        entry_tracker, "target_of", spied(target_of, lambda entry: f"resolved {entry.name}")
    )
    return found


def test_setting_one_of_2000_entries_parses_and_resolves_only_one(
    days: Days, buoy_app: App, made: list[str]
) -> None:
    text = json.dumps({"cron": "0 0 1 1 *", "class": Report.name})
    words = [word for n in range(2000) for word in (f"entry:e{n}", text)]
    buoy_app.command("HSET", "buoy:scheduler", *words, "version", 1)
    daemon = days.daemon()
    assert len(daemon.progress) == 2000
    made.clear()

    set_schedule("e7", Report, every="1m")
    days.step(daemon)

    assert made == ["e7", "resolved e7"]
    courses = dict(daemon.progress)
    remove_schedule("e8")
    days.pass_with(daemon, seconds=60)
    assert waiting(buoy_app) == 1
    assert made == ["e7", "resolved e7"]
    assert all(daemon.progress[name] is courses[name] for name in daemon.progress)


@pytest.mark.parametrize(
    "text",
    [
        '{"every": 60, "first": 1' + "0" * 400 + "}",
        '{"every": 1' + "0" * 400 + "}",
        '{"every": 1' + "0" * 5000 + "}",
        '{"every": 60, "first": 1e400}',
        '{"every": 60, "first": NaN}',
        '{"every": 60, "first": -1}',
        '{"every": Infinity}',
        '{"every": true}',
        '{"every": 1.5}',
        '{"every": 60, "missed": 1' + "0" * 400 + "}",
        '{"every": 60, "args": "' + "x" * 2_000_000 + '"}',
        '{"every": 60, "args": ["\\ud800"]}',
        '{"every": 60, "queue": "a b"}',
        '{"every": 60, "env": "production"}',
        '{"cron": "0 0 1 1 *", "first": 5}',
        '{"class": 5}',
        "5",
        "null",
    ],
)
def test_garbage_in_redis_does_not_stop_other_entries(
    days: Days, buoy_app: App, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    caplog.set_level(logging.ERROR)
    buoy_app.command("HSET", "buoy:scheduler", "entry:odd", text, "version", 9)

    daemon = days.daemon(good=EVERY_MINUTE)
    days.pass_with(daemon, seconds=60)

    assert waiting(buoy_app) == 1
    [message] = caplog.messages
    assert message.startswith("schedule entry 'odd': ")
    assert message.endswith("; it is left out")


@pytest.mark.parametrize(
    "fields",
    [
        {"every": 10**400},
        {"every": 10**5000},
        {"every": -1},
        {"every": 0},
        {"every": 1.5},
        {"every": True},
        {"every": "1h", "missed": 10**5000},
        {"every": "1h", "args": [10**5000]},
        {"every": "1h", "args": [float("nan")]},
        {"every": "1h", "args": ["\ud800"]},
        {"every": "1h", "args": [{1: 2}]},
        {"every": "1h", "queue": "my queue"},
        {"every": "1h", "tz": "localtime"},
        {"every": "1h", "description": 5},
        {"cron": "*/90 * * * *"},
        {"cron": "0 0 31 2 *"},
    ],
)
def test_set_schedule_checks_its_arguments(buoy_app: App, fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="expected"):
        set_schedule("odd", "shop.Nobody", **({"queue": "far"} | fields))
    assert not buoy_app.command("HLEN", "buoy:scheduler")
