"""Runs jobs in threads of the worker: for many jobs that mostly wait for others."""

import threading
import time
from collections.abc import Sequence
from contextvars import copy_context
from queue import SimpleQueue

from ..jobs.run import run
from ..model.reservation import Reservation
from ..settings import Settings
from .in_process import load_here, run_apart
from .prefetch import PrefetchingExecutor, ended_soon, keeps_none, refuse_limits


class Thread(PrefetchingExecutor):
    """The executor of ``--executor thread``."""

    name = "thread"
    last_words = 0.0

    def start(self) -> Settings:
        self.hooks, settings = load_here(self.name, self.app, self.wanted)
        refuse_limits(self.name, keeps_timeout=keeps_none)
        self.hooks.worker_started()
        self.context = copy_context()
        self.tickets: SimpleQueue[bool] = SimpleQueue()
        self.threads = [
            threading.Thread(target=self.work, name=f"buoy-slot-{number}", daemon=True)
            for number in range(self.slots)
        ]
        for thread in self.threads:
            thread.start()
        return settings

    def begin(self, held: Sequence[Reservation]) -> None:
        self.take(held)
        for _ in held:
            self.tickets.put(True)

    def work(self) -> None:
        """What each thread does."""
        while self.tickets.get():
            if held := self.batch.next():  # else it was given back
                self.run(held)

    def run(self, held: Reservation) -> None:
        started = self.running[held.token] = time.monotonic()
        settlement = run_apart(self.context, run, held)
        self.has_ended(settlement, time.monotonic() - started)

    def fetch(self) -> None:
        self.tickets.put(True)

    def stop(self) -> None:
        """A running job cannot be ended here; the keeper ends the process."""

    def close(self) -> None:
        for _ in self.threads:
            self.tickets.put(False)
        if ended_soon(self.threads):
            self.wake.close()
        self.say_goodbye()
