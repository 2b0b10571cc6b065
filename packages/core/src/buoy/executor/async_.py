"""Runs ``async def`` jobs together on one event loop, in a thread of the worker."""

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from ..jobs.facts import Facts
from ..jobs.job import Job
from ..jobs.run import has_expired, load_run, settle_without_plugins
from ..jobs.run_log import reservation_fields
from ..loading.served_app import ANY, WantedApp
from ..model.reservation import Reservation, Settlement
from ..process.logs import Log
from ..settings import Settings
from .async_run import arun
from .blocking_threads import BlockingThreads
from .in_process import load_in_process, run_isolated
from .limits import refuse_limits, run_in_process
from .prefetch import PrefetchingExecutor, join_threads

logger = Log("buoy.worker")

ALIVE_SECONDS = 0.05
"""Seconds between two signs of life of the event loop."""
BLOCKED_SECONDS = 0.5
"""Seconds without a sign of life after which the log names the job that blocks the event loop."""


class Async(PrefetchingExecutor):
    """The executor of ``--executor async``. Jobs that are no coroutines run in threads.

    The thread of the event loop starts and finishes all jobs; only it changes ``running``.
    """

    name = "async"
    shutdown_seconds = 2.0
    loop: asyncio.AbstractEventLoop
    """Made by ``start``, since the app may choose another kind of loop."""

    def __init__(self, app: Sequence[str] = (), slots: int = 10, wanted: WantedApp = ANY) -> None:
        super().__init__(app, slots, wanted)
        self.running: dict[str, asyncio.Task[Settlement] | None] = {}
        """The task of each job that runs, by token; None for a job that runs in a thread."""
        self.cancelled: set[str] = set()
        """The tokens of the jobs that this executor has cancelled."""
        self.context = copy_context()
        self.blocking = BlockingThreads(self.run_blocking)
        self.runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.thread = threading.Thread(target=self.run_loop, name="buoy-loop", daemon=True)
        self.closing = False
        self.alive_at = 0.0
        """When the loop gave its last sign of life, by time.monotonic()."""
        self.shows_life = False
        """Whether the loop gives signs of life: only while jobs run or wait."""
        self.has_warned = False
        """Whether the log names the blocking job since the last sign of life."""

    def start(self) -> Settings:
        self.hooks, settings = load_in_process(self.name, self.app, self.wanted)
        self.app_hooks = self.hooks.of_jobs
        refuse_limits(self.name, keeps_timeout=awaits)
        self.hooks.worker_started()
        self.context = copy_context()  # with the context variables that the app has set
        self.loop = self.runner.get_loop()
        self.thread.start()
        return settings

    def start_jobs(self, reservations: Sequence[Reservation]) -> None:
        self.add_waiting(reservations)
        self.loop.call_soon_threadsafe(self.fill_slots)

    def run_loop(self) -> None:
        """Run the event loop until ``close``, in its thread. At the end the runner cancels the
        tasks that jobs have left behind."""
        with self.runner:
            while not (self.closing or self.loop.is_closed()):
                try:
                    self.loop.run_forever()
                except BaseException:  # SystemExit in a task that a job has started
                    logger.exception("the event loop was left, and is entered again")

    # On the event loop

    def fill_slots(self) -> None:
        """Start a job in each free slot."""
        if not self.shows_life and self.prefetched.waiting:
            self.show_life()
        while len(self.running) < self.slots and (reservation := self.prefetched.next()):
            if job := load_awaitable(reservation):
                self.running[reservation.token] = self.start_task(reservation, job)
            else:
                self.start_in_thread(reservation)

    def start_in_thread(self, reservation: Reservation) -> None:
        """Run a job in a thread. Delays it by a second if the system has no thread for it."""
        self.running[reservation.token] = None
        jobs = list(self.running.values()).count(None)
        try:
            self.blocking.submit(reservation, jobs)
        except RuntimeError as error:
            text = "no thread for id=%s queue=%s: %s; again in 1 s"
            fields = reservation_fields(reservation, "delayed")
            logger.error(text, reservation.id, reservation.queue, error, extra=fields)
            delayed = Settlement.of(
                reservation, "delayed", payload=reservation.payload, wait=1.0, name=""
            )
            self.finish_job(delayed, self.prefetched.seconds_each)  # which stays so

    def start_task(self, reservation: Reservation, job: Facts) -> asyncio.Task[Settlement]:
        """Run a job in a task, with a copy of the context: the next job does not see what this one
        sets there."""
        started = time.monotonic()
        context = self.context.copy()
        running = arun(reservation, job, self.cancelled)
        # Not by loop.create_task: a job may have given the loop a task factory.
        task = asyncio.Task(running, loop=self.loop, name=reservation.id, context=context)
        task.add_done_callback(lambda task: self.finish_task(started, reservation, task))
        return task

    def finish_task(
        self, started: float, reservation: Reservation, task: asyncio.Task[Settlement]
    ) -> None:
        """Take in a task that has ended and was started then."""
        seconds = time.monotonic() - started
        self.finish(started, settlement_of(reservation, task, seconds))

    def finish(self, started: float, settlement: Settlement) -> None:
        """Take in the settlement of a job that started then, and start the next one."""
        self.cancelled.discard(settlement.token)
        self.finish_job(settlement, time.monotonic() - started)
        self.fill_slots()

    def cancel(self, tokens: Iterable[str]) -> None:
        """Cancel the tasks of these runs. Jobs that run in threads cannot be cancelled."""
        for token in tokens:
            if task := self.running.get(token):
                self.cancelled.add(token)
                task.cancel()

    def show_life(self) -> None:
        """Give a sign of life, again and again while jobs run or wait."""
        self.alive_at, self.has_warned = time.monotonic(), False
        self.shows_life = bool(self.running or self.prefetched.waiting)
        if self.shows_life:
            self.loop.call_later(ALIVE_SECONDS, self.show_life)

    # In the blocking threads

    def run_blocking(self, reservation: Reservation) -> None:
        """Run a job that would block the event loop."""
        started = time.monotonic()
        settlement = run_isolated(self.context, run_in_process, reservation, self.app_hooks)
        with suppress(RuntimeError):  # the loop is closed: the worker ends, and has released it
            self.loop.call_soon_threadsafe(self.finish, started, settlement)

    # On the main thread and the heartbeat thread

    def take_overdue(self) -> list[Settlement]:
        self.warn_if_blocked()
        return super().take_overdue()

    def warn_if_blocked(self) -> None:
        """Log the job that has blocked the event loop for BLOCKED_SECONDS, once."""
        seconds = time.monotonic() - self.alive_at
        if not self.shows_life or self.has_warned or seconds < BLOCKED_SECONDS:
            return
        task = asyncio.current_task(self.loop)
        if task is None:
            return
        self.has_warned = True
        logger.warning(
            "id=%s has blocked the event loop for %.1f s, and all other jobs of this worker with "
            "it: let it await, or run it under another executor",
            self.id_of(task),
            seconds,
            extra={"job_id": self.id_of(task), "state": "running"},
        )

    def id_of(self, task: asyncio.Task[Any]) -> str:
        """The id of the job that runs in this task. For a task that a job has started itself, the
        ids of all running jobs, joined by ``|``: any of them may be the one."""
        tasks = [each for each in list(self.running.values()) if each]
        return task.get_name() if task in tasks else "|".join(each.get_name() for each in tasks)

    def abandon(self, lost: Sequence[Reservation]) -> None:
        super().abandon(lost)
        self.loop.call_soon_threadsafe(self.cancel, [each.token for each in lost])

    def terminate(self) -> None:
        """Cancel the running jobs. If any job then runs on, the heartbeat thread ends the
        process."""
        self.loop.call_soon_threadsafe(lambda: self.cancel(list(self.running)))

    def close(self) -> None:
        self.closing = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.blocking.close()
        if join_threads([self.thread, *self.blocking.threads]):
            self.wake.close()
        self.stop_app()


def awaits(job: type[Job]) -> bool:
    """Whether ``perform`` is a coroutine function."""
    return job._awaits


def load_awaitable(reservation: Reservation) -> Facts | None:
    """The run of a job that is to be awaited on the event loop.

    Returns None for a run that ``jobs.run.run`` settles as in other executors: ``perform`` is no
    coroutine function, or is not called, or the job cannot be loaded.
    """
    try:
        job = load_run(reservation)
        elsewhere = (
            reservation.crash_limit_reached
            or has_expired(reservation, job)
            or not job.kind._awaits
            or job.max_memory is not None
        )
    except BaseException:  # noqa: BLE001 - jobs.run.run settles the job for this error
        return None
    return None if elsewhere else job


def settlement_of(
    reservation: Reservation, task: asyncio.Task[Settlement], seconds: float
) -> Settlement:
    """The settlement of a job whose task has ended after ``seconds``.

    A job that this executor has cancelled, and that did not end well, is released.
    """
    if task.cancelled():
        return Settlement.of(reservation, "released", seconds=seconds)
    error = task.exception()
    return task.result() if error is None else settle_without_plugins(reservation, error, seconds)
