import sys
from pathlib import Path

from buoy.worker.supervisor import (
    LONGEST_PAUSE,
    MIN_LIFE_SECONDS,
    RECYCLE_EXIT,
    ManagedWorker,
    Supervisor,
)

KILLED = 9
"""The wait status of a process that was killed."""


class Hands:
    """Moved by the test."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def pause_after(supervisor: Supervisor, worker: ManagedWorker, lived: float) -> float:
    """How long a worker stays empty after a worker that lived so long."""
    worker.started_at = supervisor.clock() - lived
    supervisor.handle_exit(worker, KILLED)
    return worker.not_before - supervisor.clock()


def test_workers_that_die_young_are_replaced_less_and_less_often() -> None:
    supervisor, worker = Supervisor([], 1, clock=Hands(), first_serves=True), ManagedWorker(1)

    pauses = [pause_after(supervisor, worker, lived=0.5) for _ in range(8)]

    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_one_that_has_worked_is_replaced_at_once() -> None:
    supervisor, worker = Supervisor([], 1, clock=Hands(), first_serves=True), ManagedWorker(1)
    pause_after(supervisor, worker, lived=0.5)

    assert pause_after(supervisor, worker, lived=MIN_LIFE_SECONDS) == 0.0
    assert pause_after(supervisor, worker, lived=0.5) == 1.0


def test_it_has_the_code_of_the_first_worker_if_that_cannot_begin() -> None:
    for code in (1, 2):
        supervisor = Supervisor([sys.executable, "-c", f"exit({code})"], 3)

        assert supervisor.run() == code
        assert [worker.started_at > 0 for worker in supervisor.workers] == [True, False, False]


def test_it_ends_when_all_workers_have_ended_in_order() -> None:
    supervisor = Supervisor([sys.executable, "-c", SERVE], 3)

    assert supervisor.run() == 0
    assert all(worker.started_at > 0 for worker in supervisor.workers)


def test_one_that_has_done_enough_is_replaced_at_once(tmp_path: Path) -> None:
    record = tmp_path / "record"
    program = f"{SERVE}\nwith open({str(record)!r}, 'a') as file: file.write('x')\n"
    program += f"exit({RECYCLE_EXIT} if len(open({str(record)!r}).read()) < 4 else 0)"

    assert Supervisor([sys.executable, "-c", program], 1).run() == 0
    assert record.read_text() == "xxxx"


SERVE = """
import os
os.write(int(os.environ["BUOY_SUPERVISOR"].split()[1]), b".")
"""
