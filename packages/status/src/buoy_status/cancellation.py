"""Cancels jobs, wherever they are."""

from typing import Any, Literal, cast

from buoy import App, Handle
from buoy.plugins import job_classes
from buoy.plugins.redis import JobView

from . import record, store
from .lookup import look_up, query_by_reference
from .plugin import Status, status_of
from .state import State

CancelledFrom = Literal["queued", "delayed", "running"]


def cancel(
    job: Handle[Any] | State[Any] | str, *, queue: str | None = None, app: App | None = None
) -> CancelledFrom | None:
    """Cancel a job; returns the state in which it was, or None if it had ended or is unknown.

    A running job loses its lease at once, and its run is ended within a third of a lease: a process
    is killed, a coroutine is cancelled. A run in a thread must ask ``cancelled(self)``. Raises
    BrokerError.
    """
    query = query_by_reference(job, queue=queue, app=app)
    app, state = query.app, look_up(query)
    view = app.find(state.id, state.queue) if state and not state.ended else None
    if view is None:
        return None
    digest = store.identity_digest(view.name or "", view.identifier or "")
    ttl, where = ttl_of(view), (app, view.queue, view.id)
    then = store.record_commands(*where, record.cancelled(view), ttl)
    then += store.renew_commands(*where, digest, ttl)
    return cast("CancelledFrom | None", app.cancel(view.id, queue=view.queue, then=then))


def ttl_of(view: JobView) -> float:
    """Returns the seconds for which the end of the job is kept: as its class declares, or the
    default if this process has not imported the class."""
    job = job_classes.get(view.name or "")
    return ((job and status_of(job)) or Status()).ttl


async def acancel(
    job: Handle[Any] | State[Any] | str, *, queue: str | None = None, app: App | None = None
) -> CancelledFrom | None:
    """Cancel a job from a coroutine; see cancel. It runs in a thread."""
    import asyncio

    return await asyncio.to_thread(cancel, job, queue=queue, app=app)
