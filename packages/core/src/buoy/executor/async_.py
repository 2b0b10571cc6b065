"""Runs ``async def`` jobs together on one event loop, in a thread of the worker."""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from inspect import iscoroutinefunction
from typing import Any

from ..loading import load_app
from ..plugin import worker_relay
from ..registry import registry
from ..reservation import Reservation, Settlement
from .arun import arun
from .batch import SETTLE_SECONDS, Batch, Caller, refuse_timeouts

logger = logging.getLogger("buoy.worker")

PULSE_SECONDS = 0.05
BLOCKED_SECONDS = 0.5
"""How long the event loop may stand still before the job that blocks it is named."""


class Async:
    """The executor of ``--executor async``. Jobs that are no coroutines run in threads."""

    name = "async"
    in_process = True
    last_words = 2.0

    def __init__(self, app: Sequence[str] = (), slots: int = 10) -> None:
        self.app, self.slots = app, slots
        self.batch, self.caller = Batch(), Caller()
        self.loop = asyncio.new_event_loop()
        self.running: dict[str, asyncio.Task[None]] = {}
        self.alive_at = self.came_at = 0.0
        self.blamed = False

    def start(self) -> None:
        self.hooks: Any = worker_relay(load_app(self.app))
        refuse_timeouts(self.name, [n for n, job in registry.items() if is_plain(job)])
        self.hooks.worker_started()
        threading.Thread(target=self.loop.run_forever, name="buoy-loop", daemon=True).start()

    def room(self) -> int:
        return self.batch.room(self.slots, len(self.running))

    def begin(self, held: Sequence[Reservation]) -> None:
        self.came_at = time.monotonic()
        self.batch.waiting.extend(held)
        self.loop.call_soon_threadsafe(self.fill)

    # On the event loop

    def fill(self) -> None:
        """Give each free slot a job."""
        if not self.running:
            self.pulse(first=True)
        while len(self.running) < self.slots and (held := self.batch.next()):
            self.running[held.token] = self.loop.create_task(self.work(held), name=held.id)

    async def work(self, held: Reservation) -> None:
        started = time.monotonic()
        try:
            settlement = await arun(held)
        except asyncio.CancelledError:  # the worker stops, or has lost the job
            settlement = Settlement.of(held, "release")
        self.batch.settlements.append(settlement)
        del self.running[held.token]
        self.batch.follow(1, time.monotonic() - started)
        if self.batch.low(self.slots):
            self.caller.call()
        self.fill()

    def pulse(self, *, first: bool = False) -> None:
        """Show that the loop turns, as long as jobs run."""
        self.alive_at, self.blamed = time.monotonic(), False
        if first or self.running:
            self.loop.call_later(PULSE_SECONDS, self.pulse)

    # On the main thread and the keeper

    def ended(self) -> list[Settlement]:
        self.caller.clear()
        return self.batch.ended()

    def files(self) -> list[int]:
        return [self.caller.bell]

    def overdue(self) -> list[Settlement]:
        self.blame()
        if time.monotonic() - self.came_at < SETTLE_SECONDS:
            return []
        return self.batch.ended() + self.batch.given_back()

    def blame(self) -> None:
        """Name the job that has kept the event loop from turning."""
        still = time.monotonic() - self.alive_at
        this = asyncio.current_task(self.loop) if self.running else None
        if this is None or still < BLOCKED_SECONDS or self.blamed:
            return
        self.blamed = True
        logger.warning(
            "id=%s has blocked the event loop for %.1f s, and all other jobs of this worker with "
            "it: let it await, or run it under another executor",
            *(this.get_name(), still),
        )

    def abandon(self, lost: Sequence[Reservation]) -> None:
        self.batch.drop(lost)
        self.cancel([each.token for each in lost])

    def cancel(self, tokens: Sequence[str]) -> None:
        for token in tokens:
            if task := self.running.get(token):
                self.loop.call_soon_threadsafe(task.cancel)

    def kill(self) -> None:
        """A job cannot be killed alone here."""

    def retire(self) -> None:
        self.batch.settlements.extend(self.batch.given_back())
        self.caller.call()

    def stop(self) -> None:
        self.cancel(list(self.running))

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.hooks.worker_stopping()


def is_plain(job: Any) -> bool:
    return not iscoroutinefunction(job.perform)
