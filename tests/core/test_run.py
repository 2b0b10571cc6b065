import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from buoy import App, Job, Later, Plugin, hookimpl
from buoy.errors import DirtyExit
from buoy.jobs.run import load_run, run, settle_death
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation, Settlement


def held(job: type[Job], *args: Any, **fields: Any) -> Reservation:
    """A reserved job of this class; fields of the reservation, and of the payload."""
    known = ("lost", "now", "crash_limit_reached", "begun")
    facts = {name: fields.pop(name) for name in known if name in fields}
    payload = Payload(job.name, list(args), {}, "a1", **fields)
    return raw(payload.encoded(), **facts)


def raw(text: str, **facts: Any) -> Reservation:
    return Reservation("a1", "7:w:1", "mail", text, worker="w", **facts)


def failure_in(settlement: Settlement) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(settlement.payload)["failure"]
    return record


class Charge(Job):
    name = "charge"

    def perform(self, what: Any = None) -> Any:
        if isinstance(what, dict) and "raise" in what:
            raise errors[what["raise"]].with_traceback(None)  # another test may have raised it


errors: dict[str, BaseException] = {
    "value": ValueError("no"),
    "exit": SystemExit(3),
    "interrupt": KeyboardInterrupt(),
    "generator": GeneratorExit(),
    "memory": MemoryError(),
}


AGAIN = Later(5.0)


@dataclass(frozen=True)
class Again(Plugin):
    """Runs a failed job again; or does what else it is told to."""

    verdict: Any = AGAIN
    error: Any = None
    notes: bool = False

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Any:
        job.plugin_data.setdefault("again", {"seen": 0})["seen"] += 1
        if self.notes:
            job.transition.then("SET", "buoy:{mail}:note", "failed")
        if self.error is not None:
            raise self.error
        return self.verdict


def charging(plugin: Plugin, name: str = "charging") -> type[Job]:
    return type("Charging", (Charge,), {"plugins": [plugin], "name": name})


class TestDone:
    def test_a_job_that_returns_is_done(self) -> None:
        settlement = run(held(Charge))

        assert settlement[:4] == ("a1", "7:w:1", "mail", "done")

    def test_its_class_and_its_times_are_told(self) -> None:
        reservation = held(Charge, enqueued_at=95.5, now=100.0)
        settlement = run(reservation)

        assert (settlement.name, settlement.waited) == ("charge", 4.5)
        assert settlement.seconds is not None
        assert 0.0 <= settlement.seconds < 60.0
        assert run(reservation._replace(due=98.0)).waited == 2.0
        assert run(reservation._replace(due=101.0)).waited == 0.0

    def test_a_run_that_has_not_begun_has_no_seconds(self) -> None:
        expired = held(Charge, expires_at=5.0)._replace(now=6.0)
        unknown = held(Charge)._replace(payload='{"class":"nobody","args":[],"id":"a1"}')

        for reservation in (expired, unknown):
            assert run(reservation).seconds is None

    def test_what_plugins_attached_goes_along(self) -> None:
        @dataclass(frozen=True)
        class Noting(Plugin):
            @hookimpl(wrapper=True)
            def around_perform(self, job: Job) -> Iterator[None]:
                result = yield
                job.transition.then("SET", "buoy:{mail}:note", "done")
                return result

        settlement = run(held(charging(Noting(), "noting")))

        assert settlement.commands == (("SET", "buoy:{mail}:note", "done"),)


class TestFailed:
    @pytest.mark.parametrize(
        ("key", "error", "message"),
        [
            ("value", "ValueError", "no"),
            ("exit", "SystemExit", "3"),
            ("interrupt", "KeyboardInterrupt", ""),
            ("generator", "GeneratorExit", ""),
            ("memory", "MemoryError", ""),
        ],
    )
    def test_whatever_a_job_raises_is_its_failure(self, key: str, error: str, message: str) -> None:
        settlement = run(held(Charge, {"raise": key}, attempt=2))

        assert settlement.outcome == "failed"
        record = failure_in(settlement)
        assert (record["error"], record.get("message", "")) == (error, message)
        assert (record["cause"], record["attempt"], record["worker"]) == ("exception", 2, "w")
        assert "in perform" in record["traceback"]
        assert "buoy/jobs/run.py" not in record["traceback"]

    def test_the_error_of_a_coroutine_has_no_other_error_behind_it(self) -> None:
        class FailsSoon(Job):
            name = "run.fails_soon"

            async def perform(self) -> None:
                raise KeyError

        record = failure_in(run(held(FailsSoon)))

        assert "During handling" not in record["traceback"]

    def test_what_the_run_attached_is_not_applied(self) -> None:
        class Noting(Job):
            name = "noting-then-failing"

            def perform(self) -> None:
                self.transition.then("SET", "buoy:{mail}:note", "x")
                raise KeyError

        assert not run(held(Noting)).commands

    def test_the_next_run_gets_the_arguments_as_they_were(self) -> None:
        class Greedy(Job):
            name = "greedy"
            plugins = [Again()]

            def perform(self, items: list[int]) -> None:
                items.clear()
                raise KeyError

        settlement = run(held(Greedy, [1, 2]))

        assert Payload.decoded(settlement.payload).args == [[1, 2]]

    def test_an_exception_may_have_attributes_of_its_own(self) -> None:
        class Odd(Exception):
            cause = object()

        class Raising(Job):
            name = "raising-odd"

            def perform(self) -> None:
                raise Odd

        assert failure_in(run(held(Raising)))["cause"] == "exception"


class TestVerdicts:
    def test_a_job_may_be_run_again_later(self) -> None:
        settlement = run(held(charging(Again()), {"raise": "value"}))

        assert (settlement.outcome, settlement.wait) == ("delayed", 5.0)
        payload = Payload.decoded(settlement.payload)
        assert (payload.attempt, payload.failure) == (2, None)
        assert payload.plugins == {"again": {"seen": 1}}

    def test_a_job_may_run_again_as_the_same_attempt(self) -> None:
        settlement = run(held(charging(Again(Later(0, count=False))), {"raise": "value"}))

        assert Payload.decoded(settlement.payload).attempt == 1

    def test_a_job_whose_plugins_do_not_decide_fails(self) -> None:
        assert run(held(charging(Again(None)), {"raise": "value"})).outcome == "failed"

    def test_what_on_failure_attached_goes_along(self) -> None:
        settlement = run(held(charging(Again(notes=True)), {"raise": "value"}))

        assert settlement.commands == (("SET", "buoy:{mail}:note", "failed"),)

    def test_a_plugin_that_raises_hides_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        class Unshowable(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        for error, also in (
            (KeyError("mine"), "KeyError: 'mine'"),
            (KeyError("\ud800" * 10**6), "KeyError: '\\ud800"),
            (
                Unshowable(),
                f"{__name__}.{Unshowable.__qualname__}: (cannot be shown: RuntimeError)",
            ),
        ):
            settlement = run(held(charging(Again(error=error)), {"raise": "value"}))

            record = failure_in(settlement)
            assert (record["error"], record["message"]) == ("ValueError", "no")
            assert record["also"].startswith(also)
            assert len(record["also"]) < 5000
        assert "has a plugin that failed in on_failure" in caplog.text

    def test_on_failure_refuses_an_answer_that_is_no_verdict(self) -> None:
        settlement = run(held(charging(Again("soon")), {"raise": "value"}))

        record = failure_in(settlement)
        assert record["error"] == "ValueError"
        assert record["also"] == (
            "buoy.errors.PluginError: charging: on_failure: expected Later or None, got 'soon'"
        )

    @pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
    def test_later_is_not_never(self, seconds: float) -> None:
        from buoy import ConfigurationError

        with pytest.raises(ConfigurationError, match=r"^Later\.seconds: expected 0 or more, got "):
            Later(seconds)

    def test_what_a_plugin_carries_must_be_plain(self) -> None:
        @dataclass(frozen=True)
        class Carrying(Plugin):
            @hookimpl
            def on_failure(self, job: Job, error: BaseException) -> Later:
                job.plugin_data["mine"] = {"when": {1, 2}}
                return Later(5)

        settlement = run(held(charging(Carrying(), "carrying"), {"raise": "value"}))

        assert settlement.outcome == "failed"
        record = failure_in(settlement)
        assert (record["error"], record["message"]) == ("ValueError", "no")
        assert record["also"] == (
            "buoy.errors.PluginError: carrying: job.plugin_data: expected what JSON can hold, got: "
            "Object of type set is not JSON serializable"
        )


class TestExpiry:
    def test_a_job_that_comes_too_late_is_rejected(self) -> None:
        settlement = run(held(Charge, expires_at=100.0, now=100.1))

        assert settlement.outcome == "rejected"

    def test_a_job_that_has_not_expired_runs(self) -> None:
        assert run(held(Charge, expires_at=100.0, now=99.9)).outcome == "done"

    def test_a_job_that_began_in_time_does_not_expire_later(self) -> None:
        assert run(held(Charge, expires_at=100.0, now=200.0, attempt=2)).outcome == "done"
        assert run(held(Charge, expires_at=100.0, now=200.0, begun=True)).outcome == "done"

    def test_a_first_attempt_that_was_put_off_does_not_expire(self) -> None:
        again = charging(Again(Later(60, count=False)))
        settlement = run(held(again, {"raise": "value"}, expires_at=100.0, now=99.9))

        assert Payload.decoded(settlement.payload).attempt == 1
        assert Payload.decoded(settlement.payload).expires_at is None


class TestNotRun:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[" * 10**5,
            "[]",
            '{"class":1}',
            "\udcff\udc00",
            '{"class":"charge","id":"a","a',
        ],
    )
    def test_what_is_no_payload_is_kept_whole(self, text: str) -> None:
        settlement = run(raw(text))

        assert settlement.outcome == "failed"
        shelf = json.loads(settlement.payload)
        assert shelf["raw"] == text
        assert shelf["failure"]["error"] == "buoy.errors.CorruptPayload"
        assert shelf["failure"]["cause"] == "not run"

    def test_a_class_that_is_not_there_is_a_failure(self) -> None:
        text = '{"class":"os.system","args":["true"],"id":"a1","enqueued_at":1.0,"odd":7}'

        settlement = run(raw(text))

        fields = json.loads(settlement.payload)
        failure = fields.pop("failure")
        assert fields == json.loads(text)
        assert (failure["error"], failure["cause"]) == ("buoy.errors.UnknownJob", "not run")
        assert failure["message"].startswith("no job named 'os.system': expected one of the ")

    def test_arguments_that_no_longer_fit_are_a_failure(self) -> None:
        record = failure_in(run(held(Charge, 1, 2, 3)))

        assert record["error"] == "TypeError"
        assert record["message"].startswith("Charge.perform() takes from 1 to 2 positional argum")


class TestGivenUp:
    def test_a_job_that_loses_its_workers_is_not_run_again(self) -> None:
        ran: list[int] = []

        class Deadly(Job):
            name = "deadly"

            def perform(self) -> None:
                ran.append(1)

        settlement = run(held(Deadly, lost=4, crash_limit_reached=True))

        assert ran == []
        record = failure_in(settlement)
        assert (record["error"], record["cause"]) == ("buoy.errors.WorkerLost", "leases lost")
        assert record["message"] == (
            "the worker was lost 4 times while it held this job (killed, out of memory, or cut "
            "off for longer than its lease)"
        )

    def test_plugins_of_a_job_that_lost_its_workers_are_asked(self) -> None:
        settlement = run(held(charging(Again()), lost=4, crash_limit_reached=True))

        assert settlement.outcome == "delayed"


class TestDeath:
    def test_the_plugins_are_asked_when_a_process_dies(self) -> None:
        error = DirtyExit("killed by SIGKILL")
        error.cause = "SIGKILL"

        assert died(held(charging(Again())), error).outcome == "delayed"
        record = failure_in(died(held(Charge), error))
        assert (record["error"], record["message"]) == (
            "buoy.errors.DirtyExit",
            "killed by SIGKILL",
        )
        assert record["cause"] == "SIGKILL"


def died(reservation: Reservation, error: DirtyExit) -> Settlement:
    return settle_death(reservation, load_run(reservation), error)


class TestLog:
    def test_each_run_is_one_line(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, "buoy.job")

        run(held(Charge))
        run(held(Charge, {"raise": "value"}))
        run(held(charging(Again()), {"raise": "value"}))
        run(held(Charge, expires_at=1.0, now=2.0))

        again = "id=a1 class=charging queue=mail attempt=1 worker=w"
        facts = "id=a1 class=charge queue=mail attempt=1 worker=w"
        assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
            ("DEBUG", f"charge done {facts}"),
            ("ERROR", f"charge failed: ValueError: no {facts}"),
            ("WARNING", f"charging failed and runs again in 5 s: ValueError: no {again}"),
            ("DEBUG", f"charging failed: ValueError: no {again}"),
            ("WARNING", f"charge rejected: expired {facts}"),
        ]


def test_a_run_in_the_midst_of_deep_recursion_comes_back() -> None:
    class Deep(Job):
        name = "deep"

        def perform(self, left: int = 10**6) -> None:
            self.perform(left - 1)

    assert failure_in(run(held(Deep)))["error"] == "RecursionError"
    assert sys.getrecursionlimit() > 0


def test_the_root_app_is_that_of_all_jobs() -> None:
    assert isinstance(Job.app, App)
    assert Charge.app is Job.app


class Stops(Job):
    """A job that leaves clocks which do not work, as a careless mock does."""

    def perform(self) -> None:
        import time

        broken: Any = None
        time.time = time.monotonic = time.time_ns = broken
        raise ValueError("its own")


def test_a_job_that_breaks_the_clocks_fails_with_its_own_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import time

    for name in ("time", "time_ns", "monotonic"):
        monkeypatch.setattr(time, name, getattr(time, name))

    settlement = run(held(Stops))
    monkeypatch.undo()

    failure = failure_in(settlement)
    assert (failure["error"], failure["message"]) == ("ValueError", "its own")
    assert failure["failed_at"] == pytest.approx(time.time(), abs=60)
    assert settlement.seconds is not None
