"""Runs jobs in the process of the test: all that are due, or one."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, overload

from ..app import App
from ..broker.forwarding import forward
from ..executor.async_ import load_awaitable
from ..executor.async_run import arun
from ..executor.in_process import run_isolated
from ..jobs.building import build_job
from ..jobs.call import Async, P, Performs, R
from ..jobs.enqueueing import encoded_payload
from ..jobs.facts import Facts, facts
from ..jobs.job import Job, facts_of
from ..jobs.run import load_run, run, run_inline
from ..jobs.run_events import Ended
from ..jobs.run_failures import code_of
from ..model.checks import expect
from ..model.failure import traceback_since
from ..model.options import AS_DECLARED
from ..model.outcome import Failed, Later, Outcome
from ..model.payload import Payload
from ..model.reservation import NO_WORKER, Reservation, RoundTripRequest, Settlement

WORKER = "drain"


def drain(app: App | None = None, *queues: str, raise_errors: bool = False) -> Counter[str]:
    """Run all jobs that are due, those that they enqueue too, in this process.

    Returns the number of runs by outcome: "done", "failed", "delayed", "rejected". Without ``app``
    it runs those of ``Job.app``; without queues, the jobs of all queues. While everything is paused
    it runs none. ``raise_errors``: stop at the first run that fails, also if it will be tried
    again, and raise its error. Its job is settled before.
    """
    __tracebackhide__ = True  # pytest then shows the lines of the test and of the job
    app, counts = checked_app(app), Counter[str]()
    for reservation in due_jobs(app, queues):
        endings: list[Ended] = []
        settlement = run_here(app, reservation, endings)
        settle(app, settlement, counts)
        if raise_errors:
            raise_error(reservation, endings)
    return counts


async def adrain(app: App | None = None, *queues: str, raise_errors: bool = False) -> Counter[str]:
    """Run all jobs that are due, as ``drain`` does: those with ``async def perform`` on the event
    loop of the test, one after another."""
    __tracebackhide__ = True
    app, counts = checked_app(app), Counter[str]()
    for reservation in due_jobs(app, queues):
        endings: list[Ended] = []
        if job := load_awaitable(reservation):
            running = arun(reservation, job, endings=endings)
            settlement = await asyncio.create_task(running, context=copy_context())
        else:
            settlement = run_here(app, reservation, endings)
        settle(app, settlement, counts)
        if raise_errors:
            raise_error(reservation, endings)
    return counts


def checked_app(app: App | None) -> App:
    """Returns the app whose jobs are to run; raises ConfigurationError for what is none."""
    right = app is None or isinstance(app, App)
    expect(right, "drain", 'an app before the queues, drain(app, "mail")', app)
    return app or Job.app


def due_jobs(app: App, queues: tuple[str, ...]) -> Iterator[Reservation]:
    """Takes one job after another, until none is due; none if everything is paused."""
    number, idle = 0, app.monitor.paused_since() is not None
    while not idle:
        idle = True
        for queue in queues or app.monitor.queue_names():
            number += 1
            trip = RoundTripRequest(queue, number, wanted=1)
            for reservation in app.broker.advance_queue(WORKER, trip).reservations:
                idle = False
                yield reservation


def run_here(app: App, reservation: Reservation, endings: list[Ended]) -> Settlement:
    return run_isolated(copy_context(), partial(run, endings=endings), reservation, app._hooks)


def settle(app: App, settlement: Settlement, counts: Counter[str]) -> None:
    """Apply the outcome of a run, and count it."""
    counts[settlement.outcome] += 1
    trip = RoundTripRequest(settlement.queue, 0, settlements=[settlement])
    if app.broker.advance_queue(WORKER, trip).handovers:
        forward(app.broker, settlement.queue)


def raise_error(reservation: Reservation, endings: list[Ended]) -> None:
    """Raise the error of a run that has failed, with its traceback from ``perform`` on."""
    __tracebackhide__ = True
    for outcome, error, _ in endings:
        if error is None or not (isinstance(outcome, Failed) or is_retry(outcome)):
            continue
        since = None
        with suppress(BaseException):  # of a class that cannot be loaded
            since = code_of(load_run(reservation))
        raise BaseException.with_traceback(error, traceback_since(error, since))


def is_retry(outcome: Outcome) -> bool:
    """Whether the run counts as a failed attempt, and the job runs again."""
    return isinstance(outcome, Later) and outcome.count


@overload
def perform_job(job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
@overload
def perform_job(job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
def perform_job(job: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Run a job with these arguments in this process, with all its plugins; returns what
    ``perform`` returns, or raises its error.

    The job gets its arguments as a worker would read them. Nothing is enqueued, and no Redis is
    asked.
    """
    __tracebackhide__ = True
    known = as_stored(build_job(job, (args, kwargs), AS_DECLARED))
    reservation = Reservation(known.id, NO_WORKER, known.queue, known.payload.encoded())
    try:
        return run_inline(reservation, known)
    finally:
        known.seen = None


def as_stored(job: Job) -> Facts:
    """Returns a job that was not enqueued as it would be read from Redis."""
    known = facts(job)
    stored = encoded_payload(job, job.app.settings.max_payload).decode()
    return facts_of(known.kind, Payload.decoded(stored), known.queue, NO_WORKER)
