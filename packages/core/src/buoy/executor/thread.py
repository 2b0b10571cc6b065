"""Runs jobs in threads of the worker: for many jobs that mostly wait for other systems."""

import threading
import time
from collections.abc import Sequence
from contextvars import copy_context
from queue import SimpleQueue

from ..loading.served_app import ANY, WantedApp
from ..model.reservation import Reservation
from ..settings import Settings
from .in_process import load_in_process, run_isolated
from .limits import keeps_none, refuse_limits, run_in_process
from .prefetch import PrefetchingExecutor, join_threads


class Thread(PrefetchingExecutor):
    """The executor of ``--executor thread``: one thread for each slot."""

    name = "thread"
    shutdown_seconds = 0.0

    def __init__(self, app: Sequence[str] = (), slots: int = 10, wanted: WantedApp = ANY) -> None:
        super().__init__(app, slots, wanted)
        self.context = copy_context()
        self.tickets: SimpleQueue[bool] = SimpleQueue()
        """True: a job waits. False: end the thread that takes this."""
        self.threads = [
            threading.Thread(target=self.work, name=f"buoy-slot-{number}", daemon=True)
            for number in range(slots)
        ]

    def start(self) -> Settings:
        self.hooks, settings = load_in_process(self.name, self.app, self.wanted)
        self.app_hooks = self.hooks.of_jobs
        refuse_limits(self.name, keeps_timeout=keeps_none)
        self.hooks.worker_started()
        self.context = copy_context()  # with the context variables that the app has set
        for thread in self.threads:
            thread.start()
        return settings

    def start_jobs(self, reservations: Sequence[Reservation]) -> None:
        self.add_waiting(reservations)
        for _ in reservations:
            self.tickets.put(True)

    def work(self) -> None:
        """Run jobs until the executor closes. Each thread of a slot does this."""
        while self.tickets.get():
            if reservation := self.prefetched.next():  # else it was released meanwhile
                self.run(reservation)

    def run(self, reservation: Reservation) -> None:
        """Run one job, in a thread of a slot."""
        started = self.running[reservation.token] = time.monotonic()
        settlement = run_isolated(self.context, run_in_process, reservation, self.app_hooks)
        self.finish_job(settlement, time.monotonic() - started)

    def on_waiting_again(self) -> None:
        self.tickets.put(True)

    def terminate(self) -> None:
        """Does nothing: a thread cannot be ended. The heartbeat thread ends the process."""

    def close(self) -> None:
        for _ in self.threads:
            self.tickets.put(False)
        if join_threads([thread for thread in self.threads if thread.ident is not None]):
            self.wake.close()
        self.stop_app()
