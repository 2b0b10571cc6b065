"""The parts of a child: what it does with its task, its signals and its answer."""

import json
import logging
import mmap
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from buoy import Job, hookimpl
from buoy.errors import JobTimeout, Terminated
from buoy.executor.fork import child
from buoy.executor.fork.answers import answer_of, parse_answer
from buoy.executor.fork.child import (
    DONE,
    do_task,
    encode_answer,
    send,
    term_handler,
    warm_up,
)
from buoy.executor.fork.child_state import MARK, NEVER, NO_LIMITS, Child, Limits, death_of
from buoy.executor.fork.frames import Frames
from buoy.executor.fork.process_table import TERMINATED, TIMED_OUT
from buoy.jobs.relay import WorkerRelay
from buoy.jobs.run import load_run
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation, Settlement


class Note(Job):
    name = "child.note"
    seen: list[str] = []

    def perform(self, word: str) -> None:
        self.seen.append(word)


def reservation_of(*args: Any, name: str = Note.name) -> Reservation:
    return Reservation("a1", "7:w:1", "mail", Payload(name, list(args), {}, "a1").encoded())


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of the jobs that have run."""
    seen: list[str] = []
    monkeypatch.setattr(Note, "seen", seen)
    return seen


@pytest.fixture
def without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "redis", raising=False)


def hooks(after_fork: Callable[[], object]) -> WorkerRelay:
    """The hooks of an app whose module has after_fork."""
    module = ModuleType("app")
    module.after_fork = hookimpl(after_fork)  # type: ignore[attr-defined]
    return WorkerRelay([module])


def parsed(data: bytes) -> dict[str, Any]:
    [answer] = Frames(MARK).feed(data)
    return dict(answer)


class TestTask:
    def test_runs_the_job(self, seen: list[str]) -> None:
        reservation = reservation_of("word")

        assert do_task(reservation, load_run(reservation), None, None).outcome == "done"
        assert seen == ["word"]

    def test_calls_the_hook_first(self, seen: list[str]) -> None:
        reservation = reservation_of("word")

        do_task(reservation, load_run(reservation), None, hooks(lambda: seen.append("hook")))

        assert seen == ["hook", "word"]

    def test_a_hook_that_fails_is_the_failure_of_the_job(self, seen: list[str]) -> None:
        reservation = reservation_of("word")

        def fail() -> None:
            raise SystemExit("hook")

        settlement = do_task(reservation, load_run(reservation), None, hooks(fail))

        assert json.loads(settlement.payload)["failure"]["error"] == "SystemExit"
        assert seen == []

    def test_settles_a_job_that_died_before_without_running_it(self, seen: list[str]) -> None:
        reservation = reservation_of("word")

        settlement = do_task(reservation, load_run(reservation), JobTimeout("late"), None)

        assert json.loads(settlement.payload)["failure"]["error"] == "buoy.errors.JobTimeout"
        assert seen == []

    def test_settles_a_job_that_could_not_be_loaded(self) -> None:
        settlement = do_task(reservation_of(name="no.such"), None, KeyError("no.such"), None)

        assert json.loads(settlement.payload)["failure"]["cause"] == "not run"


class TestWarmUp:
    def test_runs_a_job_that_is_done_and_logs_nothing(
        self,
        without_redis: None,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        answers: list[bytes] = []
        encode = child.encode_answer

        def record(reservation: Reservation, settlement: Settlement) -> bytes:
            answers.append(encode(reservation, settlement))
            return answers[-1]

        monkeypatch.setattr(child, "encode_answer", record)
        with caplog.at_level(logging.INFO):
            warm_up()

        assert answers == [DONE] * child.WARM_UP_RUNS
        assert caplog.messages == []

    def test_runs_nothing_where_each_run_would_be_logged(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(child, "encode_answer", lambda *_: pytest.fail("it has run"))
        with caplog.at_level(logging.DEBUG, "buoy.job"):
            warm_up()

        assert caplog.messages == []

    def test_nobody_can_enqueue_its_job(self) -> None:
        assert not issubclass(child.WarmUp, Job)


class TestTerm:
    @pytest.fixture
    def flags(self) -> Iterator[mmap.mmap]:
        with mmap.mmap(-1, 8) as flags:
            yield flags

    def test_is_ignored_while_its_flag_is_not_set(self, flags: mmap.mmap) -> None:
        flags[3] = TERMINATED

        term_handler(None, None, flags, 2)(signal.SIGTERM, None)

    def test_raises_in_the_job_that_its_worker_stops(self, flags: mmap.mmap) -> None:
        flags[2] = TERMINATED

        job = load_run(reservation_of("word"))

        with pytest.raises(Terminated) as raised:
            term_handler(job, 60.0, flags, 2)(signal.SIGTERM, None)

        assert job.ended_by is raised.value

    def test_raises_in_the_job_that_its_timeout_is_over(self, flags: mmap.mmap) -> None:
        """The nursery decides that: a child may begin long after its fork."""
        flags[2] = TIMED_OUT

        with pytest.raises(JobTimeout, match=r"^the job ran longer than its timeout of 60 s: "):
            term_handler(None, 60.0, flags, 2)(signal.SIGTERM, None)


class TestAnswer:
    def test_of_most_jobs_is_made_already(self, without_redis: None) -> None:
        assert encode_answer(reservation_of(), Settlement.of(reservation_of(), "done")) is DONE
        assert parsed(DONE) == {"outcome": "done"}

    def test_says_that_the_job_has_loaded_the_client(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "redis", sys)

        assert parsed(encode_answer(reservation_of(), Settlement.of(reservation_of(), "done")))[
            "redis"
        ]

    def test_that_no_frame_can_hold_is_a_failure(self, without_redis: None) -> None:
        reservation = reservation_of("word")
        settlement = Settlement.of(reservation, "done", commands=[["SET", "key", object()]])

        answer = parsed(encode_answer(reservation, settlement))

        assert answer["outcome"] == "failed"
        assert json.loads(answer["payload"])["failure"]["error"] == "TypeError"

    @pytest.mark.parametrize(
        "facts",
        [
            {"outcome": "done", "commands": [["SET", "key", 1.5]]},
            {"outcome": "failed", "payload": "{}"},
            {"outcome": "rejected"},
            {"outcome": "delayed", "payload": "{}", "wait": 2.5, "name": "a", "waited": 0.5},
            {"outcome": "done", "name": "a", "waited": 7, "seconds": 1.5},
            {"outcome": "done", "children": [["b", "{}", "Job"], ["{}"]]},
        ],
    )
    def test_is_parsed_to_the_settlement_that_it_was_made_of(self, facts: dict[str, Any]) -> None:
        settlement = Settlement.of(reservation_of(), **facts)
        received = json.loads(json.dumps(answer_of(settlement)))

        parsed = parse_answer(reservation_of(), received)

        assert parsed is not None
        bare: dict[str, Any] = {"commands": (), "children": ()}
        assert parsed._replace(**bare) == settlement._replace(**bare)
        assert list(parsed.children) == list(settlement.children)
        assert list(parsed.commands) == list(settlement.commands)

    @pytest.mark.parametrize(
        "value",
        [
            None,
            [],
            "done",
            {},
            {"outcome": "crashed"},
            {"outcome": ["done"]},
            {"outcome": "done", "payload": 7},
            {"outcome": "done", "wait": "1"},
            {"outcome": "done", "wait": -1},
            {"outcome": "done", "wait": True},
            {"outcome": "done", "wait": float("inf")},
            {"outcome": "done", "wait": float("nan")},
            {"outcome": "done", "name": None},
            {"outcome": "done", "waited": -1},
            {"outcome": "done", "waited": None},
            {"outcome": "done", "seconds": "1"},
            {"outcome": "done", "seconds": float("inf")},
            {"outcome": "done", "commands": 7},
            {"outcome": "done", "commands": "SET"},
            {"outcome": "done", "commands": ["SET"]},
            {"outcome": "done", "commands": [["SET", None]]},
        ],
    )
    def test_other_values_are_none(self, value: Any) -> None:
        assert parse_answer(reservation_of(), value) is None


class TestSend:
    @pytest.fixture
    def pipe(self) -> Iterator[tuple[int, int, tuple[int, int]]]:
        reader, writer = os.pipe()
        this = os.fstat(reader)
        yield writer, reader, (this.st_dev, this.st_ino)
        os.close(reader)

    def test_writes_into_the_pipe(self, pipe: Any) -> None:
        send(pipe, os.getpid(), b"answer")
        os.close(pipe[0])

        assert os.read(pipe[1], 99) == b"answer"
        assert os.read(pipe[1], 99) == b""

    def test_finds_the_pipe_again_that_the_job_has_closed(self, pipe: Any) -> None:
        os.close(pipe[0])

        send(pipe, os.getpid(), b"answer")

        assert os.read(pipe[1], 99) == b"answer"

    def test_writes_into_no_file_that_has_taken_its_place(self, pipe: Any, tmp_path: Any) -> None:
        file = os.open(tmp_path / "file", os.O_CREAT | os.O_WRONLY)
        os.dup2(file, pipe[0])

        send(pipe, os.getpid(), b"answer")

        assert os.read(pipe[1], 99) == b"answer"
        assert (tmp_path / "file").read_bytes() == b""
        os.close(file)
        os.close(pipe[0])


class TestDeath:
    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Time stands still, one and a half seconds after the start."""
        monkeypatch.setattr(
            "buoy.executor.fork.child_state.time", SimpleNamespace(monotonic=lambda: 101.5)
        )

    def child(self, ended_for: str = "", **limits: Any) -> Child:
        started = 100.0
        child = Child(1, -1, reservation_of(), None, 0, started, Limits(**limits))
        child.ended_for = ended_for
        return child

    def test_names_the_signal_the_seconds_and_the_memory(self) -> None:
        death = death_of(self.child(), signal.SIGSEGV, 2048)

        assert str(death) == (
            "the process of the job ended by signal 11 (SIGSEGV) after 1.5 s, "
            "with 2 MiB of memory at its peak"
        )
        assert (death.cause, death.peak_memory) == ("signal 11 (SIGSEGV)", 2048 * 1024)
        assert death.seconds == 1.5

    def test_is_of_unknown_cause_when_the_app_has_reaped_it(self) -> None:
        assert "ended by an unknown cause" in str(death_of(self.child(), None, 0))

    def test_by_the_nursery_has_the_reason_of_the_nursery(self) -> None:
        late = death_of(self.child("timeout", timeout=1.5), signal.SIGKILL, 0)
        large = death_of(self.child("memory", max_memory=64 << 20), signal.SIGKILL, 0)
        killed = death_of(self.child("killed"), signal.SIGKILL, 0)

        assert "timeout of 1.5 s, and was killed" in str(late)
        assert "max_memory of 64 MiB, and was killed" in str(large)
        assert "told to kill it (USR1)" in str(killed)

    def test_a_deadline_follows_from_the_timeout(self) -> None:
        limited = self.child(timeout=2.0)

        assert limited.deadline == limited.started + 2.0
        assert Child(1, -1, reservation_of(), None, 0, 0.0, NO_LIMITS).deadline == NEVER
