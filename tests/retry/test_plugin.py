"""Retry on job classes, as users see it."""

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
from buoy.jobs.run import load_run, settle_death
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation, Settlement
from buoy.model.retry_answer import RetryAnswer
from buoy.operations.failed_set import Filter as FailedFilter
from buoy.operations.failed_set import find, retry
from buoy.operations.views import JobView
from buoy.testing import Clock, drain, plugin_contract
from buoy_retry import (
    HTTP_ERRORS,
    SMTP_ERRORS,
    Attempt,
    Constant,
    Exponential,
    Retry,
    RetryAfter,
    Snooze,
    history,
)

script: dict[str, list[BaseException | None]] = {}
given_up: list[tuple[str, int, str]] = []


@pytest.fixture(autouse=True)
def silence() -> None:
    script.clear()
    given_up.clear()


def on_give_up(job: Job, error: BaseException) -> None:
    given_up.append((job.payload.name, job.attempt, str(error)))


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
    """Drains several times, with ``seconds`` between; returns the outcomes of each."""
    counts = []
    for _ in range(steps):
        counts.append(dict(drain(app)))
        clock.advance(seconds)
    return counts


class Mail(Scripted):
    plugins = [Retry(limit=3, delay=60, on_give_up=on_give_up)]


class TestRetrying:
    def test_a_job_that_fails_is_run_again_after_the_delay(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        enqueue(Mail, TimeoutError("busy"))

        assert drain(buoy_app) == {"delayed": 1}
        buoy_clock.advance(30)
        assert drain(buoy_app) == {}
        buoy_clock.advance(31)
        assert drain(buoy_app) == {"done": 1}
        assert given_up == []

    def test_a_job_is_delayed_until_its_next_attempt(self, buoy_app: App) -> None:
        handle = enqueue(Mail, TimeoutError("busy"))
        drain(buoy_app)

        view = found(handle)
        [last] = history(view)

        assert (view.state, view.attempt) == ("delayed", 2)
        assert (last.attempt, last.error, last.message) == (1, "TimeoutError", "busy")
        assert (last.worker, last.wait) == ("drain", 60)
        assert view.at is not None
        assert abs(view.at - last.at - 60) < 30
        [queue] = buoy_app.monitor.queues()
        assert (queue.delayed, queue.failed) == (1, 0)

    def test_a_job_fails_once_when_it_is_given_up(self, buoy_app: App, buoy_clock: Clock) -> None:
        handle = enqueue(Mail, *[ValueError(str(n)) for n in range(4)])

        assert outcomes(buoy_app, buoy_clock, 5) == [
            {"delayed": 1},
            {"delayed": 1},
            {"delayed": 1},
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
        assert given_up == [(Mail.name, 4, "3")]
        assert len(list(buoy_app.monitor.failed())) == 1

    def test_without_a_limit_a_job_is_retried_each_time(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        class Endless(Scripted):
            plugins = [Retry(limit=None, delay=Exponential(30, 10, cap=60))]

        enqueue(Endless, *[ValueError()] * 50)

        assert outcomes(buoy_app, buoy_clock, 51) == [{"delayed": 1}] * 50 + [{"done": 1}]

    def test_with_a_limit_of_0_a_job_is_given_up_at_once(self, buoy_app: App) -> None:
        class Once(Scripted):
            plugins = [Retry(limit=0, on_give_up=on_give_up)]

        enqueue(Once, ValueError("no"))

        assert drain(buoy_app) == {"failed": 1}
        assert given_up == [(Once.name, 1, "no")]

    def test_a_delay_of_0_retries_at_once(self, buoy_app: App) -> None:
        class AtOnce(Scripted):
            plugins = [Retry(limit=2, delay=0)]

        enqueue(AtOnce, ValueError(), ValueError())

        assert drain(buoy_app) == {"delayed": 2, "done": 1}

    @pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
    def test_a_job_that_exits_is_not_retried(self, buoy_app: App, error: BaseException) -> None:
        enqueue(Mail, error)

        assert drain(buoy_app) == {"failed": 1}

    def test_a_job_that_exits_is_retried_if_on_names_the_exit(self, buoy_app: App) -> None:
        class Stubborn(Scripted):
            plugins = [Retry(on=(Exception, SystemExit))]

        enqueue(Stubborn, SystemExit(1))

        assert drain(buoy_app) == {"delayed": 1}

    def test_in_inline_mode_the_error_is_raised_at_once(self, buoy_app: App) -> None:
        with buoy_app.inline(), pytest.raises(TimeoutError):
            enqueue(Mail, TimeoutError())


class TestLog:
    def test_each_failed_attempt_is_logged_once_with_its_error(
        self, buoy_app: App, buoy_clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Once(Scripted):
            plugins = [Retry(1, 60)]

        handle = enqueue(Once, TimeoutError("busy"), TimeoutError("busy"))
        with caplog.at_level(logging.INFO, "buoy"):
            drain(buoy_app)
            buoy_clock.advance(60)
            drain(buoy_app)

        first, last = [each for each in caplog.records if each.name.startswith("buoy.")]
        assert first.getMessage().startswith(
            f"{Once.name} failed and runs again in 60 s: TimeoutError: busy id={handle.id} "
        )
        assert last.getMessage().startswith(
            f"{Once.name} failed: TimeoutError: busy id={handle.id} "
        )
        assert (first.levelname, last.levelname) == ("WARNING", "ERROR")
        assert (first.exc_info is None, last.exc_info is None) == (True, False)


class TestRetryAfter:
    def test_retry_after_chooses_the_wait(self, buoy_app: App, buoy_clock: Clock) -> None:
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

    def test_never_takes_precedence_over_retry_after(self, buoy_app: App) -> None:
        class Never(Scripted):
            plugins = [Retry(never=RetryAfter)]

        enqueue(Never, RetryAfter(5))

        assert drain(buoy_app) == {"failed": 1}

    @pytest.mark.parametrize(("asked", "wait"), [(-5, 0), (1e300, 31_536_000), (2.5, 2.5)])
    def test_the_seconds_of_retry_after_and_snooze_are_limited(
        self, asked: float, wait: float
    ) -> None:
        assert RetryAfter(asked).seconds == wait
        assert Snooze(asked).seconds == wait

    def test_retry_after_and_snooze_have_a_message(self) -> None:
        assert str(RetryAfter(5)) == "run again in 5 s"
        assert str(Snooze(5)) == "run again in 5 s"
        assert str(Snooze(5, "not there yet")) == "not there yet"


class Polling(Scripted):
    plugins = [Retry(limit=1, delay=60, max_snoozes=3, on_give_up=on_give_up)]
    expires = 100


class TestAgain:
    def test_a_snooze_is_no_failure_and_uses_no_retry(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        handle = enqueue(Polling, Snooze(60), ValueError("no"), Snooze(60))
        drain(buoy_app)

        view = found(handle)
        assert (view.state, view.attempt, history(view)) == ("delayed", 1, [])
        buoy_clock.advance(61)
        assert outcomes(buoy_app, buoy_clock, 3) == [{"delayed": 1}, {"delayed": 1}, {"done": 1}]

    def test_a_job_is_given_up_after_max_snoozes(self, buoy_app: App, buoy_clock: Clock) -> None:
        handle = enqueue(Polling, *[Snooze(60)] * 4)

        assert outcomes(buoy_app, buoy_clock, 4) == [{"delayed": 1}] * 3 + [{"failed": 1}]
        message = "run again in 60 s, but given up: it was snoozed 3 times before"
        assert given_up == [(Polling.name, 1, message)]
        [last] = history(found(handle))
        assert last.message == message
        assert found(handle).failure["message"] == message

    def test_snoozes_are_counted_from_0_after_an_operator_s_retry(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        enqueue(Polling, *[Snooze(60)] * 7)
        outcomes(buoy_app, buoy_clock, 4)

        retry(buoy_app.control, buoy_app.monitor.failed())

        assert outcomes(buoy_app, buoy_clock, 4) == [{"delayed": 1}] * 3 + [{"done": 1}]


EXPECTED = "buoy.errors.PluginError: Retry: delay(attempt, error): expected seconds, got"


class TestGivingUp:
    def test_an_on_give_up_that_raises_does_not_hide_the_failure(
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
        [record] = [each for each in caplog.records if each.name == "buoy.retry"]
        assert record.message == f"<{Alarming.name} {handle.id} attempt 1>: on_give_up has failed"
        assert vars(record)["job_id"] == handle.id

    def test_on_give_up_can_read_the_history(self, buoy_app: App, buoy_clock: Clock) -> None:
        seen: list[list[str]] = []

        def look(job: Job, error: BaseException) -> None:
            seen.append([each.message for each in history(job)])

        class Looking(Scripted):
            plugins = [Retry(1, 60, on_give_up=look)]

        enqueue(Looking, ValueError("first"), ValueError("second"))
        outcomes(buoy_app, buoy_clock, 2)

        assert seen == [["first", "second"]]

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ("soon", f"{EXPECTED} 'soon'"),
            (float("nan"), f"{EXPECTED} nan"),
            (None, f"{EXPECTED} None"),
            (ZeroDivisionError("oops"), "ZeroDivisionError: oops"),
        ],
    )
    def test_a_delay_that_cannot_be_told_fails_the_job_with_both_errors(
        self, buoy_app: App, answer: Any, message: str
    ) -> None:
        def delay(attempt: int, error: BaseException) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        class Telling(Scripted):
            plugins = [Retry(5, delay, on_give_up=on_give_up)]

        handle = enqueue(Telling, ValueError("no"))

        assert drain(buoy_app) == {"failed": 1}
        failure = found(handle).failure
        assert (failure["message"], failure["also"]) == ("no", message)
        assert given_up == [(Telling.name, 1, "no")]

    def test_a_computed_delay_is_limited(self, buoy_app: App) -> None:
        class Hasty(Scripted):
            plugins = [Retry(5, lambda attempt, error: -1)]

        enqueue(Hasty, ValueError())

        assert drain(buoy_app) == {"delayed": 1, "done": 1}

    def test_a_job_is_given_up_only_when_no_other_plugin_retries_it(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        @dataclass(frozen=True)
        class Rescue(Plugin):
            @hookimpl
            def on_failure(self, job: Job, error: BaseException) -> Later | None:
                return Later(60) if isinstance(error, KeyError) else None

        class Rescued(Scripted):
            plugins = [Retry(0, on_give_up=on_give_up), Rescue()]

        handle = enqueue(Rescued, KeyError("x"), ValueError("no"))

        assert drain(buoy_app) == {"delayed": 1}
        assert [each.wait for each in history(found(handle))] == [60]
        assert given_up == []
        buoy_clock.advance(61)
        assert drain(buoy_app) == {"failed": 1}
        assert given_up == [(Rescued.name, 2, "no")]

    def test_outer_and_inner_wrappers_see_the_decision_of_retry(self, buoy_app: App) -> None:
        seen: list[Any] = []

        @dataclass(frozen=True)
        class Observer(Plugin):
            place: str

            @hookimpl(wrapper=True)
            def on_failure(self, job: Job, error: BaseException) -> Iterator[None]:
                later = yield
                seen.append((self.place, later))
                return later

        @dataclass(frozen=True)
        class Inner(Observer):
            pass

        class Observed(Scripted):
            plugins = [Observer("outer"), Retry(1, 60), Inner("inner")]

        enqueue(Observed, ValueError())
        drain(buoy_app)

        assert sorted(seen) == [("inner", Later(60)), ("outer", Later(60))]


class TestAfterAnOperatorsRetry:
    def test_an_operator_s_retry_allows_all_attempts_again_and_keeps_the_history(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        handle = enqueue(Mail, *[ValueError(str(n)) for n in range(5)])
        outcomes(buoy_app, buoy_clock, 4)

        assert retry(buoy_app.control, find(buoy_app.monitor, FailedFilter())) == {
            handle.id: RetryAnswer("queued")
        }

        assert drain(buoy_app) == {"delayed": 1}
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
    """Returns the settlement of a job whose process died with this error."""
    payload = Payload(job.name, [], {}, "a1").encoded()
    reservation = Reservation("a1", "7:w-1:1", "mail", payload, worker="w-1")
    return settle_death(reservation, load_run(reservation), error)


class TestDeaths:
    @pytest.mark.parametrize(
        "error", [DirtyExit("died"), JobTimeout("late"), MemoryExceeded("fat"), WorkerLost("gone")]
    )
    def test_deaths_of_processes_are_retried_like_any_error(self, error: Exception) -> None:
        settlement = die(Mail, error)

        assert (settlement.outcome, settlement.wait) == ("delayed", 60)
        [record] = json.loads(settlement.payload)["plugins"]["retry"]["history"]
        assert record["error"] == f"buoy.errors.{type(error).__name__}"
        assert record["worker"] == "w-1"

    def test_each_kind_of_death_can_have_its_own_rule(self) -> None:
        class Ruled(Scripted):
            plugins = [Retry(5, on={DirtyExit: 60, JobTimeout: 600}, never=WorkerLost)]

        assert die(Ruled, DirtyExit("died")).wait == 60
        assert die(Ruled, MemoryExceeded("fat")).wait == 60
        assert die(Ruled, JobTimeout("late")).wait == 600
        assert die(Ruled, WorkerLost("gone")).outcome == "failed"


# Longer examples


class Mailer(Job):
    """All mailers retry three times after a minute."""

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


class TestInheritance:
    def test_classes_inherit_the_retry_of_their_base(self) -> None:
        assert Welcome._declared == (Retry(limit=3, delay=60),)
        assert Newsletter._declared == (Retry(limit=1, delay=3600),)
        assert Complaint._declared == ()

    def test_retried_jobs_are_not_in_the_failed_set(self, buoy_app: App, buoy_clock: Clock) -> None:
        Welcome.enqueue_many([(n,) for n in range(4)])

        for later in (3, 2, 1):
            assert drain(buoy_app)["delayed"] == later
            assert list(buoy_app.monitor.failed()) == []
            buoy_clock.advance(61)

        assert drain(buoy_app) == {"done": 1}
        [queue] = buoy_app.monitor.queues()
        assert (queue.done, queue.failed, queue.delayed) == (4, 0, 0)

    def test_a_job_that_fails_each_time_is_failed_once(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        Welcome.enqueue(99)

        assert outcomes(buoy_app, buoy_clock, 5) == [{"delayed": 1}] * 3 + [{"failed": 1}, {}]

    def test_a_class_can_override_the_retry_of_its_base(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        Newsletter.enqueue()
        Complaint.enqueue()

        assert drain(buoy_app) == {"delayed": 1, "failed": 1}
        buoy_clock.advance(3601)
        assert drain(buoy_app) == {"failed": 1}


charged: list[str] = []


class Charge(Scripted):
    """Charges once, and leaves the packing to another job."""

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


def test_a_job_and_the_job_that_it_enqueues_are_retried_separately(
    buoy_app: App, buoy_clock: Clock
) -> None:
    charged.clear()
    script["charge a"] = [ConnectionResetError()]
    script["pack a"] = [OSError("printer on fire"), DirtyExit("killed")]
    Charge.enqueue("a")

    found = outcomes(buoy_app, buoy_clock, 4, 90.1)

    assert found == [{"delayed": 1}, {"done": 1, "delayed": 1}, {"delayed": 1}, {"done": 1}]
    assert charged == ["a", "a packed"]


def test_http_calls_are_retried_after_http_errors_only(buoy_app: App, buoy_clock: Clock) -> None:
    class Call(Scripted):
        plugins = [Retry(5, [30, 60], on=HTTP_ERRORS)]

    enqueue(
        Call, TimeoutError(), ConnectionRefusedError(), ConnectionResetError(), KeyError("total")
    )

    assert outcomes(buoy_app, buoy_clock, 4) == [{"delayed": 1}] * 3 + [{"failed": 1}]


@pytest.mark.parametrize(
    "plugin",
    [
        Retry(),
        Retry(0, on_give_up=on_give_up),
        Retry(
            3, Constant(60, jitter=0.5), on={HTTP_ERRORS: [1, 2], SMTP_ERRORS: 5, Exception: None}
        ),
    ],
)
def test_retry_keeps_the_contract_of_plugins(buoy_app: App, plugin: Retry) -> None:
    plugin_contract(plugin)


def test_an_attempt_is_a_value() -> None:
    assert Attempt(1, 2.0, "E", "m", "w", None) == Attempt(1, 2.0, "E", "m", "w", None)
