"""Waits for the end of a job, without polling Redis."""

import time
from typing import Any, overload

from buoy import App, Handle
from buoy.plugins.redis import RedisSteps

from . import store
from .lookup import JobQuery, find_state, inline_state, query_by_reference
from .state import R, State

LONGEST_WAIT = 2.0
"""Seconds after which the state is read again without a wakeup: some ends cause none, for example
when a job is dequeued."""


@overload
def wait_for(
    job: Handle[R] | State[R], timeout: float | None = None, *, app: App | None = None
) -> State[R] | None: ...
@overload
def wait_for(
    job: str, timeout: float | None = None, *, queue: str | None = None, app: App | None = None
) -> State[Any] | None: ...
def wait_for(job: Any, timeout: float | None = None, **where: Any) -> State[Any] | None:
    """Wait until a job has ended, or ``timeout`` seconds; returns its state then, or None if the
    job is unknown.

    If another job kept the new one out (a handle of state "exists"), this waits for the other job.
    Raises BrokerError.
    """
    query = query_by_reference(job, **where)
    if query.app.is_inline:
        return inline_state(query)
    return query.app.run_steps(wait_steps(query, timeout))


@overload
async def await_for(
    job: Handle[R] | State[R], timeout: float | None = None, *, app: App | None = None
) -> State[R] | None: ...
@overload
async def await_for(
    job: str, timeout: float | None = None, *, queue: str | None = None, app: App | None = None
) -> State[Any] | None: ...
async def await_for(job: Any, timeout: float | None = None, **where: Any) -> State[Any] | None:
    """Wait in a coroutine until a job has ended; see wait_for. It uses a connection of its own."""
    query = query_by_reference(job, **where)
    if query.app.is_inline:
        return inline_state(query)
    return await query.app.arun_steps_apart(wait_steps(query, timeout))


def wait_steps(query: JobQuery, timeout: float | None) -> RedisSteps[State[Any] | None]:
    """Read the state, and sleep until the next wakeup, until the job has ended. The subscription
    comes before the last read of the state, so that no end is missed."""
    deadline = float("inf") if timeout is None else time.monotonic() + timeout
    subscribed, last_entry = None, ""
    while True:
        state = yield from find_state(query)
        known = state is not None or query.deferred
        left = deadline - time.monotonic()
        if not known or (state is not None and state.ended) or left <= 0:
            return state
        where = query.app, str(state.queue if state else query.queue), str(query.id)
        if where == subscribed:
            seconds = max(0.01, min(LONGEST_WAIT, left))
            yield from store.wait_for_wakeup(*where, last_entry, seconds)
        subscribed = where
        last_entry = yield from store.subscribe(*where)
