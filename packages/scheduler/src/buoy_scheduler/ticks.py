"""Ticks: the instants at which an entry fires, in whole epoch seconds, and those of them due."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

PUNCTUAL = 5
"""Seconds by which a tick may be late before it counts as missed."""


class Ticks(Protocol):
    """The instants of one entry, in order."""

    def after(self, instant: int) -> int | None:
        """The first tick after an instant; None when there is none any more."""


@dataclass(frozen=True, slots=True)
class Every:
    """A tick each ``period`` seconds, counted from ``first``: who starts when does not matter."""

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
        """There is none."""


def walk(ticks: Ticks, after: int, until: int) -> Iterator[int]:
    """The ticks after one instant, up to and with another."""
    tick = ticks.after(after)
    while tick is not None and tick <= until:
        yield tick
        tick = ticks.after(tick)


def latest(ticks: Ticks, after: int, until: int, most: int) -> list[int]:
    """The last ``most`` ticks of a time that may be years long: looked for from its end."""
    span, start, found = 60, until, deque[int](maxlen=most)
    while len(found) < most and start > after:
        start = max(after, until - span)
        found = deque(walk(ticks, start, until), most)
        span *= 2
    return list(found)


def due(ticks: Ticks, last: int, now: int, missed: int) -> list[int]:
    """What is to be fired now, when ``last`` was the last tick dealt with: all that is in time,
    and before it the last ``missed`` of those that no daemon has fired in time."""
    edge = max(last, now - PUNCTUAL)
    return [*latest(ticks, last, edge, missed), *walk(ticks, edge, now)]
