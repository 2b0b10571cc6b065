"""The lines of the log about single jobs: their levels, words, fields and tracebacks."""

import logging
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import pytest

from buoy import Job, Later, Plugin, hookimpl
from buoy.errors import DirtyExit
from buoy.jobs.run import load_run, run, settle_death
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation
from buoy.plugins import log_fields

Records = list[logging.LogRecord]


class Charge(Job):
    name = "shop.Paying"

    def perform(self) -> None:
        raise ValueError("no")


@dataclass(frozen=True)
class Decides(Plugin):
    """Answers on_failure with a value, or raises an error."""

    verdict: Later | None = None
    error: BaseException | None = None

    @hookimpl
    def on_failure(self) -> Later | None:
        if self.error is not None:
            raise self.error
        return self.verdict


def charging(plugin: Plugin) -> type[Charge]:
    return type("Charging", (Charge,), {"plugins": [plugin], "name": "paying"})


def held(job: type[Job]) -> Reservation:
    return raw(Payload(job.name, [], {}, "a1").encoded())


def raw(payload: str) -> Reservation:
    return Reservation("a1", "7:w:1", "mail", payload, worker="w")


class Keeper(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: Records = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[Records]:
    """What the logger of jobs gets during the test, from debug on."""
    caplog.set_level(logging.DEBUG, "buoy.job")
    keeper = Keeper()
    logging.getLogger("buoy.job").addHandler(keeper)
    yield keeper.records
    logging.getLogger("buoy.job").removeHandler(keeper)


def fields(record: logging.LogRecord) -> dict[str, Any]:
    names = ("job_id", "job_class", "queue", "attempt", "worker", "state", "tags")
    return {name: getattr(record, name) for name in names}


def places(trace: TracebackType | None) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(trace)]


class TestFailed:
    def test_a_failed_run_has_its_error_and_the_frames_from_perform_on(
        self, records: Records
    ) -> None:
        run(held(Charge))

        [record] = records
        assert record.levelname == "ERROR"
        assert record.exc_info is not None
        kind, error, trace = record.exc_info
        assert (kind, str(error)) == (ValueError, "no")
        assert places(trace)[0] == "perform"
        assert fields(record) == {
            "job_id": "a1",
            "job_class": "shop.Paying",
            "queue": "mail",
            "attempt": 1,
            "worker": "w",
            "state": "failed",
            "tags": [],
        }

    def test_the_template_has_the_class_and_the_error_and_nothing_that_varies(
        self, records: Records
    ) -> None:
        run(held(Charge))

        facts = "id=%s class=%s queue=%s attempt=%s worker=%s"
        assert records[0].msg == f"shop.Paying failed: ValueError: %s {facts}"

    def test_names_with_percent_signs_and_line_breaks_do_no_harm(self, records: Records) -> None:
        class Odd(Exception):
            __qualname__ = "100%s\nOdd"

        class Job100(Job):
            name = "100%d of"

            def perform(self) -> None:
                raise Odd("50 %s")

        run(held(Job100))

        [record] = records
        assert record.getMessage().startswith(f"100%d of failed: {__name__}.100%s\\nOdd: 50 %s id=")

    def test_a_long_message_is_shortened_in_the_line_and_in_the_traceback(
        self, records: Records
    ) -> None:
        class Chatty(Job):
            name = "chatty"

            def perform(self) -> None:
                raise ValueError("x" * 10**7)

        run(held(Chatty))

        assert len(records[0].getMessage()) < 5_000
        assert len(logging.Formatter().format(records[0])) < 25_000

    def test_a_formatter_of_the_app_shows_the_traceback_of_the_failure_record(
        self, records: Records
    ) -> None:
        settlement = run(held(Charge))

        failure = Payload.decoded(settlement.payload).failure
        assert failure is not None
        assert logging.Formatter().format(records[0]).endswith(failure["traceback"].rstrip())


class TestRetried:
    def test_a_run_that_is_tried_again_is_one_line_and_for_debug_a_traceback(
        self, records: Records
    ) -> None:
        run(held(charging(Decides(Later(5.0)))))

        short, long = records
        assert (short.levelname, short.exc_info) == ("WARNING", None)
        assert short.getMessage().startswith(
            "paying failed and runs again in 5 s: ValueError: no id="
        )
        assert long.levelname == "DEBUG"
        assert long.exc_info is not None
        assert places(long.exc_info[2])[0] == "perform"
        assert fields(short) == fields(long)
        assert fields(short)["state"] == "delayed"

    def test_above_debug_there_is_no_traceback(
        self, records: Records, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "buoy.job")

        run(held(charging(Decides(Later(5.0)))))

        assert [record.levelname for record in records] == ["WARNING"]

    def test_a_snooze_is_one_line_for_information(self, records: Records) -> None:
        run(held(charging(Decides(Later(5.0, count=False)))))

        [record] = records
        assert (record.levelname, record.exc_info) == ("INFO", None)
        assert record.getMessage().startswith("paying runs again in 5 s: ValueError: no id=a1 ")


class TestDeathsAndUnloadableJobs:
    def test_a_death_is_one_error(self, records: Records) -> None:
        reservation = held(Charge)
        settle_death(reservation, load_run(reservation), DirtyExit("signal 9 (SIGKILL)"))

        [record] = records
        assert (record.levelname, record.exc_info) == ("ERROR", None)
        assert record.getMessage().startswith(
            "shop.Paying failed: buoy.errors.DirtyExit: signal 9 (SIGKILL) id=a1 class=shop.Paying "
        )

    def test_an_unknown_class_is_one_error(self, records: Records) -> None:
        payload = Payload("no.Such", [], {}, "a1", attempt=3).encoded()

        run(raw(payload))

        [record] = records
        assert (record.levelname, record.exc_info) == ("ERROR", None)
        assert record.getMessage().startswith("no.Such failed: buoy.errors.UnknownJob: ")
        assert record.getMessage().endswith(" id=a1 class=no.Such queue=mail attempt=3 worker=w")

    def test_an_unreadable_payload_is_one_error(self, records: Records) -> None:
        run(raw("{{{"))

        [record] = records
        assert record.levelname == "ERROR"
        assert record.getMessage().startswith("a job failed: buoy.errors.CorruptPayload: ")
        assert record.getMessage().endswith(" id=a1 queue=mail worker=w")
        assert fields(record)["job_class"] == ""


class TestOnFailure:
    def test_a_plugin_that_raises_is_logged_with_its_traceback(self, records: Records) -> None:
        run(held(charging(Decides(error=KeyError("mine")))))

        second, first = records
        assert second.getMessage().startswith(
            "paying has a plugin that failed in on_failure id=a1 "
        )
        assert second.exc_info is not None
        assert second.exc_info[0] is KeyError
        assert fields(second)["state"] == "running"
        assert first.getMessage().startswith(
            "paying failed: ValueError: no; then KeyError: 'mine' id=a1 "
        )


def test_fields_that_a_record_factory_sets_are_replaced(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Tagged(logging.LogRecord):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.queue, self.tags = "theirs", ["theirs"]

    monkeypatch.setattr(logging, "_logRecordFactory", Tagged)
    run(held(Charge))

    assert (fields(records[0])["queue"], fields(records[0])["tags"]) == ("mail", [])


class TestFieldsForPlugins:
    def test_a_job_that_is_enqueued_and_one_that_runs(self) -> None:
        job = charging(Decides()).using(queue="mail", tags=["vip"], id="a2").build()
        told = {"job_id": "a2", "job_class": "paying", "queue": "mail", "attempt": 1}
        assert log_fields(job) == {**told, "worker": "", "state": "", "tags": ["vip"]}

        run_of_it = load_run(held(Charge)).job()
        assert log_fields(run_of_it)["worker"] == "w"
        assert log_fields(run_of_it)["state"] == "running"

    def test_an_object_that_was_made_by_hand_has_none(self) -> None:
        assert log_fields(Charge()) == {}
