"""Ticks: the times at which an entry fires, in whole epoch seconds; and which of them are due."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

PUNCTUAL = 5
"""Seconds by which a tick may be late before it counts as missed."""


class Ticks(Protocol):
    """The ticks of one entry, in order."""

    def after(self, instant: int) -> int | None:
        """Returns the first tick after an epoch second; None when there is none."""


@dataclass(frozen=True, slots=True)
class Every:
    """A tick every ``period`` seconds, counted from ``first`` (epoch seconds). The ticks do not
    depend on when a daemon starts."""

    period: int
    first: int = 0

    def after(self, instant: int) -> int:
        if instant < self.first:
            return self.first
        return instant + self.period - (instant - self.first) % self.period


@dataclass(frozen=True, slots=True)
class Never:
    """No tick at all."""

    def after(self, instant: int) -> None:
        """Returns None: there is no tick."""


def walk(ticks: Ticks, after: int, until: int) -> Iterator[int]:
    """Yields the ticks after one epoch second, up to and including another."""
    tick = ticks.after(after)
    while tick is not None and tick <= until:
        yield tick
        tick = ticks.after(tick)


def latest(ticks: Ticks, after: int, until: int, most: int) -> list[int]:
    """Returns the last ``most`` ticks after one epoch second, up to and including another. Searches
    from the end: the time between may be years."""
    span, start, found = 60, until, deque[int](maxlen=most)
    while len(found) < most and start > after:
        start = max(after, until - span)
        found = deque(walk(ticks, start, until), most)
        span *= 2
    return list(found)


def due_ticks(ticks: Ticks, last: int, now: int, missed: int) -> list[int]:
    """Returns the ticks to fire now, when all ticks up to ``last`` are handled: all ticks that are
    in time, and before them the last ``missed`` ticks of those that are late."""
    edge = max(last, now - PUNCTUAL)
    return [*latest(ticks, last, edge, missed), *walk(ticks, edge, now)]
