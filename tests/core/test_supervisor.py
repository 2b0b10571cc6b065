import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from buoy.worker.supervisor import (
    LONGEST_PAUSE,
    MIN_LIFE_SECONDS,
    RECYCLE_EXIT,
    ManagedWorker,
    Supervisor,
)
from tests.support.clock import ManualClock

KILLED = 9
"""The wait status of a process that was killed."""


@pytest.fixture
def supervisor() -> Supervisor:
    """A supervisor of two workers that starts no process."""
    workers = [ManagedWorker(1), ManagedWorker(2)]
    return Supervisor([], 2, clock=ManualClock(), first_serves=True, workers=workers)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The signals that were sent: process and number."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


def pause_after(supervisor: Supervisor, seconds: float) -> float:
    """Seconds until the first worker is started again whose process has died after so many."""
    worker = supervisor.workers[0]
    worker.started_at = supervisor.clock() - seconds
    supervisor.handle_exit(worker, KILLED)
    return worker.not_before - supervisor.clock()


class TestPauses:
    def test_workers_that_die_soon_are_replaced_less_and_less_often(
        self, supervisor: Supervisor
    ) -> None:
        pauses = [pause_after(supervisor, 0.5) for _ in range(8)]

        assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]

    def test_a_worker_that_has_worked_is_replaced_at_once(self, supervisor: Supervisor) -> None:
        pause_after(supervisor, 0.5)

        assert pause_after(supervisor, MIN_LIFE_SECONDS) == 0.0
        assert pause_after(supervisor, 0.5) == 1.0

    def test_a_process_that_cannot_be_started_is_tried_again_later(
        self, supervisor: Supervisor, caplog: pytest.LogCaptureFixture
    ) -> None:
        supervisor.command = ["/no/such/program"]
        worker = supervisor.workers[0]

        reader, writer = os.pipe()
        supervisor.start(worker, writer)
        os.close(reader)
        os.close(writer)

        assert (worker.process, worker.not_before) == (None, supervisor.clock() + 1.0)
        assert caplog.messages[0].startswith("worker 1 cannot be started: ")


class TestMissingWorkers:
    def test_before_the_first_worker_serves_no_other_is_started(
        self, supervisor: Supervisor
    ) -> None:
        supervisor.first_serves = False
        assert [each.number for each in supervisor.missing()] == [1]

        supervisor.first_serves = True

        assert [each.number for each in supervisor.missing()] == [1, 2]

    @pytest.mark.parametrize(
        ("status", "finished"), [(0, True), (KILLED, False), (1 << 8, False), (75 << 8, False)]
    )
    def test_only_a_worker_that_ends_with_0_is_not_replaced(
        self, supervisor: Supervisor, status: int, finished: bool
    ) -> None:
        worker = supervisor.workers[0]

        supervisor.handle_exit(worker, status)

        assert (worker.finished, worker in supervisor.missing()) == (finished, not finished)
        assert supervisor.exit_code == 0

    def test_a_worker_that_dies_during_a_stop_is_not_replaced_and_makes_the_exit_code_1(
        self, supervisor: Supervisor
    ) -> None:
        supervisor.stop()

        supervisor.handle_exit(supervisor.workers[0], KILLED)

        assert (supervisor.missing(), supervisor.exit_code) == ([], 1)


class TestSignals:
    @pytest.mark.parametrize(
        ("name", "stopping", "paused"),
        [
            ("TERM", True, False),
            ("INT", True, False),
            ("QUIT", True, False),
            ("HUP", True, False),
            ("USR1", False, False),
            ("USR2", False, True),
            ("CONT", False, False),
        ],
    )
    def test_a_signal_is_passed_on_to_all_processes(
        self,
        supervisor: Supervisor,
        sent: list[tuple[int, int]],
        name: str,
        stopping: bool,
        paused: bool,
    ) -> None:
        process: Any = SimpleNamespace(pid=4711)
        supervisor.workers[1].process = process
        number = signal.Signals[f"SIG{name}"]

        supervisor.handle_signal(number)

        assert sent == [(4711, number)]
        assert (supervisor.stopping, supervisor.paused) == (stopping, paused)
        assert [each.finished for each in supervisor.workers] == [stopping, False]

    def test_a_second_stop_is_passed_on_too(
        self, supervisor: Supervisor, sent: list[tuple[int, int]]
    ) -> None:
        process: Any = SimpleNamespace(pid=4711)
        supervisor.workers[1].process = process

        for _ in range(2):
            supervisor.handle_signal(signal.SIGTERM)

        assert sent == [(4711, signal.SIGTERM)] * 2

    def test_the_end_of_a_child_is_not_passed_on(
        self, supervisor: Supervisor, sent: list[tuple[int, int]]
    ) -> None:
        process: Any = SimpleNamespace(pid=4711)
        supervisor.workers[0].process = process

        supervisor.handle_signal(signal.SIGCHLD)

        assert (sent, supervisor.stopping) == ([], False)


def test_the_exit_code_is_that_of_a_first_worker_that_cannot_begin() -> None:
    for code in (1, 2):
        supervisor = Supervisor([sys.executable, "-c", f"exit({code})"], 3)

        assert supervisor.run() == code
        assert [worker.started_at > 0 for worker in supervisor.workers] == [True, False, False]


def test_the_supervisor_ends_when_all_workers_have_ended_with_0() -> None:
    supervisor = Supervisor([sys.executable, "-c", SERVE], 3)

    assert supervisor.run() == 0
    assert all(worker.started_at > 0 for worker in supervisor.workers)


def test_a_recycled_worker_is_replaced_at_once(tmp_path: Path) -> None:
    record = tmp_path / "record"
    program = f"{SERVE}\nwith open({str(record)!r}, 'a') as file: file.write('x')\n"
    program += f"exit({RECYCLE_EXIT} if len(open({str(record)!r}).read()) < 4 else 0)"

    assert Supervisor([sys.executable, "-c", program], 1).run() == 0
    assert record.read_text() == "xxxx"


SERVE = """
import os
os.write(int(os.environ["BUOY_SUPERVISOR"].split()[1]), b".")
"""
