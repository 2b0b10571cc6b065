"""Reads until when the times of paces are given out, who waits for them, and what throttles."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..broker.keys import Keys
from ..broker.script_arguments import decode_text
from ..connection.client import RawArg, RedisSteps
from .field_reader import Place, read_fields, readable, scan_fields

MOST = 1000
"""How many paces and throttles of a queue are read: those that last longest."""
LOOKED_AT = 10_000
"""How many delayed jobs of a queue are looked at: those that are due first."""
THROTTLE = b"throttle:"
"""What the names of throttles begin with; see lua/throttle.lua."""
TIMED = re.compile(rb"^p\+\d+:\d+ (.*)$", re.MULTILINE)
"""The key of a pace by which a job has been given its time; see lua/permits.lua."""


class Pace(NamedTuple):
    """How fast jobs of a key begin. ``interval``: the seconds between two of them. ``burst``: how
    many may begin together after a time without any."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class PaceView:
    """The pace of a key.

    ``next``: the next free time (epoch seconds); None if a job would begin at once. ``delayed``:
    how many jobs wait for their times, of the 10 000 delayed jobs of the queue that are due first.
    ``declared``: what the last job declared;
    None if that is not known any more. ``set``: what an operator has set in place of it.
    """

    queue: str
    key: str
    next: float | None
    delayed: int
    declared: Pace | None
    set: Pace | None

    @property
    def pace(self) -> Pace | None:
        """The pace that counts; None if nobody has set any and none is known."""
        return self.declared if self.set is None else self.set


@dataclass(frozen=True, slots=True)
class ThrottleView:
    """A key of which no job is enqueued ``until`` then (epoch seconds), because of the job of this
    id: ``holder``."""

    queue: str
    key: str
    until: float
    holder: str


def read_paces(keys: Keys, queues: Sequence[str], now: float) -> RedisSteps[list[PaceView]]:
    """Returns the paces of these queues by which a job that comes ``now`` (ms) would wait, and
    those that an operator has set; the longest wait first. Takes at most four round trips, and one
    more for each 500 counts that a queue keeps."""
    times, details = yield from read_times(keys, "paces", queues, now)
    set_paces = yield from read_set_paces(keys, queues)
    timed = {place for place in times if pace_in(details.get(place, b"")) is not None}
    delayed = yield from count_delayed(keys, sorted({queue for queue, _ in timed}))
    found = []
    for queue, key in sorted(timed | set_paces.keys()):
        place = queue, key
        declared, of_operator = pace_in(details.get(place, b"")), set_paces.get(place)
        free_at = next_free(times.get(place), of_operator or declared, now / 1000)
        name = decode_text(key)
        found.append(PaceView(queue, name, free_at, delayed[place], declared, of_operator))
    return sorted(found, key=lambda each: -(each.next or 0))


def next_free(given_until: float | None, pace: Pace | None, now: float) -> float | None:
    """Returns the next time that is not given out; None if a job that comes ``now`` gets that."""
    if given_until is None or pace is None:
        return None
    free_at = given_until - pace.interval * (pace.burst - 1)
    return free_at if free_at > now else None


def read_throttles(keys: Keys, queues: Sequence[str], now: float) -> RedisSteps[list[ThrottleView]]:
    """Returns what throttles jobs of these queues ``now`` (ms), the longest first; takes two round
    trips."""
    times, details = yield from read_times(keys, "throttles", queues, now)
    found = [
        ThrottleView(queue, decode_text(name.removeprefix(THROTTLE)), until, decode_text(holder))
        for (queue, name), until in times.items()
        if (holder := details.get((queue, name)))
    ]
    return sorted(found, key=lambda each: -each.until)


def read_times(
    keys: Keys, part: str, queues: Sequence[str], now: float
) -> RedisSteps[tuple[dict[Place, float], dict[Place, bytes]]]:
    """Returns what lasts longer than ``now`` (ms): until when (epoch seconds), and what is noted of
    it."""
    words = ("+inf", f"({now:.0f}", "BYSCORE", "REV", "LIMIT", 0, MOST, "WITHSCORES")
    commands: list[list[RawArg]] = [["ZRANGE", keys.part(queue, part), *words] for queue in queues]
    replies = (yield commands) if commands else ()
    times = {
        (queue, name): float(score) / 1000
        for queue, reply in readable(queues, replies)
        for name, score in zip(reply[::2], reply[1::2], strict=True)
    }
    return times, (yield from read_fields(keys, "paced", times))


def read_set_paces(keys: Keys, queues: Sequence[str]) -> RedisSteps[dict[Place, Pace]]:
    """Returns the paces that operators have set."""
    found = yield from scan_fields(keys, queues, "meta", "pace:")
    paces = {place: pace_in(text) for place, text in found.items()}
    return {place: pace for place, pace in paces.items() if pace is not None}


def count_delayed(keys: Keys, queues: Sequence[str]) -> RedisSteps[Counter[Place]]:
    """Returns how many delayed jobs wait for their times, by the keys of their paces."""
    commands: list[list[RawArg]] = [
        ["ZRANGE", keys.part(queue, "delayed"), 0, LOOKED_AT - 1] for queue in queues
    ]
    replies = (yield commands) if commands else ()
    names = [(queue, b"?" + id) for queue, ids in readable(queues, replies) for id in ids]
    needs = yield from read_fields(keys, "claims", names)
    return Counter(
        (queue, key) for (queue, _), text in needs.items() for key in TIMED.findall(text)
    )


def pace_in(text: bytes) -> Pace | None:
    """Returns the pace that a text of Redis tells, None if it tells none."""
    micros, _, burst = text.partition(b":")
    if not (micros.isdigit() and burst.isdigit() and len(text) < 40):
        return None
    return Pace(int(micros) / 1e6, int(burst))
