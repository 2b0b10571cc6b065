import sys
from pathlib import Path

from buoy.worker.supervisor import AGAIN, LONGEST_PAUSE, YOUNG_SECONDS, Place, Supervisor

KILLED = 9
"""The wait status of a process that was killed."""


class Hands:
    """Moved by the test."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def pause_after(supervisor: Supervisor, place: Place, lived: float) -> float:
    """How long a place stays empty after a worker that lived so long."""
    place.started_at = supervisor.clock() - lived
    supervisor.vacate(place, KILLED)
    return place.not_before - supervisor.clock()


def test_workers_that_die_young_are_replaced_less_and_less_often() -> None:
    supervisor, place = Supervisor([], 1, clock=Hands(), proven=True), Place(1)

    pauses = [pause_after(supervisor, place, lived=0.5) for _ in range(8)]

    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_one_that_has_worked_is_replaced_at_once() -> None:
    supervisor, place = Supervisor([], 1, clock=Hands(), proven=True), Place(1)
    pause_after(supervisor, place, lived=0.5)

    assert pause_after(supervisor, place, lived=YOUNG_SECONDS) == 0.0
    assert pause_after(supervisor, place, lived=0.5) == 1.0


def test_it_has_the_code_of_the_first_worker_if_that_cannot_begin() -> None:
    for code in (1, 2):
        supervisor = Supervisor([sys.executable, "-c", f"exit({code})"], 3)

        assert supervisor.run() == code
        assert [place.started_at > 0 for place in supervisor.places] == [True, False, False]


def test_it_ends_when_all_workers_have_ended_in_order() -> None:
    supervisor = Supervisor([sys.executable, "-c", SERVE], 3)

    assert supervisor.run() == 0
    assert all(place.started_at > 0 for place in supervisor.places)


def test_one_that_has_done_enough_is_replaced_at_once(tmp_path: Path) -> None:
    record = tmp_path / "record"
    program = f"{SERVE}\nwith open({str(record)!r}, 'a') as file: file.write('x')\n"
    program += f"exit({AGAIN} if len(open({str(record)!r}).read()) < 4 else 0)"

    assert Supervisor([sys.executable, "-c", program], 1).run() == 0
    assert record.read_text() == "xxxx"


SERVE = """
import os
os.write(int(os.environ["BUOY_SUPERVISOR"].split()[1]), b".")
"""
