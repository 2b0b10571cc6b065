"""Ending a job from outside, wherever it is."""

from typing import Any, Literal, cast

from buoy import App, Handle
from buoy.jobs.registry import registry
from buoy.operations.views import JobView

from . import record, store
from .lookup import look_up, named
from .plugin import Status, status_of
from .state import State

Place = Literal["queued", "delayed", "running"]


def cancel(
    job: Handle[Any] | State[Any] | str, *, queue: str | None = None, app: App | None = None
) -> Place | None:
    """End a job; returns where it was, or None if it had ended.

    One that runs has lost its job at once, and is ended within a third of a lease: its process is
    killed, a coroutine is cancelled; in a thread it has to ask ``cancelled(self)``.
    """
    sought = named(job, queue=queue, app=app)
    app, state = sought.app, look_up(sought)
    view = app.find(state.id, state.queue) if state and not state.ended else None
    if view is None:
        return None
    told, like = record.cancelled(view), store.likeness(view.name or "", view.identifier or "")
    ttl, found = ttl_of(view), (app, view.queue, view.id)
    then = store.recording(*found, told, ttl) + store.renewing(*found, like, ttl)
    return cast("Place | None", app.cancel(view.id, queue=view.queue, then=then))


def ttl_of(view: JobView) -> float:
    """How long the end of a job is known: as its class says, if that has been imported here."""
    job = registry.get(view.name or "")
    return ((job and status_of(job)) or Status()).ttl


async def acancel(
    job: Handle[Any] | State[Any] | str, *, queue: str | None = None, app: App | None = None
) -> Place | None:
    """The same, for programs that await."""
    import asyncio

    return await asyncio.to_thread(cancel, job, queue=queue, app=app)
