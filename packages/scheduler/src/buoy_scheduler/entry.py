"""Entries of the schedule: what is enqueued, and when. An entry checks its fields when it is
made."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from buoy import ConfigurationError
from buoy.plugins import checked_queue, expect

from .cron import Crontab, zone_of
from .ticks import Every, Never, Ticks

Missed = Literal["skip", "once", "all"] | int
MISSED = {"skip": 0, "once": 1, "all": 100}
"""How many missed ticks are fired later: the last ones."""
MOST_MISSED = 10_000
LONGEST_PERIOD = 36_525 * 86_400
"""Seconds: a hundred years. Later ticks may be beyond the calendar."""
LATEST_TIME = 10**10
"""Epoch seconds: in the year 2286."""


class EntryError(ConfigurationError):
    """An entry of the schedule is wrong; other entries are not affected."""

    def __init__(self, name: object, reason: object) -> None:
        super().__init__(f"schedule entry {name!r}: {reason}")
        self.name, self.reason = name, reason


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A job that recurs.

    ``job`` is the wire name of the job class, ``args`` is a list of arguments as JSON. An entry has
    either ``cron`` or ``every`` (seconds, counted from ``first``, which is epoch seconds). It may
    have neither when it is not ``enabled``: then it fires only by ``buoy schedule run``. Raises
    EntryError when a field is wrong.
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
            self.ticks  # noqa: B018 - this checks them
        except ConfigurationError as error:
            raise EntryError(self.name, error) from None

    def check(self) -> None:
        right = is_line(self.name) and len(self.name) <= 200
        expect(right, "name", "one line of at most 200 characters", self.name)
        expect(is_line(self.job), "class", "the name of a job class", self.job)
        self.check_times()
        if self.queue is not None:
            expect(is_line(self.queue), "queue", "a name", self.queue)
            checked_queue(self.queue)
        expect(is_list(self.args), "args", "a list as JSON", self.args)
        expect(isinstance(self.description, str), "description", "a text", self.description)
        counted = type(self.missed) is int and 0 <= self.missed <= MOST_MISSED
        named = isinstance(self.missed, str) and self.missed in MISSED
        expect(
            counted or named,
            "missed",
            f"skip, once, all, or how many, up to {MOST_MISSED}",
            self.missed,
        )
        expect(type(self.overlap) is bool, "overlap", "true or false", self.overlap)

    def check_times(self) -> None:
        expect(type(self.enabled) is bool, "enabled", "true or false", self.enabled)
        given = [key for key in ("cron", "every") if getattr(self, key) is not None]
        right = len(given) == 1 or (not given and not self.enabled)
        expect(right, "when", "either cron or every", " and ".join(given) or "neither")
        expect(isinstance(self.cron, str | None), "cron", "a text", self.cron)
        right = self.every is None or (type(self.every) is int and 0 < self.every <= LONGEST_PERIOD)
        expect(right, "every", "1 second or more, up to a hundred years", self.every)
        right = type(self.first) is int and 0 <= self.first < LATEST_TIME
        expect(right, "first", "epoch seconds before the year 2286", self.first)
        expect(not self.first or self.every is not None, "first", "it only with every", self.first)

    @cached_property
    def ticks(self) -> Ticks:
        """The times at which the entry fires."""
        zone = zone_of(self.tz)
        if self.cron is not None:
            return Crontab(self.cron, zone)
        return Never() if self.every is None else Every(self.every, self.first)

    @property
    def max_missed(self) -> int:
        """How many missed ticks are fired later, at most."""
        return MISSED[self.missed] if isinstance(self.missed, str) else self.missed

    @property
    def timing(self) -> str:
        """When the entry fires, as a text that changes only when the times do."""
        if self.cron is None and self.every is None:
            return "never"
        if self.cron is None:
            return f"every {self.every} s from {self.first}"
        return f"cron {self.cron} {self.tz}"


def is_line(value: object) -> bool:
    """Whether a value is a text that is not empty and can be printed on one line."""
    return isinstance(value, str) and bool(value) and value.isprintable()


def is_list(text: object) -> bool:
    """Whether a value is a text with a list as JSON."""
    try:
        return isinstance(text, str) and isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False
