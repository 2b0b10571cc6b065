"""Entries of the schedule: what is enqueued, and when. Values that check themselves when made."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from buoy import ConfigurationError
from buoy.plugins import checked_queue

from .cron import Crontab, zone_of
from .ticks import Every, Never, Ticks

Missed = Literal["skip", "once", "all"] | int
MISSED = {"skip": 0, "once": 1, "all": 100}
"""How many of the ticks that were missed are made up for; the latest ones."""
MOST = 10_000
LONGEST = 36_525 * 86_400
"""Seconds: a hundred years. Ticks far beyond are no dates any more."""
LATEST = 10**10
"""Epoch seconds: in the year 2286."""


class EntryError(ConfigurationError):
    """An entry of the schedule says something that cannot be meant; the others are not affected."""

    def __init__(self, name: object, reason: object) -> None:
        super().__init__(f"schedule entry {name!r}: {reason}")
        self.name, self.reason = name, reason


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A job that recurs.

    ``job`` is its wire name, ``args`` its arguments as JSON. It has either ``cron`` or ``every``
    (seconds), which is counted from ``first`` (epoch seconds); or neither, when it is not
    ``enabled``: then it fires only when somebody says so.
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
    enabled: bool = True

    def __post_init__(self) -> None:
        try:
            self.check()
            self.ticks  # noqa: B018 - they are made, and so checked
        except ConfigurationError as error:
            raise EntryError(self.name, error) from None

    def check(self) -> None:
        fits = is_line(self.name) and len(self.name) <= 200
        expect(fits, "name", "one line of at most 200 characters", self.name)
        expect(is_line(self.job), "class", "the name of a job class", self.job)
        self.check_times()
        if self.queue is not None:
            expect(is_line(self.queue), "queue", "a name", self.queue)
            checked_queue(self.queue)
        expect(is_list(self.args), "args", "a list as JSON", self.args)
        expect(isinstance(self.description, str), "description", "a text", self.description)
        counted = type(self.missed) is int and 0 <= self.missed <= MOST
        named = isinstance(self.missed, str) and self.missed in MISSED
        expect(
            counted or named, "missed", f"skip, once, all, or how many, up to {MOST}", self.missed
        )
        expect(type(self.overlap) is bool, "overlap", "true or false", self.overlap)

    def check_times(self) -> None:
        expect(type(self.enabled) is bool, "enabled", "true or false", self.enabled)
        given = [key for key in ("cron", "every") if getattr(self, key) is not None]
        right = len(given) == 1 or (not given and not self.enabled)
        expect(right, "when", "either cron or every", " and ".join(given) or "neither")
        expect(isinstance(self.cron, str | None), "cron", "a text", self.cron)
        right = self.every is None or (type(self.every) is int and 0 < self.every <= LONGEST)
        expect(right, "every", "1 second or more, up to a hundred years", self.every)
        right = type(self.first) is int and 0 <= self.first < LATEST
        expect(right, "first", "epoch seconds before the year 2286", self.first)
        expect(not self.first or self.every is not None, "first", "it only with every", self.first)

    @cached_property
    def ticks(self) -> Ticks:
        """The instants at which it fires."""
        zone = zone_of(self.tz)
        if self.cron is not None:
            return Crontab(self.cron, zone)
        return Never() if self.every is None else Every(self.every, self.first)

    @property
    def made_up(self) -> int:
        """How many missed ticks are made up for, at most."""
        return MISSED[self.missed] if isinstance(self.missed, str) else self.missed

    @property
    def timing(self) -> str:
        """When it fires, as a text that changes only when that does."""
        if self.cron is None and self.every is None:
            return "never"
        if self.cron is None:
            return f"every {self.every} s from {self.first}"
        return f"cron {self.cron} {self.tz}"


def is_line(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isprintable()


def is_list(text: object) -> bool:
    try:
        return isinstance(text, str) and isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def expect(right: bool, subject: str, wanted: str, got: object) -> None:
    """Raise ConfigurationError unless things are right."""
    if not right:
        raise ConfigurationError(f"{subject}: expected {wanted}, got {shown(got)}")


def shown(value: object, most: int = 200) -> str:
    """A value for a message, whatever it is: Python refuses to write very long numbers."""
    try:
        return repr(value)[:most]
    except Exception:  # noqa: BLE001 - whatever a class of the user does
        return f"{type(value).__name__} that cannot be shown"
