"""Entries of the schedule: what is enqueued, and when. Values that check themselves when made."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from buoy import ConfigurationError

from .cron import Crontab, zone_of
from .ticks import Every, Ticks

Missed = Literal["skip", "once", "all"] | int
MISSED = {"skip": 0, "once": 1, "all": 100}
"""How many of the ticks that were missed are made up for; the latest ones."""
MOST = 10_000
LONGEST = 36_525 * 86_400
"""Seconds: a hundred years. Ticks far beyond are no dates any more."""


class EntryError(ConfigurationError):
    """An entry of the schedule says something that cannot be meant; the others are not affected."""

    def __init__(self, name: object, reason: object) -> None:
        super().__init__(f"schedule entry {name!r}: {reason}")
        self.name, self.reason = name, reason


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A job that recurs.

    ``job`` is its wire name, ``args`` its arguments as JSON. It has either ``cron`` or ``every``
    (seconds), which is counted from ``first`` (epoch seconds).
    """

    name: str
    job: str
    cron: str | None = None
    every: int | None = None
    first: int = 0
    tz: str = "UTC"
    queue: str | None = None
    args: str = "[]"
    description: str = ""
    missed: Missed = "once"
    overlap: bool = True

    def __post_init__(self) -> None:
        try:
            self.check()
            self.ticks.after(0)
        except ConfigurationError as error:
            raise EntryError(self.name, error) from None

    def check(self) -> None:
        fits = is_line(self.name) and len(self.name) <= 200
        expect(fits, "name", "one line of at most 200 characters", self.name)
        expect(is_line(self.job), "class", "the name of a job class", self.job)
        given = [key for key in ("cron", "every") if getattr(self, key) is not None]
        expect(len(given) == 1, "when", "either cron or every", " and ".join(given) or "neither")
        expect(isinstance(self.cron, str | None), "cron", "a text", self.cron)
        right = self.every is None or 0 < self.every <= LONGEST
        expect(right, "every", "1 second or more, up to a hundred years", self.every)
        expect(self.queue is None or is_line(self.queue), "queue", "a name", self.queue)
        expect(isinstance(self.description, str), "description", "a text", self.description)
        counted = type(self.missed) is int and 0 <= self.missed <= MOST
        named = isinstance(self.missed, str) and self.missed in MISSED
        expect(
            counted or named, "missed", f"skip, once, all, or how many, up to {MOST}", self.missed
        )
        expect(type(self.overlap) is bool, "overlap", "true or false", self.overlap)

    @cached_property
    def ticks(self) -> Ticks:
        """The instants at which it fires."""
        zone = zone_of(self.tz)
        return Every(self.every or 1, self.first) if self.cron is None else Crontab(self.cron, zone)

    @property
    def made_up(self) -> int:
        """How many missed ticks are made up for, at most."""
        return MISSED[self.missed] if isinstance(self.missed, str) else self.missed

    @property
    def timing(self) -> str:
        """When it fires, as a text that changes only when that does."""
        if self.cron is None:
            return f"every {self.every} s from {self.first}"
        return f"cron {self.cron} {self.tz}"


def is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isprintable()


def expect(right: bool, subject: str, wanted: str, got: object) -> None:
    """Raise ConfigurationError unless things are right."""
    if not right:
        raise ConfigurationError(f"{subject}: expected {wanted}, got {got!r:.200}")
