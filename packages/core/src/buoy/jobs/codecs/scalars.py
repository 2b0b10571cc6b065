"""Values that are stored as one text, and enums."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from uuid import UUID

from .codec import NUMBER, TEXT, Known, Mismatch, guarded


class Scalar(Known):
    """Values of a class that are stored as text."""

    def __init__(
        self, kind: type, write: Callable[[Any], str], read: Callable[[str], Any], example: str
    ) -> None:
        super().__init__(kind.__name__, frozenset({TEXT}))
        self.kind, self.write, self.read, self.example = kind, write, read, example

    def holds(self, value: Any) -> bool:
        return isinstance(value, self.kind)

    def encode(self, value: Any) -> Any:
        if type(value) is self.kind:
            return guarded(self.write, value, self.name)
        if type(value) is str:
            return self.write(self.decode(value))
        if not self.holds(value):
            raise self.wrong(value)
        text = guarded(self.write, value, self.name)
        if not guarded(lambda value: is_equal(self.decode(text), value), value, self.name):
            raise self.wrong(value)
        return text

    def decode(self, stored: Any) -> Any:
        if type(stored) is not str:
            raise self.wrong(stored)
        try:
            return self.read(stored)
        except Exception:  # noqa: BLE001 - each type has its own errors for a wrong text
            raise Mismatch(f"{self.name}, such as {self.example!r}", "another text") from None


class Number(Scalar):
    """Decimal: it takes whole numbers, too. A float has lost digits already."""

    def encode(self, value: Any) -> Any:
        return super().encode(self.kind(value) if type(value) is int else value)


def is_equal(value: Any, other: Any) -> bool:
    """Whether two values are equal. A time that the clocks of a zone show twice is unequal to all
    times of other zones in Python: there it counts whether both are written alike. A time of day
    without offset is equal to one without zone in Python: here it is not."""
    if value == other:
        zones = [each.tzinfo is None for each in (value, other) if isinstance(each, time)]
        return len(set(zones)) < 2
    are_times = isinstance(value, datetime) and isinstance(other, datetime)
    return are_times and value.isoformat() == other.isoformat()


class Member(Known):
    """Enums: stored by their values if all are texts or whole numbers, else by their names."""

    def __init__(self, kind: type[Enum]) -> None:
        kinds = {type(each.value) for each in kind}
        by_value = kinds in ({str}, {int})
        super().__init__(kind.__name__, frozenset({NUMBER if kinds == {int} else TEXT}))
        self.kind, self.by_value = kind, by_value

    def holds(self, value: Any) -> bool:
        return isinstance(value, self.kind)

    def encode(self, value: Any) -> Any:
        member: Any = value if self.holds(value) else self.decode(value)
        return member.value if self.by_value else member.name

    def decode(self, stored: Any) -> Any:
        if type(stored) not in (str, int):
            raise self.wrong(stored)
        try:
            return self.kind(stored) if self.by_value else self.kind[stored]
        except Exception:  # noqa: BLE001 - an enum may have a method for missing values
            raise Mismatch(self.name, f"another {type(stored).__name__}") from None


DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:\.(?P<micro>\d{1,6}))?S)?)?"
)
"""A duration in the form of ISO 8601, with days as its largest unit."""


def duration_text(value: timedelta) -> str:
    """Returns a duration as in ISO 8601: ``P1DT2H30M``."""
    size = abs(value)
    minutes, seconds = divmod(size.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M")) if number)
    if size.microseconds:
        parts += f"{seconds}.{size.microseconds:06}S"
    elif seconds or not (parts or size.days):
        parts += f"{seconds}S"
    days = f"{size.days}D" if size.days else ""
    return f"{'-' if value != size else ''}P{days}{'T' if parts else ''}{parts}"


def parse_duration(text: str) -> timedelta:
    """Returns the duration in a text; raises ValueError."""
    found = DURATION.fullmatch(text)
    if found is None or text[-1] in "PT":
        raise ValueError(text)
    whole = {unit: int(found[unit] or 0) for unit in ("days", "hours", "minutes", "seconds")}
    size = timedelta(**whole, microseconds=int((found["micro"] or "0").ljust(6, "0")))
    return -size if found["sign"] else size


def time_text(value: time) -> str:
    """Returns a time as in ISO 8601; raises Mismatch for one that would lose its zone there."""
    if value.tzinfo is not None and value.utcoffset() is None:
        wanted = "time with a fixed offset, or a datetime"
        raise Mismatch(wanted, "one whose zone has no offset without a date")
    return time.isoformat(value)


def bytes_text(value: bytes) -> str:
    return b64encode(value).decode()


def parse_bytes(text: str) -> bytes:
    return b64decode(text, validate=True)


SCALARS: dict[Any, Known] = {
    each.kind: each
    for each in (
        Scalar(datetime, datetime.isoformat, datetime.fromisoformat, "2026-11-30T12:00:00+00:00"),
        Scalar(date, date.isoformat, date.fromisoformat, "2026-11-30"),
        Scalar(time, time_text, time.fromisoformat, "12:00:00"),
        Scalar(timedelta, duration_text, parse_duration, "PT1H30M"),
        Scalar(UUID, str, UUID, "0f8fad5b-d9cb-469f-a165-70867728950e"),
        Number(Decimal, str, Decimal, "12.50"),
        Scalar(bytes, bytes_text, parse_bytes, "aGVsbG8="),
        Scalar(Path, str, Path, "/tmp/report.csv"),
        Scalar(PurePath, str, PurePath, "/tmp/report.csv"),
        Scalar(PurePosixPath, str, PurePosixPath, "/tmp/report.csv"),
    )
}
"""Class -> its codec."""
