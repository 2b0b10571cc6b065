"""Runs jobs in the worker's own process, one after another, in batches while they are short."""

import math
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context

from ..jobs.relay import Relay, WorkerRelay
from ..loading.served_app import ANY, WantedApp
from ..model.reservation import Reservation, Settlement
from ..process.signals import SavedHandlers
from ..process.stopping import stop_flag
from ..process.system import kill_children
from ..settings import Settings
from .in_process import load_in_process, run_isolated, tell_of_exit
from .limits import keeps_none, refuse_limits, run_in_process
from .prefetch import SETTLE_SECONDS
from .prefetch_queue import PREFETCH_SECONDS, PrefetchQueue


class Inline:
    """The executor of ``--executor inline``: the worker's main thread runs the jobs.

    While a job is slow, the heartbeat thread settles those before it and releases those behind it.
    """

    name = "inline"
    in_process = needs_watching = True
    shutdown_seconds = 0.0
    slots = 1
    hooks: WorkerRelay
    """The caller of the app's hooks; set by ``start``."""

    def __init__(
        self,
        app: Sequence[str] = (),
        wanted: WantedApp = ANY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app, self.wanted, self.clock = app, wanted, clock
        self.app_hooks: Relay | None = None
        """The caller of the hooks of its app-wide plugins about jobs."""
        self.prefetched = PrefetchQueue()
        self.running_since: float | None = None
        self.arrived_at = 0.0
        self.stopping = False
        self.context = copy_context()

    def start(self) -> Settings:
        self.hooks, settings = load_in_process(self.name, self.app, self.wanted)
        self.app_hooks = self.hooks.of_jobs
        refuse_limits(self.name, keeps_timeout=keeps_none)
        self.hooks.worker_started()
        self.context = copy_context()
        return settings

    def capacity(self) -> int:
        return 0 if self.stopping else max(1, self.prefetched.prefetch_count(self.slots))

    def start_jobs(self, reservations: Sequence[Reservation]) -> None:
        self.prefetched.waiting.extend(reservations)
        self.arrived_at, ran = self.clock(), 0
        handlers = SavedHandlers()
        while not self.stopping and (reservation := self.prefetched.next()):
            self.running_since = self.clock()
            self.prefetched.settlements.append(
                run_isolated(self.context, run_in_process, reservation, self.app_hooks)
            )
            handlers.restore_urgent()
            ran += 1
        self.running_since = None
        handlers.restore()
        self.prefetched.adapt_pace(ran, self.clock() - self.arrived_at)
        self.prefetched.settlements.extend(self.prefetched.release_waiting())

    def take_finished(self) -> list[Settlement]:
        return self.prefetched.take_finished()

    def files(self) -> list[int]:
        return []

    def seconds_until_due(self) -> float:
        return math.inf

    def take_overdue(self) -> list[Settlement]:
        """Settlements when the running job is slow, or when all jobs are slower than before."""
        now, since = self.clock(), self.running_since
        last = self.arrived_at + PREFETCH_SECONDS + SETTLE_SECONDS
        if since is None or (now - since < SETTLE_SECONDS and now < last):
            return []
        return self.prefetched.take_finished() + self.prefetched.release_waiting()

    def abandon(self, lost: Sequence[Reservation]) -> None:
        self.prefetched.drop(lost)

    def kill(self) -> None:
        """Does nothing: one job of a process cannot be killed alone."""

    def begin_stop(self) -> None:
        stop_flag.set(True)

    def release_waiting(self) -> None:
        """Have ``start_jobs`` release the rest of its jobs when the running one has ended."""
        self.stopping = True

    def terminate(self) -> None:
        """Does nothing: a thread cannot be ended. The heartbeat thread ends the process."""

    def leave(self) -> None:
        tell_of_exit(self.hooks)

    def close(self) -> None:
        try:
            self.hooks.worker_stopping()
        finally:
            kill_children()
