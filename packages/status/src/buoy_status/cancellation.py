"""Cancels jobs, wherever they are."""

from typing import Any, Literal, cast

from buoy import App, Handle
from buoy.plugins import job_classes
from buoy.plugins.redis import JobView, RedisSteps, steps_of

from . import record, store
from .lookup import JobQuery, query_by_reference, state_of
from .plugin import Status, status_of
from .state import State

CancelledFrom = Literal["queued", "blocked", "delayed", "running"]


def cancel(
    job: Handle[Any] | State[Any] | str, *, queue: str | None = None, app: App | None = None
) -> CancelledFrom | None:
    """Cancel a job; returns the state in which it was, or None if it had ended or is unknown.

    A running job loses its lease at once, and its run is ended within a third of a lease: a process
    is killed, a coroutine is cancelled. A run in a thread must ask ``cancelled(self)``. Raises
    BrokerError.
    """
    query = query_by_reference(job, queue=queue, app=app)
    return query.app.run_steps(cancel_steps(query))


async def acancel(
    job: Handle[Any] | State[Any] | str, *, queue: str | None = None, app: App | None = None
) -> CancelledFrom | None:
    """Cancel a job from a coroutine; see cancel."""
    query = query_by_reference(job, queue=queue, app=app)
    return await query.app.arun_steps(cancel_steps(query))


def cancel_steps(query: JobQuery) -> RedisSteps[CancelledFrom | None]:
    """Find the job, and end it in the same instant in which its end is recorded."""
    app, state = query.app, (yield from state_of(query))
    view = None
    if state and not state.ended:
        view = yield from steps_of(app.find, state.id, state.queue)
    if view is None:
        return None
    digest = store.identity_digest(view.name or "", view.identifier or "")
    ttl, where = ttl_of(view), (app, view.queue, view.id)
    then = store.record_commands(*where, record.cancelled(view), ttl)
    then += store.renew_commands(*where, digest, ttl)
    ended = yield from steps_of(app.cancel, view.id, queue=view.queue, then=then)
    return cast("CancelledFrom | None", ended)


def ttl_of(view: JobView) -> float:
    """Returns the seconds for which the end of the job is kept: as its class declares, or the
    default if this process has not imported the class."""
    job = job_classes.get(view.name or "")
    return ((job and status_of(job)) or Status()).ttl
