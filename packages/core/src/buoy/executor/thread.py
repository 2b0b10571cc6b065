"""Runs jobs in threads of the worker: for many jobs that mostly wait for others."""

import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any

from ..loading import load_app
from ..plugin import worker_relay
from ..registry import registry
from ..reservation import Reservation, Settlement
from ..run import run
from .batch import SETTLE_SECONDS, Batch, Caller, refuse_timeouts


class Thread:
    """The executor of ``--executor thread``."""

    name = "thread"
    in_process = True
    last_words = 0.0

    def __init__(self, app: Sequence[str] = (), slots: int = 10) -> None:
        self.app, self.slots = app, slots
        self.batch, self.caller = Batch(), Caller()
        self.tickets: SimpleQueue[bool] = SimpleQueue()
        self.running: dict[str, float] = {}
        self.came_at = 0.0

    def start(self) -> None:
        self.hooks: Any = worker_relay(load_app(self.app))
        refuse_timeouts(self.name, registry)
        self.hooks.worker_started()
        for number in range(self.slots):
            name = f"buoy-slot-{number}"
            threading.Thread(target=self.work, name=name, daemon=True).start()

    def room(self) -> int:
        return self.batch.room(self.slots, len(self.running))

    def begin(self, held: Sequence[Reservation]) -> None:
        self.came_at = time.monotonic()
        self.batch.waiting.extend(held)
        for _ in held:
            self.tickets.put(True)

    def work(self) -> None:
        """What each thread does."""
        while self.tickets.get():
            held = self.batch.next()
            if held is None:  # given back
                continue
            started = self.running[held.token] = time.monotonic()
            settlement = run(held)
            del self.running[held.token]
            self.batch.settlements.append(settlement)
            self.batch.follow(1, time.monotonic() - started)
            if self.batch.low(self.slots):
                self.caller.call()

    def ended(self) -> list[Settlement]:
        self.caller.clear()
        return self.batch.ended()

    def files(self) -> list[int]:
        return [self.caller.bell]

    def overdue(self) -> list[Settlement]:
        if time.monotonic() - self.came_at < SETTLE_SECONDS:
            return []
        return self.batch.ended() + self.batch.given_back()

    def abandon(self, lost: Sequence[Reservation]) -> None:
        self.batch.drop(lost)

    def kill(self) -> None:
        """A job cannot be killed alone here."""

    def retire(self) -> None:
        self.batch.settlements.extend(self.batch.given_back())
        self.caller.call()

    def stop(self) -> None:
        """A running job cannot be ended here; the keeper ends the process."""

    def close(self) -> None:
        for _ in range(self.slots):
            self.tickets.put(False)
        self.hooks.worker_stopping()
