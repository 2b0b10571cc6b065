"""Daemons that fire entries, stepped on the clock of the test."""

import logging
import os
import re
import signal
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buoy import App, ConfigurationError, Job, Plugin, Rejected, hookimpl
from buoy.testing import drain
from buoy_scheduler import remove_schedule, set_schedule
from buoy_scheduler.daemon import daemon as daemon_module
from buoy_scheduler.daemon.due_ticks import format_tick
from buoy_scheduler.store import Store

from .conftest import Days


class Report(Job):
    queue = "reports"

    def perform(self, number: int = 0) -> None: ...


class Telling(Report):
    def perform(self, number: int = 0) -> None:
        told.append(self.plugin_data["scheduler"])


told: list[dict[str, Any]] = []
"""What jobs of Telling carry of their entries."""


@dataclass(frozen=True)
class Door(Plugin):
    """Lets nobody in, in one of several ways."""

    way: str

    @hookimpl
    def before_enqueue(self, job: Job) -> Rejected | None:
        if self.way == "claims":
            job.transition.claim("the only one", on_conflict="raise")
        if self.way == "raises":
            raise RuntimeError("the door is stuck")
        if self.way == "configured":
            raise ConfigurationError("the door: expected a key, got none")
        return Rejected("not today") if self.way == "rejects" else None


class Interrupted(Plugin):
    """Is interrupted by a signal that says stop, and catches what that raises."""

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        with suppress(BaseException):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)


class Deaf(Report):
    plugins = [Interrupted()]


class Rejecting(Report):
    plugins = [Door("rejects")]


class Raising(Report):
    plugins = [Door("raises")]


class Configured(Report):
    plugins = [Door("configured")]


class Claiming(Report):
    plugins = [Door("claims")]


class Small(Report):
    queue = "small"
    max_length = 1


class Unfinished(Report, ABC):
    @abstractmethod
    def rows(self) -> None: ...


class Nameless(Report):
    @classmethod
    def identify(cls, number: int = 0) -> str:
        return ""


class Mood:
    """A queue that is not there today."""

    def __get__(self, job: object, owner: type) -> str:
        raise RuntimeError("what queue?")


class Moody(Report):
    pass


EVERY_MINUTE: dict[str, object] = {"every": "1m", "class": Report.name}
NOBODY: dict[str, object] = {"every": "1m", "class": "shop.Nobody"}


def waiting(app: App, queue: str = "reports") -> int:
    return app.monitor.queues([queue])[0].queued


def spied(app: App, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The commands of each round trip from now on, but for those of the clock of the test."""
    sent: list[Any] = []
    calls = app.broker.client.calls

    def spy(commands: Any) -> list[Any]:
        if list(commands) != [("TIME",)]:
            sent.append(commands)
        return calls(commands)

    monkeypatch.setattr(app.broker.client, "calls", spy)
    return sent


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "buoy.scheduler")
    return caplog


class TestFiring:
    def test_each_tick_is_enqueued_once(self, days: Days, buoy_app: App) -> None:
        daemon = days.daemon(report=EVERY_MINUTE | {"args": [7]})

        days.pass_with(daemon, seconds=185)

        assert [view.args for view in buoy_app.monitor.peek("reports")] == [[7]] * 3

    def test_each_tick_is_enqueued_once_by_any_number_of_daemons(
        self, days: Days, buoy_app: App
    ) -> None:
        daemons = [days.daemon(report=EVERY_MINUTE) for _ in range(3)]

        days.pass_with(*daemons, seconds=125)

        assert waiting(buoy_app) == 2

    def test_a_new_entry_fires_no_ticks_of_the_past(self, days: Days, buoy_app: App) -> None:
        days.daemon(report=EVERY_MINUTE | {"missed": "all"})

        assert waiting(buoy_app) == 0

    def test_an_entry_is_new_until_a_daemon_sees_it_and_not_until_it_fires(
        self, days: Days, buoy_app: App
    ) -> None:
        days.daemon(report=EVERY_MINUTE)
        days.clock.advance(3630)  # the daemon died before it could fire anything
        days.daemon(report=EVERY_MINUTE)

        assert waiting(buoy_app) == 1

    def test_the_number_of_a_tick_lets_one_job_through(self, days: Days, buoy_app: App) -> None:
        daemon = days.daemon(report=EVERY_MINUTE)
        tick = int(days.now()) // 60 * 60 + 60

        handle = Report.using(newer=("cron:report", tick)).enqueue()
        days.pass_with(daemon, seconds=60)

        assert handle.state == "queued"
        assert waiting(buoy_app) == 1

    def test_an_entry_can_name_a_queue(self, days: Days, buoy_app: App) -> None:
        daemon = days.daemon(report=EVERY_MINUTE | {"queue": "other"})

        days.pass_with(daemon, seconds=60)

        assert (waiting(buoy_app, "other"), waiting(buoy_app)) == (1, 0)

    def test_a_job_of_an_unknown_class_is_pushed_by_name(self, days: Days, buoy_app: App) -> None:
        daemon = days.daemon(report=NOBODY | {"queue": "far", "args": [1]})

        days.pass_with(daemon, seconds=125)

        assert [(view.name, view.args) for view in buoy_app.monitor.peek("far")] == [
            ("shop.Nobody", [1]),
            ("shop.Nobody", [1]),
        ]

    def test_a_job_carries_the_entry_and_the_tick_that_it_is_of(
        self, days: Days, buoy_app: App
    ) -> None:
        cron: dict[str, object] = {"cron": "@hourly", "tz": "Europe/Berlin", "class": Telling.name}
        daemon = days.daemon(minutely=EVERY_MINUTE | {"class": Telling.name}, hourly=cron)
        told.clear()
        days.pass_until(3600)
        days.pass_with(daemon, seconds=1)
        drain(buoy_app)

        tick = int(days.now()) // 60 * 60
        last = {each["entry"]: each for each in told}
        assert last == {
            "minutely": {"entry": "minutely", "every": 60, "tick": tick},
            "hourly": {
                "entry": "hourly",
                "cron": "0 * * * *",
                "tz": "Europe/Berlin",
                "tick": tick,
            },
        }

    def test_many_entries_cost_one_round_trip(
        self, days: Days, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        daemon = days.daemon(**{f"report {n}": EVERY_MINUTE for n in range(50)})
        sent = spied(buoy_app, monkeypatch)

        days.clock.advance(60)
        days.step(daemon)

        assert len(sent) <= 4  # the look, the queue made known, the jobs, their script
        assert waiting(buoy_app) == 50

    def test_a_poll_with_nothing_due_is_one_command(
        self, days: Days, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        daemon = days.daemon(report=EVERY_MINUTE)
        monkeypatch.setattr(daemon_module, "POLL_SECONDS", 3600.0)  # the second step comes too soon
        sent = spied(buoy_app, monkeypatch)

        days.step(daemon)
        daemon.step()

        assert [len(commands) for commands in sent] == [1]


class TestMissed:
    @pytest.mark.parametrize(
        ("missed", "jobs"), [("skip", 0), ("once", 1), ("all", 10), (3, 3), (0, 0)]
    )
    def test_missed_ticks_after_an_outage_of_all_daemons_fire_as_declared(
        self, days: Days, buoy_app: App, missed: object, jobs: int
    ) -> None:
        first = days.daemon(report=EVERY_MINUTE | {"missed": missed})
        days.pass_with(first, seconds=60)
        drain(buoy_app)

        days.clock.advance(630)
        days.daemon(report=EVERY_MINUTE | {"missed": missed})

        assert waiting(buoy_app) == jobs

    @pytest.mark.parametrize(
        ("missed", "jobs"), [("skip", 0), ("once", 1), ("all", 10), (3, 3), (0, 0)]
    )
    def test_missed_ticks_after_a_freeze_of_the_only_daemon_fire_as_declared(
        self, days: Days, buoy_app: App, missed: object, jobs: int
    ) -> None:
        daemon = days.daemon(report=EVERY_MINUTE | {"missed": missed})

        days.clock.advance(630)
        days.step(daemon)

        assert waiting(buoy_app) == jobs

    def test_missed_all_fires_a_limited_number_of_ticks(self, days: Days, buoy_app: App) -> None:
        daemon = days.daemon(report=EVERY_MINUTE | {"missed": "all"})

        days.clock.advance(7 * 86_400 + 30)
        days.step(daemon)

        assert waiting(buoy_app) == 100

    @pytest.mark.parametrize("missed", ["skip", "once", "all"])
    def test_a_frozen_daemon_fires_no_ticks_that_others_fired(
        self, days: Days, buoy_app: App, missed: str
    ) -> None:
        frozen, other = (days.daemon(report=EVERY_MINUTE | {"missed": missed}) for _ in range(2))

        days.pass_with(other, seconds=600)
        days.pass_with(frozen, other, seconds=60)

        assert waiting(buoy_app) == 11

    def test_a_missed_tick_is_logged(self, days: Days, log: pytest.LogCaptureFixture) -> None:
        daemon = days.daemon(report=EVERY_MINUTE)
        tick = int(days.now()) // 60 * 60 + 60

        days.clock.advance(630)
        days.step(daemon)

        assert f"report: has missed {format_tick(tick)}" in log.messages

    def test_an_entry_with_new_times_fires_from_their_change_on(
        self, days: Days, buoy_app: App
    ) -> None:
        days.daemon(report=EVERY_MINUTE)
        days.clock.advance(3600)

        daemon = days.daemon(report={"every": "50s", "class": Report.name})

        assert waiting(buoy_app) == 0
        days.pass_with(daemon, seconds=50)
        assert waiting(buoy_app) == 1


class TestKeptOut:
    def test_without_overlap_a_tick_is_skipped_while_the_previous_job_is_queued(
        self, days: Days, buoy_app: App
    ) -> None:
        daemon = days.daemon(report=EVERY_MINUTE | {"overlap": False})

        days.pass_with(daemon, seconds=180)
        assert waiting(buoy_app) == 1
        drain(buoy_app)
        days.pass_with(daemon, seconds=60)

        assert waiting(buoy_app) == 1

    def test_without_overlap_a_tick_of_an_unknown_class_is_skipped_too(
        self, days: Days, buoy_app: App
    ) -> None:
        daemon = days.daemon(report=NOBODY | {"queue": "far", "overlap": False})

        days.pass_with(daemon, seconds=180)

        assert waiting(buoy_app, "far") == 1

    @pytest.mark.parametrize("job", [Rejecting, Claiming])
    def test_a_tick_that_a_plugin_rejects_is_not_fired_later(
        self, days: Days, buoy_app: App, job: type[Report]
    ) -> None:
        fields: dict[str, object] = {"every": "1m", "class": job.name, "missed": "all"}
        daemon = days.daemon(report=fields)
        if job is Claiming:
            Claiming.enqueue()
        before = waiting(buoy_app)

        days.pass_with(daemon, seconds=185)
        days.daemon(report=fields)

        assert waiting(buoy_app) == before
        store, entry = Store(buoy_app), daemon.progress["report"].entry
        now = int(days.now()) // 60 * 60
        assert store.read_checkpoints("reports", [entry]) == [now]
        store.skip_ticks("reports", {"report": now - 60})  # as a daemon that was frozen may do
        assert store.read_checkpoints("reports", [entry]) == [now]

    def test_a_rejected_tick_is_logged(self, days: Days, log: pytest.LogCaptureFixture) -> None:
        daemon = days.daemon(report={"every": "1m", "class": Rejecting.name})
        tick = int(days.now()) // 60 * 60 + 60

        days.pass_with(daemon, seconds=60)

        assert f"report: skips {format_tick(tick)}: not today" in log.messages

    def test_a_plugin_that_raises_costs_only_its_own_entry_the_tick(
        self, days: Days, buoy_app: App, log: pytest.LogCaptureFixture
    ) -> None:
        daemon = days.daemon(
            a=EVERY_MINUTE, bad={"every": "1m", "class": Raising.name}, c=EVERY_MINUTE
        )
        tick = int(days.now()) // 60 * 60 + 60

        days.pass_with(daemon, seconds=60)

        assert waiting(buoy_app) == 2
        [error] = [record for record in log.records if record.levelno >= logging.ERROR]
        assert error.getMessage() == f"bad: {format_tick(tick)} cannot be enqueued"
        assert "the door is stuck" in str(error.exc_info)

    def test_an_error_of_buoy_is_logged_without_a_traceback(
        self, days: Days, log: pytest.LogCaptureFixture
    ) -> None:
        daemon = days.daemon(bad={"every": "1m", "class": Configured.name})
        tick = int(days.now()) // 60 * 60 + 60

        days.pass_with(daemon, seconds=60)

        [error] = [record for record in log.records if record.levelno >= logging.ERROR]
        assert error.exc_info is None
        assert error.getMessage() == (
            f"bad: {format_tick(tick)} cannot be enqueued: the door: expected a key, got none"
        )

    def test_ticks_wait_while_the_queue_is_full(
        self, days: Days, buoy_app: App, log: pytest.LogCaptureFixture
    ) -> None:
        daemon = days.daemon(
            a={"every": "1m", "class": Small.name}, b=EVERY_MINUTE | {"missed": "skip"}
        )
        first = int(days.now()) // 60 * 60 + 60
        Small.enqueue()

        days.pass_with(daemon, seconds=63)
        assert (waiting(buoy_app, "small"), waiting(buoy_app)) == (1, 1)
        drain(buoy_app)
        days.pass_with(daemon, seconds=1)

        assert waiting(buoy_app, "small") == 1
        messages = [text for text in log.messages if text.startswith("a: ")]
        assert messages[0].startswith(f"a: {format_tick(first)} must wait: queue 'small' is full: ")
        assert re.fullmatch(rf"a: fires {re.escape(format_tick(first))} id=\w+", messages[1])
        assert messages[2:] == ["a: works again"]


class TestAtRunTime:
    def test_running_daemons_see_an_entry_that_is_set_at_run_time(
        self, days: Days, buoy_app: App
    ) -> None:
        daemon = days.daemon()

        set_schedule("report", Report, every="1m", args=[7])
        days.pass_with(daemon, seconds=60)
        assert [view.args for view in buoy_app.monitor.peek("reports")] == [[7]]

        set_schedule("report", Report, every="1m", args=[8])
        days.pass_with(daemon, seconds=60)
        assert [view.args for view in buoy_app.monitor.peek("reports")] == [[7], [8]]

        assert remove_schedule("report")
        assert not remove_schedule("report")
        days.pass_with(daemon, seconds=120)
        assert waiting(buoy_app) == 2

    def test_an_entry_set_at_run_time_survives_the_restart_of_all_daemons(
        self, days: Days, buoy_app: App
    ) -> None:
        set_schedule("report", Report, every="1m")

        days.pass_with(days.daemon(), seconds=60)
        days.pass_with(days.daemon(), seconds=60)

        assert waiting(buoy_app) == 2

    def test_an_entry_set_at_run_time_replaces_that_of_the_file(
        self, days: Days, buoy_app: App
    ) -> None:
        set_schedule("report", Report, every="1m", args=[7])
        daemon = days.daemon(report=EVERY_MINUTE)

        days.pass_with(daemon, seconds=60)

        assert [view.args for view in buoy_app.monitor.peek("reports")] == [[7]]

    def test_an_entry_that_is_set_again_after_its_removal_fires_no_ticks_of_the_past(
        self, days: Days, buoy_app: App
    ) -> None:
        set_schedule("report", Report, every="1m")
        days.daemon()
        remove_schedule("report")
        days.clock.advance(3600)

        set_schedule("report", Report, every="1m")
        days.daemon()

        assert waiting(buoy_app) == 0

    def test_ticks_during_a_pause_are_not_fired_later(self, days: Days, buoy_app: App) -> None:
        store, fields = Store(buoy_app), EVERY_MINUTE | {"missed": "all"}
        daemon = days.daemon(report=fields)

        store.pause("report")
        days.pass_with(daemon, seconds=120)
        restarted = days.daemon(report=fields)
        assert waiting(buoy_app) == 0

        store.pause("report", resume=True)
        days.step(daemon, restarted)
        assert waiting(buoy_app) == 0
        days.pass_with(daemon, restarted, seconds=60)
        assert waiting(buoy_app) == 1

    def test_a_pause_stays_when_an_entry_of_its_name_is_set_or_removed(
        self, days: Days, buoy_app: App
    ) -> None:
        daemon = days.daemon(report=EVERY_MINUTE)
        Store(buoy_app).pause("report")

        set_schedule("report", Report, every="1m")
        days.pass_with(daemon, seconds=120)

        assert waiting(buoy_app) == 0


class TestBadInput:
    def test_an_entry_that_can_never_be_enqueued_is_left_out(
        self, days: Days, log: pytest.LogCaptureFixture
    ) -> None:
        daemon = days.daemon(
            unfinished={"every": "1m", "class": Unfinished.name},
            nameless={"every": "1m", "class": Nameless.name},
        )

        assert daemon.progress == {}
        nameless, unfinished = [text for text in log.messages if "left out" in text]
        assert nameless == (
            f"schedule entry 'nameless': {Nameless.name}.identify: expected a non-empty text, "
            "got ''; it is left out"
        )
        assert "expected a class with all its methods, got an abstract one without" in unfinished

    def test_a_wrong_entry_is_logged_once_and_the_others_fire(
        self,
        days: Days,
        buoy_app: App,
        log: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(Moody, "queue", Mood())
        daemon = days.daemon(
            nobody=NOBODY,
            wrong=EVERY_MINUTE | {"args": [1, 2]},
            raising={"every": "1m", "class": Moody.name},
            good=EVERY_MINUTE,
        )
        set_schedule("later", Report, every="1h")

        days.pass_with(daemon, seconds=60)

        assert waiting(buoy_app) == 1
        assert [text for text in log.messages if "left out" in text] == [
            "schedule entry 'nobody': class: expected a job class of the app, or a queue for one "
            "that it does not know, got 'shop.Nobody'; it is left out",
            "schedule entry 'raising': class: cannot be used: RuntimeError: what queue?; it is "
            "left out",
            f"schedule entry 'wrong': {Report.name}: expected arguments for "
            "perform(number: int = 0) -> None, but too many positional arguments; it is left out",
        ]

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("{", "expected JSON in Redis, got '{' (Expecting property name enclosed in double "),
            ("[]", "expected keys like cron and class, got []"),
            ('{"cron": "x"}', "cron: expected five fields like"),
            ("\udcff", "expected JSON in Redis, got"),
            ("[" * 100_000, "expected JSON in Redis, got"),
        ],
    )
    def test_garbage_in_redis_is_logged_with_the_name_of_the_entry(
        self, days: Days, buoy_app: App, log: pytest.LogCaptureFixture, text: str, reason: str
    ) -> None:
        raw = text.encode(errors="surrogateescape")
        buoy_app.command("HSET", "buoy:scheduler", "entry:odd", raw, "version", 9, "start:x", "y")

        daemon = days.daemon(good=EVERY_MINUTE)
        days.pass_with(daemon, seconds=60)

        assert waiting(buoy_app) == 1
        [message] = [text for text in log.messages if "left out" in text]
        assert message.startswith(f"schedule entry 'odd': {reason}")

    @pytest.mark.parametrize("time", ["", "²", "-1", "1e3", "9" * 11, "9" * 5000])
    def test_an_invalid_time_in_redis_is_ignored(
        self, days: Days, buoy_app: App, time: str
    ) -> None:
        buoy_app.command("HSET", "buoy:scheduler", "start:good", time, "polled_at", time)

        daemon = days.daemon(good=EVERY_MINUTE)
        days.pass_with(daemon, seconds=60)

        assert waiting(buoy_app) == 1

    def test_reloading_keeps_the_progress_of_unchanged_entries(
        self, days: Days, buoy_app: App
    ) -> None:
        daemon = days.daemon(a=EVERY_MINUTE, b=EVERY_MINUTE)
        progress = daemon.progress["a"]

        daemon.stale = True
        days.pass_with(daemon, seconds=60)

        assert daemon.progress["a"] is progress
        assert waiting(buoy_app) == 2


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_each_tick_is_enqueued_once_while_daemons_come_freeze_and_go(
    days: Days, buoy_app: App, data: st.DataObject
) -> None:
    """Every few seconds a random daemon steps, and sometimes a new one starts. No step is near the
    beginning of a second."""
    buoy_app.command("FLUSHALL")
    buoy_app.broker.registered.clear()
    days.pass_until(60)
    fields: dict[str, object] = {
        "every": "2s",
        "class": Report.name,
        "missed": data.draw(st.sampled_from(["skip", "all"])),
    }
    daemons = [days.daemon(report=fields)]
    start = int(days.now())
    for _ in range(data.draw(st.integers(1, 15))):
        days.clock.advance(data.draw(st.sampled_from([0.5, 1.0, 2.0, 3.5])))
        if data.draw(st.booleans()):
            daemons.append(days.daemon(report=fields))
        days.step(data.draw(st.sampled_from(daemons)))
    days.step(*daemons)

    assert waiting(buoy_app) == int(days.now()) // 2 - start // 2


def test_a_signal_ends_the_daemon_though_the_interrupted_code_catches_its_exception(
    days: Days, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = days.daemon(deaf={"every": "1s", "class": Deaf.name})

    with caplog.at_level(logging.INFO, "buoy.scheduler"), pytest.raises(SystemExit) as ended:
        daemon.run()

    assert ended.value.code == 0
    assert f"scheduler {os.getpid()} ends" in caplog.text
