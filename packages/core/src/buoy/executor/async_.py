"""Runs ``async def`` jobs together on one event loop, in a thread of the worker."""

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any

from ..jobs.facts import Facts
from ..jobs.job import Job
from ..jobs.run import expired, loaded, run, settle_plainly
from ..model.reservation import Reservation, Settlement
from ..process.logs import Log
from ..settings import Settings
from .async_run import arun
from .in_process import load_here, run_apart
from .prefetch import PrefetchingExecutor, ended_soon, refuse_limits

logger = Log("buoy.worker")

PULSE_SECONDS = 0.05
BLOCKED_SECONDS = 0.5
"""How long the event loop may stand still before the job that blocks it is named."""


class Async(PrefetchingExecutor):
    """The executor of ``--executor async``. Jobs that are no coroutines run in threads."""

    name = "async"
    last_words = 2.0

    def start(self) -> Settings:
        self.hooks, settings = load_here(self.name, self.app, self.wanted)
        refuse_limits(self.name, keeps_timeout=awaits)
        self.hooks.worker_started()
        self.told: set[str] = set()
        """The tokens of those that were told to end."""
        self.alive_at = 0.0
        self.pulsing = self.blamed = self.closing = False
        self.aside: SimpleQueue[Reservation | None] = SimpleQueue()
        self.threads: list[threading.Thread] = []
        self.context = copy_context()
        # Only now: the app may have chosen another kind of loop.
        self.runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.loop = self.runner.get_loop()
        self.turning = threading.Thread(target=self.turn, name="buoy-loop", daemon=True)
        self.turning.start()
        return settings

    def begin(self, held: Sequence[Reservation]) -> None:
        self.take(held)
        self.loop.call_soon_threadsafe(self.fill)

    def turn(self) -> None:
        """What the loop's thread does; at its end the runner cleans up what jobs have left."""
        with self.runner:
            while not (self.closing or self.loop.is_closed()):
                try:
                    self.loop.run_forever()
                except BaseException:  # SystemExit in what a job has started beside itself
                    logger.exception("the event loop was left, and is entered again")

    # On the event loop

    def fill(self) -> None:
        """Give each free slot a job."""
        if not self.pulsing and self.batch.waiting:
            self.pulse()
        while len(self.running) < self.slots and (held := self.batch.next()):
            if job := awaited(held):
                self.running[held.token] = self.run_here(held, job)
            else:
                self.running[held.token] = None
                self.run_aside(held)

    def run_here(self, held: Reservation, job: Facts) -> asyncio.Task[Settlement]:
        started = time.monotonic()
        # In a context of its own: what a job sets there, the next one must not find.
        context = self.context.copy()
        running = arun(held, job, self.told)
        # Not by the loop: a job may have given it a factory of its own.
        task = asyncio.Task(running, loop=self.loop, name=held.id, context=context)
        task.add_done_callback(lambda task: self.finish(started, what_became(held, task)))
        return task

    def run_aside(self, held: Reservation) -> None:
        """Run in a thread what would block the loop."""
        self.aside.put(held)
        if len(self.threads) < list(self.running.values()).count(None):
            self.threads.append(threading.Thread(target=self.work_aside, daemon=True))
            self.threads[-1].start()

    def work_aside(self) -> None:
        """What each of these threads does."""
        while held := self.aside.get():
            started = time.monotonic()
            settlement = run_apart(self.context, run, held)
            with suppress(RuntimeError):  # the loop is closed: the worker ends, and has put it back
                self.loop.call_soon_threadsafe(self.finish, started, settlement)

    def finish(self, started: float, settlement: Settlement) -> None:
        self.told.discard(settlement.token)
        self.has_ended(settlement, time.monotonic() - started)
        self.fill()

    def cancel(self, tokens: Iterable[str]) -> None:
        for token in tokens:
            if task := self.running.get(token):
                self.told.add(token)
                task.cancel()

    def pulse(self) -> None:
        """Show that the loop turns, as long as jobs run or wait."""
        self.alive_at, self.blamed = time.monotonic(), False
        self.pulsing = bool(self.running or self.batch.waiting)
        if self.pulsing:
            self.loop.call_later(PULSE_SECONDS, self.pulse)

    # On the main thread and the keeper

    def overdue(self) -> list[Settlement]:
        self.blame()
        return super().overdue()

    def blame(self) -> None:
        """Name the job that has kept the event loop from turning."""
        still = time.monotonic() - self.alive_at
        if not self.pulsing or self.blamed or still < BLOCKED_SECONDS:
            return
        this = asyncio.current_task(self.loop)
        if this is None:
            return
        self.blamed = True
        logger.warning(
            "id=%s has blocked the event loop for %.1f s, and all other jobs of this worker with "
            "it: let it await, or run it under another executor",
            *(self.id_of(this), still),
        )

    def id_of(self, this: asyncio.Task[Any]) -> str:
        """The job of a task; of one that a job has started beside itself, those it may be."""
        tasks = [task for task in list(self.running.values()) if task]
        return this.get_name() if this in tasks else "|".join(task.get_name() for task in tasks)

    def abandon(self, lost: Sequence[Reservation]) -> None:
        super().abandon(lost)
        self.loop.call_soon_threadsafe(self.cancel, [each.token for each in lost])

    def stop(self) -> None:
        """Cancel what can be cancelled; of what is left then, the keeper ends the process."""
        self.loop.call_soon_threadsafe(lambda: self.cancel(list(self.running)))

    def close(self) -> None:
        self.closing = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        for _ in self.threads:
            self.aside.put(None)
        if ended_soon([self.turning, *self.threads]):
            self.wake.close()
        self.say_goodbye()


def awaits(job: type[Job]) -> bool:
    """Whether ``perform`` is a coroutine function."""
    return job.awaits


def awaited(held: Reservation) -> Facts | None:
    """The run to be awaited; None for all that run.py does as everywhere."""
    try:
        job = loaded(held)
        elsewhere = held.given_up or expired(held, job) or not job.kind.awaits
    except BaseException:  # noqa: BLE001 - run.py will tell
        return None
    return None if elsewhere else job


def what_became(held: Reservation, task: asyncio.Task[Settlement]) -> Settlement:
    """One that was told to end and did not end well is put back."""
    if task.cancelled():
        return Settlement.of(held, "release")
    error = task.exception()
    return task.result() if error is None else settle_plainly(held, error)
