"""Which of the jobs that have ended are meant."""

import json
import math
from dataclasses import dataclass
from datetime import datetime

from buoy import Job
from buoy.plugins import expect

from .record import STATES, EndedJob, State

Time = float | datetime
LATEST = 10**12
"""Epoch seconds; later times count as this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a job that has ended must match; None matches all. Times are epoch seconds.

    Raises ConfigurationError for values of other types.
    """

    name: str | None = None
    queue: str | None = None
    state: State | None = None
    tag: str | None = None
    error: str | None = None
    args: str | None = None
    since: float | None = None
    until: float | None = None

    def __post_init__(self) -> None:
        for name in ("name", "queue", "tag", "error", "args"):
            value = getattr(self, name)
            expect(value is None or isinstance(value, str), f"find({name})", "a text", value)
        states = f"one of {', '.join(STATES)}"
        expect(self.state in (None, *STATES), "find(state)", states, self.state)

    @property
    def reads_entries(self) -> bool:
        """Whether entries must be read to know how many match."""
        others = (self.state, self.tag, self.error, self.args, self.since, self.until)
        return any(value is not None for value in others)

    def matches(self, each: EndedJob) -> bool:
        """Whether an end within the times, of this class and queue, matches the rest."""
        return (
            self.state in (None, each.state)
            and (self.tag is None or self.tag in each.tags)
            and (self.error is None or is_in(self.error, f"{each.error}: {each.message}"))
            and (self.args is None or is_in(self.args, arguments_text(each)))
        )


def is_in(part: str, text: str) -> bool:
    """Whether a text contains a part, in upper or lower case."""
    return part.lower() in text.lower()


def arguments_text(each: EndedJob) -> str:
    """Returns the arguments as JSON, as lists show them."""
    return "" if each.args is None else json.dumps(shown_arguments(each), ensure_ascii=False)


def shown_arguments(each: EndedJob) -> list[object] | None:
    """Returns the arguments as lists show them: those by name behind the others."""
    if each.args is None:
        return None
    return [*each.args, each.kwargs] if each.kwargs else list(each.args)


def class_name(name: object) -> object:
    """Returns the name of a job class; another value as it is."""
    return name.name if isinstance(name, type) and issubclass(name, Job) else name


def epoch(name: str, time: Time | None) -> float | None:
    """Returns a time as epoch seconds that Redis can take; raises ConfigurationError."""
    try:
        seconds = time.timestamp() if isinstance(time, datetime) else time
    except (ValueError, OverflowError):  # a year that this machine does not know
        seconds = math.nan
    if seconds is None:
        return None
    right = type(seconds) in (int, float) and seconds == seconds
    expect(right, f"find({name})", "epoch seconds or a datetime", time)
    return float(min(max(0, seconds), LATEST))
