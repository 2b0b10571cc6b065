"""Finds ends in few round trips, however many are remembered: for pages that somebody waits for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from buoy import App

from . import store
from .ended_jobs import born, wanted_streams
from .record import EndedJob
from .wanted import Wanted

MOST_READ = 5_000
"""How many entries are read at once, of all streams together."""
LEAST_READ = 20
"""How many are read of each stream, however many streams there are."""
BEFORE = 60.0
"""Seconds by which a job may seem to end before it was made: clocks differ."""


@dataclass(frozen=True, slots=True)
class EndsPage:
    """Ends that match, the newest first.

    ``read``: how many ends were looked at; ``remembered``: how many there are of this class and
    queue. ``older``: ends before this time (epoch seconds) are on the next page; None if there are
    none.
    """

    ended: list[EndedJob]
    read: int
    remembered: int
    older: float | None


def ends_page(app: App, wanted: Wanted, most: int) -> EndsPage:
    """Returns the newest ends that match: at most ``most``, but all of the last millisecond. Takes
    four round trips. Raises BrokerError."""
    streams = app.run_steps(wanted_streams(app, wanted))
    if not streams:
        return EndsPage([], 0, 0, None)
    count = share(len(streams))
    pages = app.run_steps(store.newest_pages(streams, count, wanted.since, wanted.until))
    remembered = sum(app.run_steps(store.lengths(streams)))
    horizon = max((page[-1].ended_at for page in pages if len(page) == count), default=0.0)
    ends = list(chain(*pages))
    known = [each for each in ends if each.ended_at > horizon]
    if ends and not known:  # a whole page ended within one millisecond
        known, horizon = ends, horizon - 0.001
    found = sorted(filter(wanted.matches, known), key=lambda each: -each.ended_at)
    older = horizon + 0.001 if horizon else None
    if len(found) > most:
        older = found[most - 1].ended_at
        found = [each for each in found if each.ended_at >= older]
    return EndsPage(found, len(known), remembered, older)


def find_end(app: App, id: str, queues: Sequence[str]) -> EndedJob | None:
    """Returns how a job has last ended, if that is among the first ends since it was made, or among
    the newest: most jobs end soon. Takes two round trips. Raises BrokerError."""
    streams = app.run_steps(store.streams(app, queues)) if queues else []
    if not streams:
        return None
    made = born(id)
    since = None if made is None else max(0.0, made - BEFORE)
    steps = store.first_and_newest_pages(streams, share(2 * len(streams)), since)
    ends = [each for each in chain(*app.run_steps(steps)) if each.id == id]
    return max(ends, key=lambda each: each.ended_at, default=None)


def share(streams: int) -> int:
    """Returns how many entries to read of each stream."""
    return max(LEAST_READ, MOST_READ // streams)
