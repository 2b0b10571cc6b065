"""Runs jobs in the worker's own process, one after the other, in batches while they are short."""

import math
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Any

from ..jobs.run import run
from ..loading.served_app import ANY, Wanted
from ..model.reservation import Reservation, Settlement
from ..process.signals import Handlers
from ..process.system import end_children
from ..settings import Settings
from .in_process import load_here, run_apart
from .prefetch import (
    BATCH_SECONDS,
    SETTLE_SECONDS,
    Batch,
    keeps_none,
    refuse_limits,
)


class Inline:
    """The executor of ``--executor inline``. Its main thread runs; its keeper gives back."""

    name = "inline"
    in_process = tended = True
    last_words = 0.0
    slots = 1

    def __init__(
        self,
        app: Sequence[str] = (),
        wanted: Wanted = ANY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app, self.wanted, self.clock = app, wanted, clock
        self.batch = Batch()
        self.running_since: float | None = None
        self.came_at = 0.0
        self.stopping = False
        self.context = copy_context()

    def start(self) -> Settings:
        self.hooks: Any
        self.hooks, settings = load_here(self.name, self.app, self.wanted)
        refuse_limits(self.name, keeps_timeout=keeps_none)
        self.hooks.worker_started()
        self.context = copy_context()
        return settings

    def room(self) -> int:
        return 0 if self.stopping else max(1, self.batch.ahead(self.slots))

    def begin(self, held: Sequence[Reservation]) -> None:
        self.batch.waiting.extend(held)
        self.came_at, ran = self.clock(), 0
        handlers = Handlers()
        while not self.stopping and (reservation := self.batch.next()):
            self.running_since = self.clock()
            self.batch.settlements.append(run_apart(self.context, run, reservation))
            handlers.look()
            ran += 1
        self.running_since = None
        handlers.put_back()
        self.batch.follow(ran, self.clock() - self.came_at)
        self.batch.settlements.extend(self.batch.given_back())

    def ended(self) -> list[Settlement]:
        return self.batch.ended()

    def files(self) -> list[int]:
        return []

    def patience(self) -> float:
        return math.inf

    def overdue(self) -> list[Settlement]:
        """One job is slow, or all are slower than those before."""
        now, since = self.clock(), self.running_since
        last = self.came_at + BATCH_SECONDS + SETTLE_SECONDS
        if since is None or (now - since < SETTLE_SECONDS and now < last):
            return []
        return self.batch.ended() + self.batch.given_back()

    def abandon(self, lost: Sequence[Reservation]) -> None:
        self.batch.drop(lost)

    def kill(self) -> None:
        """A job cannot be killed alone here."""

    def retire(self) -> None:
        self.stopping = True

    def stop(self) -> None:
        """A running job cannot be ended here; the keeper ends the process."""

    def close(self) -> None:
        try:
            self.hooks.worker_stopping()
        finally:
            end_children()
