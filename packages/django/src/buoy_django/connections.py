"""Keeps the connections of Django's databases right in workers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from inspect import iscoroutinefunction

from asgiref.sync import SyncToAsync
from django.conf import settings
from django.core.cache import close_caches
from django.db import close_old_connections, connections, reset_queries

from buoy import Job, Plugin, RunInfo, hookimpl


@dataclass(frozen=True)
class DjangoConnections(Plugin):
    """Does around each job in a worker what Django does around each request: it closes connections
    that are too old (``CONN_MAX_AGE``) or broken. Processes never share a connection.

    A job that runs inline uses the connections of its caller, and may be in a transaction: they are
    left alone.
    """

    @hookimpl
    def before_run(self, job: Job, run: RunInfo) -> None:
        """Close what must not be used any more."""
        if not job.is_inline:
            call_where_django_connects(job, before_job)

    @hookimpl
    def after_run(self, job: Job | None, run: RunInfo) -> None:
        """Close what must not be kept."""
        if job is not None and not job.is_inline:
            call_where_django_connects(job, after_job)

    @hookimpl
    def before_fork(self) -> None:
        """Close what the app has opened while it was loaded: a child must not use it, too."""
        connections.close_all()

    @hookimpl
    def before_exit(self) -> None:
        """Close what the child has opened, so that the database sees an orderly end."""
        connections.close_all()


def before_job() -> None:
    close_old_connections()
    if settings.DEBUG:  # then Django remembers all queries
        reset_queries()


def after_job() -> None:
    close_old_connections()
    close_caches()


def call_where_django_connects(job: Job, function: Callable[[], None]) -> None:
    """Call it in this thread; for a coroutine, in the thread in which Django's asynchronous methods
    use the database, before all that the job does there."""
    if iscoroutinefunction(type(job).perform) or is_on_event_loop():  # type: ignore[attr-defined]
        call = SyncToAsync.single_thread_executor.submit(function)
        if not is_on_event_loop():
            call.result()  # the process of the job may be about to end
    else:
        function()


def is_on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
