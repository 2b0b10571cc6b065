"""The common part of the executors whose main thread reserves jobs while others run."""

import math
import threading
import time
from collections.abc import Sequence
from typing import Any

from ..jobs.relay import Relay, WorkerRelay
from ..loading.served_app import ANY, WantedApp
from ..model.reservation import Reservation, Settlement
from ..process.self_pipe import SelfPipe
from ..process.stopping import stop_flag
from ..process.system import kill_children
from .exclusive_runs import ExclusiveRuns
from .in_process import tell_of_exit
from .prefetch_queue import PrefetchQueue

SETTLE_SECONDS = 0.02
"""Seconds for which a settlement, or a job behind a slow one, may wait."""
CLOSE_SECONDS = 2.0
"""Seconds for which a worker waits at its end for its threads."""


class PrefetchingExecutor:
    """Keeps reserved jobs until a slot is free, and settlements until the main thread takes them.

    The main thread is free while jobs run, and settles everything itself. The heartbeat thread only
    wakes it.
    """

    in_process = True
    hooks: WorkerRelay
    """The caller of the app's hooks; set by ``start``, where the app is in this process."""

    def __init__(self, app: Sequence[str] = (), slots: int = 10, wanted: WantedApp = ANY) -> None:
        self.app, self.slots, self.wanted = list(app), slots, wanted
        self.app_hooks: Relay | None = None
        """The caller of the hooks of its app-wide plugins about jobs."""
        self.prefetched, self.wake = PrefetchQueue(), SelfPipe()
        self.running: dict[str, Any] = {}
        """What runs, by token; the values are the subclass's own."""
        self.exclusive = ExclusiveRuns()
        self.arrived_at = 0.0
        """When the last jobs came, by time.monotonic()."""
        self.is_overdue = False
        """Set by the heartbeat thread: something here has waited for too long."""

    @property
    def needs_watching(self) -> bool:
        return True

    def capacity(self) -> int:
        return self.prefetched.capacity(self.slots, len(self.running))

    def add_waiting(self, reservations: Sequence[Reservation]) -> None:
        """Have these jobs wait for a slot."""
        self.arrived_at = time.monotonic()
        self.prefetched.waiting.extend(each for each in reservations if self.exclusive.start(each))

    def finish_job(self, settlement: Settlement, seconds: float) -> None:
        """Take in the settlement of a job that has run for ``seconds``.

        Any thread may call this. It wakes the main thread when too few jobs wait.
        """
        self.running.pop(settlement.token, None)
        self.prefetched.settlements.append(settlement)
        self.prefetched.adapt_pace(1, seconds)
        if newer := self.exclusive.finish(settlement):
            self.prefetched.waiting.appendleft(newer)
            self.on_waiting_again()
        if self.prefetched.is_low(self.slots):
            self.wake.notify()

    def on_waiting_again(self) -> None:
        """Called when a job waits for a slot that did not come with ``start_jobs``."""

    def take_finished(self) -> list[Settlement]:
        self.wake.clear()
        self.release_overdue()
        return self.prefetched.take_finished()

    def files(self) -> list[int]:
        return [self.wake.fileno()]

    def seconds_until_due(self) -> float:
        return math.inf

    def take_overdue(self) -> list[Settlement]:
        """Nothing: wakes the main thread, which settles."""
        if self.has_waited_long() and (self.prefetched.waiting or self.prefetched.settlements):
            self.is_overdue = True
            self.wake.notify()
        return []

    def has_waited_long(self) -> bool:
        """Whether the last jobs came more than SETTLE_SECONDS ago."""
        return time.monotonic() - self.arrived_at >= SETTLE_SECONDS

    def release_overdue(self) -> None:
        """Release the jobs that wait behind slow jobs, if the heartbeat thread has noticed.

        Only the main thread may do so, between two round trips. Else the jobs that a round trip
        brings would run before those that are released meanwhile.
        """
        noticed, self.is_overdue = self.is_overdue, False
        if noticed and self.prefetched.waiting and self.has_waited_long():
            self.prefetched.slow_down(self.slots)
            self.release_prefetched()

    def abandon(self, lost: Sequence[Reservation]) -> None:
        self.exclusive.drop(lost)
        for each in self.prefetched.drop(lost):
            self.exclusive.finish(each)

    def kill(self) -> None:
        """Does nothing: one job of a process cannot be killed alone."""

    def begin_stop(self) -> None:
        stop_flag.set(True)

    def release_waiting(self) -> None:
        self.prefetched.settlements.extend(self.exclusive.release_waiting())
        self.release_prefetched()

    def release_prefetched(self) -> None:
        """Release the jobs that wait for a slot."""
        for each in self.prefetched.release_waiting():
            self.exclusive.finish(each)
            self.prefetched.settlements.append(each)
        if self.prefetched.settlements:
            self.wake.notify()

    def leave(self) -> None:
        tell_of_exit(self.hooks)

    def stop_app(self) -> None:
        """Call the app's hook worker_stopping in this process, then kill the processes that its
        jobs have started."""
        try:
            self.hooks.worker_stopping()
        finally:
            kill_children()


def join_threads(threads: Sequence[threading.Thread]) -> bool:
    """Wait CLOSE_SECONDS at most until these threads have ended. Returns whether all have."""
    last = time.monotonic() + CLOSE_SECONDS
    for thread in threads:
        thread.join(max(0.0, last - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
