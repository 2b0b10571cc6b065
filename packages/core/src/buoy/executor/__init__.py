"""How a worker runs the jobs that it has reserved."""

from collections.abc import Sequence
from typing import Protocol

from ..model.reservation import Reservation, Settlement
from ..settings import Settings


class Executor(Protocol):
    """Runs reserved jobs, and returns the settlement of each.

    The worker's main thread calls all methods but three: the heartbeat thread calls
    ``take_overdue`` and, when the grace time is over and the main thread does not return,
    ``take_finished`` and ``leave``. The order of the calls is: ``start``, then any others,
    ``close`` or ``leave`` last.
    """

    name: str
    slots: int
    """How many jobs run at once, at most."""
    in_process: bool
    """Whether jobs run in the worker's own process."""
    shutdown_seconds: float
    """With ``in_process``: seconds after ``terminate`` in which jobs may still end by themselves.
    After these seconds the heartbeat thread ends the process."""

    @property
    def needs_watching(self) -> bool:
        """Whether the heartbeat thread must call ``take_overdue`` while jobs are in flight."""

    def start(self) -> Settings:
        """Load the app, and return its settings.

        Raises ConfigurationError when this executor cannot run the app.
        """

    def capacity(self) -> int:
        """How many jobs to reserve for this executor now: for free slots, and ahead."""

    def start_jobs(self, reservations: Sequence[Reservation]) -> None:
        """Run these jobs. Returns at once, or (inline) when they have ended."""

    def take_finished(self) -> list[Settlement]:
        """The settlements of jobs that have ended, and of jobs that are given back unstarted.

        Each settlement is returned once.
        """

    def files(self) -> list[int]:
        """File descriptors, of which one is readable when ``take_finished`` has something new."""

    def seconds_until_due(self) -> float:
        """Seconds after which to call ``take_finished`` even if none of ``files`` is readable."""

    def take_overdue(self) -> list[Settlement]:
        """The settlements that cannot wait until the main thread calls ``take_finished``.

        Called by the heartbeat thread every few hundredths of a second while ``needs_watching``.
        """

    def abandon(self, lost: Sequence[Reservation]) -> None:
        """End these jobs without a settlement: their leases are lost."""

    def kill(self) -> None:
        """Kill the running jobs: they fail. Does nothing where jobs cannot be killed."""

    def begin_stop(self) -> None:
        """The worker begins to stop: let the running jobs know it that ask (``is_stopping``).

        May be called by a signal handler while another method runs.
        """

    def release_waiting(self) -> None:
        """Release the jobs that wait for a slot.

        May be called by a signal handler while another method runs.
        """

    def terminate(self) -> None:
        """End the running jobs, since the grace time is over. A job that does not end well is
        released."""

    def leave(self) -> None:
        """With ``in_process``: call the app's hook before_exit, in bounded time, since the
        heartbeat thread is about to end the process though a job runs on in it."""

    def close(self) -> None:
        """End all processes and threads of the executor, after the app's hook worker_stopping."""
