"""How one enqueueing differs from what its class declares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict

from ..errors import ConfigurationError, InvalidArguments
from .checks import as_float, expect, is_int
from .due import NOW, Due
from .limits import LIMITS, SECONDS, check_limit, limits_of_runs
from .names import checked_line, checked_queue
from .priority import Level, check_level
from .strict_json import is_line
from .tags import NO_TAGS, checked_tags


@dataclass(frozen=True, slots=True)
class Options:
    """How one enqueueing differs from what its class declares. ``delay`` is in seconds, ``at`` in
    epoch seconds; at most one of the two is given."""

    queue: str | None = None
    delay: float | None = None
    at: float | None = None
    id: str | None = None
    newer: tuple[str, int] | None = None
    tags: tuple[str, ...] = NO_TAGS
    timeout: float | None = None
    max_memory: int | None = None
    expires: float | None = None
    max_length: int | None = None
    priority: str | None = None
    front: bool = False
    """Whether it goes before the jobs of its priority."""
    replace: bool = False
    """Whether a job with this id that waits gets its arguments and its time."""
    chain: tuple[Mapping[str, Any], ...] = ()
    """The jobs that follow, each when the one before has ended well; see ``link.py``."""

    @property
    def limits(self) -> dict[str, float] | None:
        """The limits of runs, which are stored with the job; None if it has none of its own."""
        return limits_of_runs({"timeout": self.timeout, "max_memory": self.max_memory})

    @property
    def due(self) -> Due:
        """When the job is to run."""
        if self.at is not None:
            return Due(at_ms=round(self.at * 1000))
        return Due(in_ms=round(self.delay * 1000)) if self.delay else NOW


AS_DECLARED = Options()
"""Nothing differs."""


class PushOptions(TypedDict, total=False):
    """What ``App.push`` takes beside the queue."""

    delay: float | timedelta | None
    at: float | datetime | None
    id: str | None
    newer: tuple[str, int] | None
    tags: Sequence[str]
    timeout: float | timedelta | None
    max_memory: int | None
    expires: float | timedelta | None
    max_length: int | None
    priority: Level | None
    front: bool
    replace: bool


class GivenOptions(PushOptions, total=False):
    """What ``Job.using`` takes."""

    queue: str | None


def options(
    queue: str | None = None,
    delay: float | timedelta | None = None,
    at: float | datetime | None = None,
    id: str | None = None,
    newer: tuple[str, int] | None = None,
    tags: Sequence[str] = NO_TAGS,
    priority: str | None = None,
    front: bool = False,
    replace: bool = False,
    *,
    subject: str = "using",
    **limits: Any,
) -> Options:
    """Checked options. ``subject``: what was called with them. Raises InvalidArguments or
    ConfigurationError for invalid values."""
    if delay is not None and at is not None:
        raise InvalidArguments(f"{subject}: expected delay or at, got both ({delay!r}, {at!r})")
    if delay is not None:
        delay = seconds_of(delay, subject)
    if at is not None:
        at = epoch_seconds(at, subject)
    id = checked_id(id, subject, replace=replace)
    if newer is not None:
        check_newer(newer, f"{subject}(newer)")
    more = checked_place(priority, subject, front=front, replace=replace)
    more |= checked_limits(limits, subject)
    given = NO_TAGS if tags is NO_TAGS else checked_tags(tags, f"{subject}(tags)")
    where = None if queue is None else checked_queue(queue)
    return Options(where, delay, at, id, newer, given, **more)


def checked_id(id: str | None, subject: str, *, replace: bool) -> str | None:
    """An id; raises ConfigurationError for what is none. Raises InvalidArguments if it is missing
    though a job is to be replaced."""
    if id is not None:
        return checked_line(id, f"{subject}(id)")
    if replace:
        raise InvalidArguments(f"{subject}: expected replace with the id of the job, got no id")
    return None


def checked_place(priority: str | None, subject: str, **switches: bool) -> dict[str, Any]:
    """Returns the options that say where in its queue a job goes. Raises ConfigurationError for
    values that are not valid."""
    if priority is not None:
        check_level(priority, f"{subject}(priority)")
    for name, switch in switches.items():
        expect(type(switch) is bool, f"{subject}({name})", "True or False", switch)
    return {"priority": priority, **switches}


def checked_limits(limits: dict[str, Any], subject: str) -> dict[str, Any]:
    """Returns the limits that are given, durations in seconds. Raises ConfigurationError for one
    that is not valid, and for an option that there is not."""
    for name, value in limits.items():
        if name not in LIMITS:
            known = ", ".join(["queue", *PushOptions.__annotations__])
            raise ConfigurationError(f"{subject}: expected one of {known}, got {name!r}")
        if isinstance(value, timedelta) and LIMITS[name][0] is SECONDS:
            limits[name] = value = value.total_seconds()
        check_limit(name, value, f"{subject}({name})")
    return limits


def seconds_of(delay: float | timedelta, subject: str) -> float:
    """A delay in seconds; raises ConfigurationError for one that is out of range."""
    given = as_float(delay.total_seconds() if isinstance(delay, timedelta) else delay)
    right = 0 <= given < 10**10
    expect(right, f"{subject}(delay)", "0 or more seconds, less than 10 ** 10", delay)
    return given


def check_newer(newer: object, subject: str) -> None:
    """Raise ConfigurationError unless ``newer`` is a name and a whole number that Lua represents
    exactly."""
    match newer:
        case (str(field), int(number)) if is_line(field) and is_int(number):
            if abs(number) < 2**53:
                return
    expect(False, subject, "a name and a whole number, less than 2 ** 53", newer)


def epoch_seconds(at: float | datetime, subject: str) -> float:
    """A time in epoch seconds. Raises InvalidArguments for a ``datetime`` without a time zone."""
    if isinstance(at, datetime):
        if at.utcoffset() is None:
            raise InvalidArguments(
                f"{subject}: expected at with a time zone, got {at!r}; say at.astimezone()"
            )
        at = max(0.0, at.timestamp())  # a time before the epoch is due at once, as any past one
    given = as_float(at)
    expect(
        0 <= given < 10**10,
        f"{subject}(at)",
        "a datetime with its zone, or epoch seconds before the year 2286",
        at,
    )
    return given
