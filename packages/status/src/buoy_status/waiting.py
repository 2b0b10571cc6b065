"""Waiting for the end of a job, without asking again and again."""

import time
from typing import Any, overload

from buoy import App, Handle
from buoy.connection.client import RedisSteps
from buoy.jobs.job import R

from . import store
from .lookup import Sought, find, named, remembered
from .state import State

MOST = 2.0
"""Seconds between two looks: some ends ring no bell, as when the job is dequeued."""


@overload
def wait(
    job: Handle[R] | State[R], timeout: float | None = None, *, app: App | None = None
) -> State[R] | None: ...
@overload
def wait(
    job: str, timeout: float | None = None, *, queue: str | None = None, app: App | None = None
) -> State[Any] | None: ...
def wait(job: Any, timeout: float | None = None, **where: Any) -> State[Any] | None:
    """Wait until a job has ended; returns how it stands then, or after so many seconds.

    None if nothing is known of it. The handle of an enqueueing that another job kept out waits for
    that one.
    """
    sought = named(job, **where)
    if sought.app.is_inline:
        return remembered(sought)
    return sought.app.run_steps(until_ended(sought, timeout))


@overload
async def ended(
    job: Handle[R] | State[R], timeout: float | None = None, *, app: App | None = None
) -> State[R] | None: ...
@overload
async def ended(
    job: str, timeout: float | None = None, *, queue: str | None = None, app: App | None = None
) -> State[Any] | None: ...
async def ended(job: Any, timeout: float | None = None, **where: Any) -> State[Any] | None:
    """The same as wait, for programs that await."""
    sought = named(job, **where)
    if sought.app.is_inline:
        return remembered(sought)
    from .awaiting import converse_apart

    return await converse_apart(sought.app, until_ended(sought, timeout))


def until_ended(sought: Sought, timeout: float | None) -> RedisSteps[State[Any] | None]:
    """Look, and sleep until the job's end is told: listening first, so that none is missed."""
    deadline = float("inf") if timeout is None else time.monotonic() + timeout
    here, old = None, ""
    while True:
        state = yield from find(sought)
        known = state is not None or sought.deferred
        left = deadline - time.monotonic()
        if not known or (state is not None and state.ended) or left <= 0:
            return state
        place = sought.app, str(state.queue if state else sought.queue), str(sought.id)
        if place == here:
            yield from store.hear(*place, old, max(0.01, min(MOST, left)))
        here = place
        old = yield from store.listen(*place)
