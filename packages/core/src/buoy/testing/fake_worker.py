"""A worker that does one step at a time, when a test says so, without processes and threads."""

from contextvars import copy_context
from itertools import count

from ..app import App
from ..broker.forwarding import forward
from ..errors import DirtyExit
from ..executor.in_process import run_isolated
from ..jobs.run import load_run, run, settle_death
from ..jobs.run_events import tell_begun, tell_reserved
from ..model.reservation import Reservation, RoundTripRequest, Settlement

BEATS_EACH_LEASE = 30
BEATS_UNTIL_LOST = BEATS_EACH_LEASE * 4 // 3
"""After 4/3 of a lease, a job of a dead worker is queued again, if another worker lives."""


class FakeWorker:
    """Takes jobs from one queue, runs and settles them, or loses them: each in a call of its own.

    So a test can look at a job while it runs, run two jobs at once in any order, or let a worker
    die. Each job is taken as though the worker held no other.

        worker = FakeWorker(buoy_app, "mail")
        job = worker.take()
        assert status(handle).state == "running"
        assert worker.run(job)
    """

    def __init__(self, app: App, queue: str = "default", name: str = "fake") -> None:
        self.app, self.queue, self.name = app, queue, name
        self._numbers = count(1)

    def take(self) -> Reservation:
        """Reserve the next job of the queue. Fails the test when no job is due, or everything is
        paused."""
        if self.app.monitor.paused_since() is not None:
            raise AssertionError(
                "expected a job that may be taken, but everything is paused (buoy pause)"
            )
        request = RoundTripRequest(self.queue, next(self._numbers), wanted=1)
        reservations = self.app.broker.advance_queue(self.name, request).reservations
        if not reservations:
            raise AssertionError(f"expected a job that is due in queue {self.queue!r}, got none")
        return reservations[0]

    def run(self, job: Reservation) -> bool:
        """Run a job that was taken, in this process, and settle it.

        Returns False when Redis refused the outcome, since the worker no longer holds the job.
        """
        return self.settle(run_isolated(copy_context(), run, job, self.app._hooks))

    def kill(self, job: Reservation, death: BaseException | None = None) -> bool:
        """Let the process of a job that was taken die, by default by signal 9.

        Calls the hooks of the job's plugins, but not ``around_perform``: that dies, too. Returns as
        ``run`` does.
        """
        if death is None:
            death = DirtyExit("signal 9 (SIGKILL)")
            death.cause = "signal 9 (SIGKILL)"
        known = load_run(job)
        tell_reserved(job, known, None)
        tell_begun(job, known)
        return self.settle(settle_death(job, known, death))

    def settle(self, settlement: Settlement) -> bool:
        """Apply an outcome that the test has made. Returns as ``run`` does."""
        answer = self.app.broker.advance_queue(
            self.name, RoundTripRequest(self.queue, 0, settlements=[settlement])
        )
        if answer.handovers:
            forward(self.app.broker, self.queue)
        return not answer.refused

    def heal(self) -> None:
        """Look at the queue and take nothing: that queues jobs that are due, or were lost."""
        self.app.broker.advance_queue(self.name, RoundTripRequest(self.queue, 0))

    def lose(self) -> None:
        """Let time pass until all jobs that are taken from the queue have lost their leases.

        It passes on the clock of the app (see ``buoy_clock``), while some other worker lives. The
        jobs are queued again.
        """
        beat = round(self.app.settings.lease * 1000) // BEATS_EACH_LEASE
        for _ in range(BEATS_UNTIL_LOST):
            self.app.broker.clock_offset_ms += beat
            self.app.broker.renew_leases({self.queue: []})
