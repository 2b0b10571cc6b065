"""Finds jobs in any state, by what they hold. No command reads more than a page."""

import heapq
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..connection.client import RedisSteps
from ..connection.twins import Page, PageSteps, blocking_pages, next_page, steps_of
from .job_filter import STATES, JobFilter
from .job_reader import PAGE_SIZE
from .monitor import Monitor
from .queued import read_queued
from .views import JobState, JobView, QueueView

Pair = tuple[bytes, Any]
"""An id, and its score or its token."""


@dataclass(frozen=True, slots=True)
class Found:
    """Jobs that were found, the newest first.

    ``total``: how many match in all. ``counts``: how many of these are in each state.
    """

    views: list[JobView]
    total: int
    counts: dict[JobState, int]


def count_by_state(queues: Iterable[QueueView], wanted: JobFilter) -> dict[JobState, int]:
    """Returns how many jobs of queues are in each state that the filter names."""
    queues = list(queues)
    chosen = [state for state in STATES if state in (wanted.states or STATES)]
    return {state: sum(getattr(view, state) for view in queues) for state in chosen}


def search(
    monitor: Monitor,
    wanted: JobFilter,
    most: int | None,
    read: Callable[[int], object] = lambda count: None,
) -> Found:
    """Returns the newest ``most`` jobs that match (None: all of them), and how many do.

    The newest are those that were enqueued last, of failed jobs those that failed last. If the
    filter depends on payloads, all payloads of these queues and states are read, and ``read`` is
    called with the number of each some of them. Jobs that change their state meanwhile may be
    missing or listed in either.
    """
    queues = monitor.queue_names() if wanted.queue is None else [wanted.queue]
    counts = count_by_state(monitor.queues(queues), wanted)
    limit = None if wanted.reads_payloads else most
    places = [(queue, state) for queue in queues for state in counts]
    candidates = (view for place in places for view in newest(monitor, *place, limit, read))
    if not wanted.reads_payloads:
        views = first(candidates, most)
        return Found(views, max(sum(counts.values()), len(views)), counts)
    counts = dict.fromkeys(counts, 0)

    def matching() -> Iterator[JobView]:
        for view in candidates:
            if wanted.matches(view):
                counts[view.state] += 1
                yield view

    views = first(matching(), most)
    return Found(views, sum(counts.values()), counts)


def first(views: Iterable[JobView], most: int | None) -> list[JobView]:
    """Returns the newest of these jobs, newest first. A job that is listed twice counts once."""
    found = (
        sorted(views, key=age_key, reverse=True)
        if most is None
        else (heapq.nlargest(most, views, key=age_key))
    )
    return list({(view.queue, view.id): view for view in found}.values())


def age_key(view: JobView) -> tuple[float, str]:
    """Returns what orders jobs by age: when it failed or was enqueued, and its id."""
    at = view.at if view.state == "failed" else view.enqueued_at
    return (at or 0.0, view.id)


@blocking_pages
def newest(
    monitor: Monitor,
    queue: str,
    state: JobState,
    limit: int | None = None,
    read: Callable[[int], object] = lambda count: None,
) -> PageSteps[JobView]:
    """Returns the jobs of a queue in a state; queued and failed ones the newest first, and of these
    at most ``limit``."""
    found_there = PLACES[state](monitor, queue)
    found: list[Pair] | None
    left = limit if limit is not None and state in ("queued", "failed") else sys.maxsize
    while left > 0 and (found := (yield from next_page(found_there))) is not None:
        for first in range(0, min(len(found), left), PAGE_SIZE):
            page = found[first : min(first + PAGE_SIZE, left)]
            yield Page((yield from steps_of(monitor.views_in, queue, page, state)))
            read(len(page))
        left -= len(found)


def queued_pairs(monitor: Monitor, queue: str) -> PageSteps[Pair]:
    """Returns the queued jobs, from the tail of the queue."""
    return pages_from_end(
        lambda start, stop: read_queued(monitor, queue, start, stop),
        lambda found: [(id, None) for id in found],
    )


def failed_pairs(monitor: Monitor, queue: str) -> PageSteps[Pair]:
    """Returns the failed jobs, from the last one."""
    key = monitor.keys.part(queue, "failed")
    return pages_from_end(
        lambda start, stop: steps_of(monitor.ask, key, "ZRANGE", start, stop, "WITHSCORES"), pairs
    )


def pairs(words: list[bytes]) -> list[Pair]:
    """Returns ids with what stands behind each of them."""
    return list(zip(words[::2], words[1::2], strict=True))


def pages_from_end(
    read: Callable[[int, int], RedisSteps[Any]], pairs_of: Callable[[list[bytes]], list[Pair]]
) -> PageSteps[Pair]:
    """Returns what a list or a zset holds in pages, the last id first.

    New ids at the end shift the pages, so that ids come again: those of the page before are left
    out.
    """
    before: set[bytes] = set()
    stop = -1
    while found := pairs_of((yield from read(stop - PAGE_SIZE + 1, stop)) or []):
        yield Page(pair for pair in reversed(found) if pair[0] not in before)
        before = {id for id, _ in found}
        stop -= PAGE_SIZE
        if len(found) < PAGE_SIZE:
            return


def scanned_pairs(part: str, monitor: Monitor, queue: str) -> PageSteps[Pair]:
    """Returns the delayed or blocked jobs, not sorted.

    Each job that is so from the first to the last page is returned once, while others come and
    go.
    """
    seen: set[bytes] = set()
    cursor: Any = 0
    key = monitor.keys.part(queue, part)
    while True:
        page = steps_of(monitor.ask, key, "ZSCAN", cursor, "COUNT", PAGE_SIZE)
        cursor, words = (yield from page) or (0, [])
        found = [pair for pair in pairs(words) if pair[0] not in seen]
        seen |= {id for id, _ in found}
        yield Page(found)
        if int(cursor) == 0:
            return


def running_pairs(monitor: Monitor, queue: str) -> PageSteps[Pair]:
    """Returns the running jobs with their tokens, not sorted."""
    key = monitor.keys.part(queue, "tokens")
    yield Page(pairs((yield from steps_of(monitor.ask, key, "HGETALL")) or []))


PLACES: dict[JobState, Callable[[Monitor, str], PageSteps[Pair]]] = {
    "queued": queued_pairs,
    "delayed": partial(scanned_pairs, "delayed"),
    "blocked": partial(scanned_pairs, "blocked"),
    "running": running_pairs,
    "failed": failed_pairs,
}
