"""Retry on job classes, as their users meet it."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from buoy import (
    App,
    DirtyExit,
    Handle,
    Job,
    JobTimeout,
    Later,
    MemoryExceeded,
    Plugin,
    Without,
    WorkerLost,
    hookimpl,
)
from buoy.jobs.run import loaded, settle_death
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation, Settlement
from buoy.operations.failed_set import Filter as FailedFilter
from buoy.operations.failed_set import find, retry
from buoy.operations.monitor import JobView
from buoy.testing import Clock, drain, plugin_contract
from buoy_retry import (
    HTTP_ERRORS,
    SMTP_ERRORS,
    Again,
    Attempt,
    Constant,
    Exponential,
    Retry,
    RetryAfter,
    history,
)

script: dict[str, list[BaseException | None]] = {}
alarms: list[tuple[str, int, str]] = []


@pytest.fixture(autouse=True)
def silence() -> None:
    script.clear()
    alarms.clear()


def alarm(job: Job, error: BaseException) -> None:
    alarms.append((job.payload.name, job.attempt, str(error)))


class Scripted(Job):
    """Raises what the script has for it next."""

    queue = "mail"

    def perform(self, word: str = "it") -> None:
        errors = script.get(word) or [None]
        error = errors.pop(0)
        if error is not None:
            raise error


def enqueue(job: type[Scripted], *errors: BaseException | None) -> Handle[None]:
    script["it"] = list(errors)
    return job.enqueue()


def found(handle: Handle[Any]) -> JobView:
    view = Job.app.find(handle.id)
    assert view is not None
    return view


def outcomes(app: App, clock: Clock, steps: int, seconds: float = 60.1) -> list[dict[str, int]]:
    """What drains bring, with so much time between them."""
    brought = []
    for _ in range(steps):
        brought.append(dict(drain(app)))
        clock.advance(seconds)
    return brought


class Mail(Scripted):
    plugins = [Retry(limit=3, delay=60, on_give_up=alarm)]


class TestRetrying:
    def test_a_job_that_fails_is_run_again_after_the_delay(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        enqueue(Mail, TimeoutError("busy"))

        assert drain(buoy_app) == {"later": 1}
        buoy_clock.advance(59)
        assert drain(buoy_app) == {}
        buoy_clock.advance(1.1)
        assert drain(buoy_app) == {"done": 1}
        assert alarms == []

    def test_meanwhile_it_is_delayed_and_shown_as_retrying(self, buoy_app: App) -> None:
        handle = enqueue(Mail, TimeoutError("busy"))
        drain(buoy_app)

        view = found(handle)
        [last] = history(view)

        assert (view.state, view.attempt) == ("retrying", 2)
        assert (last.attempt, last.error, last.message) == (1, "TimeoutError", "busy")
        assert (last.worker, last.wait) == ("drain", 60)
        assert view.at is not None
        assert abs(view.at - last.at - 60) < 5
        [queue] = buoy_app.monitor.queues()
        assert (queue.delayed, queue.failed) == (1, 0)

    def test_it_fails_once_when_it_is_given_up(self, buoy_app: App, buoy_clock: Clock) -> None:
        handle = enqueue(Mail, *[ValueError(str(n)) for n in range(4)])

        assert outcomes(buoy_app, buoy_clock, 5) == [
            {"later": 1},
            {"later": 1},
            {"later": 1},
            {"failed": 1},
            {},
        ]
        view = found(handle)
        assert (view.state, view.failure["attempt"], view.failure["message"]) == ("failed", 4, "3")
        assert [(each.attempt, each.message, each.wait) for each in history(view)] == [
            (1, "0", 60),
            (2, "1", 60),
            (3, "2", 60),
            (4, "3", None),
        ]
        assert alarms == [(Mail.name, 4, "3")]
        assert len(list(buoy_app.monitor.failed())) == 1

    def test_without_a_limit_it_goes_on(self, buoy_app: App, buoy_clock: Clock) -> None:
        class Endless(Scripted):
            plugins = [Retry(limit=None, delay=Exponential(1, 10, cap=60))]

        enqueue(Endless, *[ValueError()] * 50)

        assert outcomes(buoy_app, buoy_clock, 51) == [{"later": 1}] * 50 + [{"done": 1}]

    def test_with_a_limit_of_none_it_is_given_up_at_once(self, buoy_app: App) -> None:
        class Once(Scripted):
            plugins = [Retry(limit=0, on_give_up=alarm)]

        enqueue(Once, ValueError("no"))

        assert drain(buoy_app) == {"failed": 1}
        assert alarms == [(Once.name, 1, "no")]

    def test_a_delay_of_nothing_is_at_once(self, buoy_app: App) -> None:
        class AtOnce(Scripted):
            plugins = [Retry(limit=2, delay=0)]

        enqueue(AtOnce, ValueError(), ValueError())

        assert drain(buoy_app) == {"later": 2, "done": 1}

    @pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
    def test_who_leaves_by_an_exit_means_it(self, buoy_app: App, error: BaseException) -> None:
        enqueue(Mail, error)

        assert drain(buoy_app) == {"failed": 1}

    def test_unless_it_is_said_otherwise(self, buoy_app: App) -> None:
        class Stubborn(Scripted):
            plugins = [Retry(on=(Exception, SystemExit))]

        enqueue(Stubborn, SystemExit(1))

        assert drain(buoy_app) == {"later": 1}

    def test_an_app_in_inline_mode_raises_at_once(self, buoy_app: App) -> None:
        with buoy_app.inline(), pytest.raises(TimeoutError):
            enqueue(Mail, TimeoutError())


class TestLog:
    def test_a_line_tells_what_has_failed_and_with_v_where(
        self, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        def logged(level: int) -> logging.LogRecord:
            caplog.clear()
            handle = enqueue(Mail, TimeoutError("busy"))
            with caplog.at_level(level, "buoy.retry"):
                drain(buoy_app)
            [record] = [each for each in caplog.records if each.name == "buoy.retry"]
            assert record.getMessage() == f"<{Mail.name} {handle.id} attempt 1>: TimeoutError: busy"
            return record

        assert logged(logging.INFO).exc_info is None
        assert logged(logging.DEBUG).exc_info is not None


class TestSayingWhen:
    def test_the_error_may_say_when(self, buoy_app: App, buoy_clock: Clock) -> None:
        class Calling(Scripted):
            plugins = [Retry(limit=1, delay=60, on=ConnectionError)]

        handle = enqueue(Calling, RetryAfter(120, "rate limit"), RetryAfter(5))
        drain(buoy_app)

        [last] = history(found(handle))
        assert (last.error, last.message, last.wait) == (
            "buoy_retry.errors.RetryAfter",
            "rate limit",
            120,
        )
        assert outcomes(buoy_app, buoy_clock, 3) == [{}, {}, {"failed": 1}]

    def test_never_wins_over_it(self, buoy_app: App) -> None:
        class Never(Scripted):
            plugins = [Retry(never=RetryAfter)]

        enqueue(Never, RetryAfter(5))

        assert drain(buoy_app) == {"failed": 1}

    @pytest.mark.parametrize(("asked", "wait"), [(-5, 0), (1e300, 31_536_000), (2.5, 2.5)])
    def test_what_it_says_is_brought_within_bounds(self, asked: float, wait: float) -> None:
        assert RetryAfter(asked).seconds == wait
        assert Again(asked).seconds == wait

    def test_what_it_says_tells_how_it_is_meant(self) -> None:
        assert str(RetryAfter(5)) == "to be run again in 5 s"
        assert str(Again(5)) == "to be run again in 5 s"
        assert str(Again(5, "not there yet")) == "not there yet"


class Polling(Scripted):
    plugins = [Retry(limit=1, delay=60, snoozes=3, on_give_up=alarm)]
    expires = 100


class TestAgain:
    def test_putting_off_is_no_failure_and_takes_no_retry(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        handle = enqueue(Polling, Again(60), ValueError("no"), Again(60))
        drain(buoy_app)

        view = found(handle)
        assert (view.state, view.attempt, history(view)) == ("delayed", 1, [])
        buoy_clock.advance(61)
        assert outcomes(buoy_app, buoy_clock, 3) == [{"later": 1}, {"later": 1}, {"done": 1}]

    def test_it_is_bounded(self, buoy_app: App, buoy_clock: Clock) -> None:
        handle = enqueue(Polling, *[Again(60)] * 4)

        assert outcomes(buoy_app, buoy_clock, 4) == [{"later": 1}] * 3 + [{"failed": 1}]
        told = "to be run again in 60 s, but given up: it was put off 3 times before"
        assert alarms == [(Polling.name, 1, told)]
        [last] = history(found(handle))
        assert last.message == told
        assert found(handle).failure["message"] == told

    def test_an_operator_s_retry_may_put_off_anew(self, buoy_app: App, buoy_clock: Clock) -> None:
        enqueue(Polling, *[Again(60)] * 7)
        outcomes(buoy_app, buoy_clock, 4)

        retry(buoy_app.control, buoy_app.monitor.failed())

        assert outcomes(buoy_app, buoy_clock, 4) == [{"later": 1}] * 3 + [{"done": 1}]


EXPECTED = "buoy.errors.PluginError: Retry: delay(attempt, error): expected seconds, got"


class TestGivingUp:
    def test_an_alarm_that_fails_hides_nothing(
        self, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(job: Job, error: BaseException) -> None:
            raise SystemExit("no mail server")

        class Alarming(Scripted):
            plugins = [Retry(0, on_give_up=broken)]

        handle = enqueue(Alarming, ValueError("the job's own"))
        with caplog.at_level(logging.ERROR, "buoy.retry"):
            assert drain(buoy_app) == {"failed": 1}

        assert found(handle).failure["message"] == "the job's own"
        assert [r.message for r in caplog.records if r.name == "buoy.retry"] == [
            f"<{Alarming.name} {handle.id} attempt 1>: on_give_up has failed"
        ]

    def test_the_alarm_may_look_at_the_history(self, buoy_app: App, buoy_clock: Clock) -> None:
        seen: list[list[str]] = []

        def look(job: Job, error: BaseException) -> None:
            seen.append([each.message for each in history(job)])

        class Looking(Scripted):
            plugins = [Retry(1, 60, on_give_up=look)]

        enqueue(Looking, ValueError("first"), ValueError("second"))
        outcomes(buoy_app, buoy_clock, 2)

        assert seen == [["first", "second"]]

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            ("soon", f"{EXPECTED} 'soon'"),
            (float("nan"), f"{EXPECTED} nan"),
            (None, f"{EXPECTED} None"),
            (ZeroDivisionError("oops"), "ZeroDivisionError: oops"),
        ],
    )
    def test_a_delay_that_cannot_be_told_fails_the_job_with_both_errors(
        self, buoy_app: App, answer: Any, told: str
    ) -> None:
        def delay(attempt: int, error: BaseException) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        class Telling(Scripted):
            plugins = [Retry(5, delay, on_give_up=alarm)]

        handle = enqueue(Telling, ValueError("no"))

        assert drain(buoy_app) == {"failed": 1}
        failure = found(handle).failure
        assert (failure["message"], failure["also"]) == ("no", told)
        assert alarms == [(Telling.name, 1, "no")]

    def test_a_computed_delay_is_brought_within_bounds(self, buoy_app: App) -> None:
        class Hasty(Scripted):
            plugins = [Retry(5, lambda attempt, error: -1)]

        enqueue(Hasty, ValueError())

        assert drain(buoy_app) == {"later": 1, "done": 1}

    def test_it_is_given_up_only_when_nobody_else_wants_it(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        @dataclass(frozen=True)
        class Rescue(Plugin):
            @hookimpl
            def on_failure(self, job: Job, error: BaseException) -> Later | None:
                return Later(60) if isinstance(error, KeyError) else None

        class Rescued(Scripted):
            plugins = [Retry(0, on_give_up=alarm), Rescue()]

        handle = enqueue(Rescued, KeyError("x"), ValueError("no"))

        assert drain(buoy_app) == {"later": 1}
        assert [each.wait for each in history(found(handle))] == [60]
        assert alarms == []
        buoy_clock.advance(61)
        assert drain(buoy_app) == {"failed": 1}
        assert alarms == [(Rescued.name, 2, "no")]

    def test_observers_before_and_behind_it_see_its_verdict(self, buoy_app: App) -> None:
        seen: list[Any] = []

        @dataclass(frozen=True)
        class Observer(Plugin):
            place: str

            @hookimpl(wrapper=True)
            def on_failure(self, job: Job, error: BaseException) -> Iterator[None]:
                verdict = yield
                seen.append((self.place, verdict))
                return verdict

        @dataclass(frozen=True)
        class Inner(Observer):
            pass

        class Observed(Scripted):
            plugins = [Observer("outer"), Retry(1, 60), Inner("inner")]

        enqueue(Observed, ValueError())
        drain(buoy_app)

        assert sorted(seen) == [("inner", Later(60)), ("outer", Later(60))]


class TestAfterAnOperatorsRetry:
    def test_all_attempts_are_there_anew_and_the_history_goes_on(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        handle = enqueue(Mail, *[ValueError(str(n)) for n in range(5)])
        outcomes(buoy_app, buoy_clock, 4)

        assert retry(buoy_app.control, find(buoy_app.monitor, FailedFilter())) == {
            handle.id: "queued"
        }

        assert drain(buoy_app) == {"later": 1}
        assert [(each.attempt, each.wait) for each in history(found(handle))] == [
            (1, 60),
            (2, 60),
            (3, 60),
            (4, None),
            (1, 60),
        ]
        buoy_clock.advance(61)
        assert drain(buoy_app) == {"done": 1}


def die(job: type[Job], error: Exception) -> Settlement:
    """What becomes of a job whose process has died so."""
    payload = Payload(job.name, [], {}, "a1").encoded()
    held = Reservation("a1", "7:w-1:1", "mail", payload, worker="w-1")
    return settle_death(held, loaded(held), error)


class TestDeaths:
    @pytest.mark.parametrize(
        "error", [DirtyExit("died"), JobTimeout("late"), MemoryExceeded("fat"), WorkerLost("gone")]
    )
    def test_they_are_retried_like_any_error(self, error: Exception) -> None:
        settlement = die(Mail, error)

        assert (settlement.act, settlement.wait) == ("later", 60)
        [record] = json.loads(settlement.payload)["plugins"]["retry"]["history"]
        assert record["error"] == f"buoy.errors.{type(error).__name__}"
        assert record["worker"] == "w-1"

    def test_each_may_have_its_own_rule(self) -> None:
        class Ruled(Scripted):
            plugins = [Retry(5, on={DirtyExit: 60, JobTimeout: 600}, never=WorkerLost)]

        assert die(Ruled, DirtyExit("died")).wait == 60
        assert die(Ruled, MemoryExceeded("fat")).wait == 60
        assert die(Ruled, JobTimeout("late")).wait == 600
        assert die(Ruled, WorkerLost("gone")).act == "failed"


# The stories


class Mailer(Job):
    """S5: all mailers retry three times after a minute."""

    queue = "mail"
    plugins = [Retry(limit=3, delay=60)]


class Welcome(Mailer):
    def perform(self, user_id: int) -> None:
        if self.attempt <= user_id:
            raise TimeoutError("450 busy")


class Newsletter(Mailer):
    plugins = [Retry(limit=1, delay=3600)]

    def perform(self) -> None:
        raise TimeoutError("450 busy")


class Complaint(Mailer):
    plugins = [Without(Retry)]

    def perform(self) -> None:
        raise TimeoutError("450 busy")


class TestStoryS5:
    def test_mailers_have_the_settings_of_their_base(self) -> None:
        assert Welcome.declared == (Retry(limit=3, delay=60),)
        assert Newsletter.declared == (Retry(limit=1, delay=3600),)
        assert Complaint.declared == ()

    def test_busy_servers_do_not_show_as_failures(self, buoy_app: App, buoy_clock: Clock) -> None:
        Welcome.enqueue_many([(n,) for n in range(4)])

        for later in (3, 2, 1):
            assert drain(buoy_app)["later"] == later
            assert list(buoy_app.monitor.failed()) == []
            buoy_clock.advance(61)

        assert drain(buoy_app) == {"done": 1}
        [queue] = buoy_app.monitor.queues()
        assert (queue.done, queue.failed, queue.delayed) == (4, 0, 0)

    def test_who_stays_busy_fails_once(self, buoy_app: App, buoy_clock: Clock) -> None:
        Welcome.enqueue(99)

        assert outcomes(buoy_app, buoy_clock, 5) == [{"later": 1}] * 3 + [{"failed": 1}, {}]

    def test_one_mailer_may_differ(self, buoy_app: App, buoy_clock: Clock) -> None:
        Newsletter.enqueue()
        Complaint.enqueue()

        assert drain(buoy_app) == {"later": 1, "failed": 1}
        buoy_clock.advance(3601)
        assert drain(buoy_app) == {"failed": 1}


charged: list[str] = []


class Charge(Scripted):
    """S8: charges once, and leaves the papers to a job of their own."""

    queue = "purchasing"
    plugins = [Retry(limit=5, delay=90)]

    def perform(self, word: str = "it") -> None:
        super().perform(f"charge {word}")
        charged.append(word)
        Pack.enqueue(word)


class Pack(Scripted):
    queue = "packing"
    plugins = [Retry(limit=5, delay=90)]

    def perform(self, word: str = "it") -> None:
        super().perform(f"pack {word}")
        charged.append(f"{word} packed")


def test_story_s8_each_half_is_retried_on_its_own(buoy_app: App, buoy_clock: Clock) -> None:
    charged.clear()
    script["charge a"] = [ConnectionResetError()]
    script["pack a"] = [OSError("printer on fire"), DirtyExit("killed")]
    Charge.enqueue("a")

    found = outcomes(buoy_app, buoy_clock, 4, 90.1)

    assert found == [{"later": 1}, {"done": 1, "later": 1}, {"later": 1}, {"done": 1}]
    assert charged == ["a", "a packed"]


def test_story_s7_calls_of_other_people_are_just_tried_again(
    buoy_app: App, buoy_clock: Clock
) -> None:
    class Call(Scripted):
        plugins = [Retry(5, [1, 60], on=HTTP_ERRORS)]

    enqueue(
        Call, TimeoutError(), ConnectionRefusedError(), ConnectionResetError(), KeyError("total")
    )

    assert outcomes(buoy_app, buoy_clock, 4) == [{"later": 1}] * 3 + [{"failed": 1}]


@pytest.mark.parametrize(
    "plugin",
    [
        Retry(),
        Retry(0, on_give_up=alarm),
        Retry(
            3, Constant(60, jitter=0.5), on={HTTP_ERRORS: [1, 2], SMTP_ERRORS: 5, Exception: None}
        ),
    ],
)
def test_it_keeps_to_the_contract_of_plugins(buoy_app: App, plugin: Retry) -> None:
    plugin_contract(plugin)


def test_an_attempt_is_a_value() -> None:
    assert Attempt(1, 2.0, "E", "m", "w", None) == Attempt(1, 2.0, "E", "m", "w", None)
