"""Ending a job from outside, wherever it is."""

from typing import Any, Literal, cast

from buoy import App, Handle

from . import record, store
from .lookup import named
from .plugin import Status
from .state import State

Place = Literal["waiting", "delayed", "running"]


def cancel(
    job: Handle[Any] | State[Any] | str, *, queue: str | None = None, app: App | None = None
) -> Place | None:
    """End a job; returns where it was, or None if it had ended.

    One that runs has lost its job at once, and is ended within a third of a lease: its process is
    killed, a coroutine is cancelled; in a thread it has to ask ``cancelled(self)``.
    """
    sought = named(job, queue=queue, app=app)
    view = sought.app.find(str(sought.id), sought.queue)
    if view is None or view.state == "failed":
        return None
    told = record.cancelled(view)
    ending = store.ending(
        sought.app, view.queue, view.id, view.identifier or "", told, Status().ttl
    )
    place = sought.app.cancel(view.id, queue=view.queue, then=ending)
    return cast("Place | None", place)


async def acancel(
    job: Handle[Any] | State[Any] | str, *, queue: str | None = None, app: App | None = None
) -> Place | None:
    """The same, for programs that await."""
    return await store.in_thread(cancel, job, queue=queue, app=app)
