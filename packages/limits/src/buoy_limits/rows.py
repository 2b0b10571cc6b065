"""Limits, rates, throttles and debounces as the rows of tables, for the command line and for the
dashboard."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from buoy import App
from buoy.plugins.redis import (
    ClaimView,
    JobView,
    PaceView,
    PermitView,
    RedisSteps,
    ThrottleView,
    find_claims,
    find_jobs,
    find_paces,
    find_permits,
    find_throttles,
)

from .rates import format_rate

COLUMNS = ("key", "queue", "taken", "limit", "blocked", "delayed", "set", "next", "holder")
MOST = 1000
"""How many bursts are looked at."""
Row = dict[str, Any]


class Rows(NamedTuple):
    """All that is known of some queues. Each row has the fields of ``COLUMNS``; None where there is
    nothing to say. ``next`` is in epoch seconds."""

    limits: Sequence[Row]
    rates: Sequence[Row]
    throttles: Sequence[Row]
    debounces: Sequence[Row]

    def matching(self, text: str) -> "Rows":
        """Returns those whose key has this text somewhere, in small or capital letters."""
        return Rows(*([row for row in rows if text.lower() in row["key"].lower()] for rows in self))


def read_rows(app: App, queues: Sequence[str]) -> RedisSteps[Rows]:
    """Returns what counts in these queues: those with most blocked jobs, or with the longest time,
    first."""
    limits = yield from find_permits(app, queues)
    rates = yield from find_paces(app, queues)
    throttles = yield from find_throttles(app, queues)
    bursts = (yield from find_claims(app, queues, "Debounce:"))[:MOST]
    waiting = yield from find_jobs(app, [(each.queue, each.id) for each in bursts])
    return Rows(
        [*map(limit_row, in_order(limits))],
        [rate_row(each) for each in rates if each.key.startswith("Rate:")],
        [throttle_row(each) for each in throttles if each.key.startswith("Throttle:")],
        sorted(map(debounce_row, bursts, waiting), key=lambda row: (row["queue"], row["key"])),
    )


def in_order(found: Iterable[PermitView]) -> list[PermitView]:
    """Returns these limits, those with most blocked jobs first."""
    return sorted(found, key=lambda each: (-each.blocked, each.queue, each.key))


def row_of(**known: Any) -> Row:
    return dict.fromkeys(COLUMNS) | known


def limit_row(each: PermitView) -> Row:
    return row_of(
        key=each.key,
        queue=each.queue,
        taken=each.taken,
        limit=each.limit,
        blocked=each.blocked,
        set=each.set,
    )


def rate_row(each: PaceView) -> Row:
    return row_of(
        key=each.key,
        queue=each.queue,
        limit=format_rate(each.pace) if each.pace else None,
        delayed=each.delayed,
        set=format_rate(each.set) if each.set else None,
        next=each.next,
    )


def throttle_row(each: ThrottleView) -> Row:
    return row_of(key=each.key, queue=each.queue, next=each.until, holder=each.holder)


def debounce_row(claim: ClaimView, job: JobView | None) -> Row:
    due = job.at if job is not None and job.state == "delayed" else None
    return row_of(key=claim.claim, queue=claim.queue, next=due, holder=claim.id)
