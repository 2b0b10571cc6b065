"""How one enqueueing differs from what its class declares."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import InvalidArguments
from .checks import as_float, expect, is_int
from .due import NOW, Due
from .names import checked_line, checked_queue
from .strict_json import is_line


@dataclass(frozen=True, slots=True)
class Options:
    """How one enqueueing differs from what its class declares. ``delay`` is in seconds, ``at`` in
    epoch seconds; at most one of the two is given."""

    queue: str | None = None
    delay: float | None = None
    at: float | None = None
    id: str | None = None
    newer: tuple[str, int] | None = None

    @property
    def due(self) -> Due:
        """When the job is to run."""
        if self.at is not None:
            return Due(at_ms=round(self.at * 1000))
        return Due(in_ms=round(self.delay * 1000)) if self.delay else NOW


AS_DECLARED = Options()
"""Nothing differs."""


def options(
    queue: str | None,
    delay: float | timedelta | None,
    at: float | datetime | None,
    id: str | None,
    newer: tuple[str, int] | None = None,
) -> Options:
    """Checked options. Raises InvalidArguments or ConfigurationError for invalid values."""
    if delay is not None and at is not None:
        raise InvalidArguments(f"using: expected delay or at, got both ({delay!r}, {at!r})")
    if delay is not None:
        delay = seconds_of(delay)
    if at is not None:
        at = epoch_seconds(at, "using")
    if id is not None:
        id = checked_line(id, "using(id)")
    if newer is not None:
        check_newer(newer, "using(newer)")
    return Options(None if queue is None else checked_queue(queue), delay, at, id, newer)


def seconds_of(delay: float | timedelta) -> float:
    """A delay in seconds; raises ConfigurationError for one that is out of range."""
    given = as_float(delay.total_seconds() if isinstance(delay, timedelta) else delay)
    right = 0 <= given < 10**10
    expect(right, "using(delay)", "0 or more seconds, less than 10 ** 10", delay)
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
    expect(0 <= given < 10**10, f"{subject}(at)", "epoch seconds before the year 2286", at)
    return given
