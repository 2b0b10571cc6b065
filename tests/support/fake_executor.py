"""An executor that runs nothing: the test says what becomes of jobs."""

from collections.abc import Sequence
from math import inf

from buoy.model.reservation import Reservation, Settlement
from buoy.settings import Settings


class FakeExecutor:
    """Records the calls of a worker; ``finished`` is what the worker collects next."""

    name = "fake"
    shutdown_seconds = 0.0
    needs_watching = False

    def __init__(self, slots: int = 2, *, in_process: bool = False) -> None:
        self.slots, self.in_process = slots, in_process
        self.calls: list[str] = []
        self.running: list[Reservation] = []
        self.finished: list[Settlement] = []
        self.overdue: list[Settlement] = []
        self.close_error: Exception | None = None

    def finish(self, reservation: Reservation) -> None:
        """Let this job end well."""
        self.running.remove(reservation)
        self.finished.append(Settlement.of(reservation, "done"))

    def start(self) -> Settings:
        return Settings()

    def capacity(self) -> int:
        return self.slots - len(self.running)

    def start_jobs(self, reservations: Sequence[Reservation]) -> None:
        self.calls += [f"start {each.token}" for each in reservations]
        self.running += reservations

    def take_finished(self) -> list[Settlement]:
        finished, self.finished = self.finished, []
        return finished

    def files(self) -> list[int]:
        return []

    def seconds_until_due(self) -> float:
        return inf

    def take_overdue(self) -> list[Settlement]:
        overdue, self.overdue = self.overdue, []
        return overdue

    def abandon(self, lost: Sequence[Reservation]) -> None:
        self.calls += [f"abandon {each.token}" for each in lost]
        self.running = [each for each in self.running if each not in lost]

    def kill(self) -> None:
        self.calls.append("kill")

    def begin_stop(self) -> None:
        self.calls.append("begin_stop")

    def release_waiting(self) -> None:
        self.calls.append("release_waiting")

    def terminate(self) -> None:
        self.calls.append("terminate")

    def leave(self) -> None:
        self.calls.append("leave")

    def close(self) -> None:
        self.calls.append("close")
        if self.close_error is not None:
            raise self.close_error
