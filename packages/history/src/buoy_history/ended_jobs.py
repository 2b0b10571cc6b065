"""Finds jobs that have ended."""

from functools import partial
from typing import Any, cast

from buoy import App, Job
from buoy.plugins import expect
from buoy.plugins.redis import (
    PageSteps,
    RedisSteps,
    all_of,
    awaiting,
    awaiting_pages,
    blocking,
    blocking_pages,
    map_pages,
    merge_pages,
    pages_of,
    queue_names,
)

from . import store
from .record import EndedJob, State
from .wanted import Time, Wanted, class_name, epoch

BORN = 14
"""Hex digits at the beginning of an id of buoy: the microseconds at which the job was made."""
SKEW = 3600.0
"""Seconds by which the clock of the program that made the job may be ahead of that of Redis."""


def history(app: App | None = None) -> "EndedJobs":
    """Returns what is remembered of the jobs of an app, by default ``Job.app``."""
    return EndedJobs(app or Job.app)


class EndedJobs:
    """The jobs that have ended, and whose class or app has the plugin ``History``.

    All methods raise BrokerError if Redis does not answer.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.run_steps, self.arun_steps = app.run_steps, app.arun_steps

    @blocking_pages
    def find(
        self,
        *,
        name: str | type[Job] | None = None,
        queue: str | None = None,
        state: State | None = None,
        tag: str | None = None,
        error: str | None = None,
        args: str | None = None,
        since: Time | None = None,
        until: Time | None = None,
    ) -> PageSteps[EndedJob]:
        """Returns the ends of jobs that match all that is given, the newest first.

        ``name``: a class, or its name. ``error``: a part of its type or message; ``args``: a part
        of the arguments as JSON; both in upper or lower case. Ended at or after ``since`` and
        before ``until``: epoch seconds, or a datetime. Raises ConfigurationError for other values.
        """
        wanted = Wanted(
            name=cast(Any, class_name(name)),
            queue=queue,
            state=state,
            tag=tag,
            error=error,
            args=args,
            since=epoch("since", since),
            until=epoch("until", until),
        )
        return pages_of(search, self.app, wanted)

    afind = awaiting_pages(find)

    @blocking
    def get(self, id: str) -> RedisSteps[list[EndedJob]]:
        """Returns how a job has ended, the newest first: it ends again when it is retried after it
        has failed. Empty if nothing is remembered of it."""
        expect(isinstance(id, str), "get(id)", "the id of a job", id)
        made = born(id)
        since = None if made is None else max(0.0, made - SKEW)
        found = pages_of(search, self.app, Wanted(since=since))
        return all_of(map_pages(lambda page: [each for each in page if each.id == id], found))

    aget = awaiting(get)


@blocking_pages
def search(app: App, wanted: Wanted, read: store.Read = lambda count: None) -> PageSteps[EndedJob]:
    """Returns the ends that match, the newest first; calls ``read`` with how many were read.

    Raises BrokerError.
    """
    streams = yield from wanted_streams(app, wanted)
    if not streams:
        return
    pages = yield from store.newest_pages(streams, store.FIRST_PAGE, wanted.since, wanted.until)
    pairs = zip(streams, pages, strict=True)
    sorted_ones = [store.newest_first(*pair, wanted.since, read) for pair in pairs]
    merged = merge_pages(sorted_ones, key=lambda each: -each.ended_at)
    yield from map_pages(partial(filter, wanted.matches), merged)


def count_all(app: App, wanted: Wanted) -> int:
    """Returns how many ends there are of this class and queue. Raises BrokerError."""
    streams = app.run_steps(wanted_streams(app, wanted))
    return sum(app.run_steps(store.lengths(streams))) if streams else 0


def wanted_streams(app: App, wanted: Wanted) -> RedisSteps[list[store.Stream]]:
    """Returns the streams in which matching ends can be."""
    one = wanted.queue
    queues = (yield from queue_names(app)) if one is None else [one]
    found = (yield from store.streams(app, queues)) if queues else []
    return [each for each in found if wanted.name in (None, each.name)]


def born(id: str) -> float | None:
    """Returns when a job was made (epoch seconds), by its id and the clock of the program that made
    it; None for an id that buoy has not made."""
    try:
        return int(id[:BORN], 16) / 1e6 if len(id) == 2 * BORN else None
    except ValueError:
        return None
