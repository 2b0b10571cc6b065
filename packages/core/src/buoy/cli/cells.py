"""The cells of tables: values as one printable line, and values with a unit.

The values with a unit are subclasses of the types that JSON knows: JSON has the plain value, in ISO
8601, seconds or bytes, and a table shows it as people read it.
"""

import json
import time
from datetime import UTC, datetime
from typing import Any
from unicodedata import category, east_asian_width

from ..text.printable import one_line
from ..text.units import readable_distance, readable_duration, readable_size

WIDEST = 60
"""The most characters of a cell where nothing fits it to a terminal."""
LONGEST = 100 * WIDEST
"""The most characters of a value that a table looks at."""
FAR = 100 * 365.0 * 86_400
"""Seconds from now at which a time is not shown by its distance."""
FIRST, LAST = "0001-01-01T00:00:00.000+00:00", "9999-12-31T23:59:59.999+00:00"
"""Shown for times before and after the calendar of Python."""


class Time(str):
    """A moment in ISO 8601, UTC. A terminal shows how long ago it is, and the local time."""

    __slots__ = ("seconds",)
    seconds: float

    def distance(self) -> str:
        """Returns how far it is from now: ``3 min ago``; the date if it is far away."""
        away = self.seconds - time.time()
        return readable_distance(away) if abs(away) < FAR else self[:10]

    def with_clock(self) -> str:
        """Returns how far it is from now, with the local time: ``3 min ago (16:11:20)``."""
        try:
            local, now = datetime.fromtimestamp(self.seconds).astimezone(), datetime.now(UTC)
        except (ValueError, OverflowError, OSError):
            return str(self)
        away = abs(self.seconds - now.timestamp())
        if away < 12 * 3600:
            return f"{self.distance()} ({local:%H:%M:%S})"
        if away < 180 * 86_400:
            return f"{self.distance()} ({local:%b %d %H:%M})"
        return f"{self.distance()} ({local:%Y-%m-%d})" if away < FAR else str(self)


class Duration(float):
    """A number of seconds; a table shows ``3 m 20 s``."""

    __slots__ = ()


class Size(int):
    """A number of bytes; a table shows ``24 MiB``."""

    __slots__ = ()


def format_time(seconds: float | None) -> Time | None:
    """Returns epoch seconds as ISO 8601 in UTC, or None for None and nan.

    A time that the calendar of Python does not have becomes its first or last moment.
    """
    if seconds is None or seconds != seconds:
        return None
    try:
        made = Time(datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds"))
    except (ValueError, OverflowError, OSError):
        made = Time(LAST if seconds > 0 else FIRST)
    made.seconds = seconds
    return made


def format_json(value: Any, indent: int | None = None, *, ascii: bool = True) -> str:
    """Returns a value as JSON, or a text that says why JSON cannot hold it.

    ``ascii``: escape all other characters.
    """
    try:
        return json.dumps(value, indent=indent, ensure_ascii=ascii)
    except (TypeError, ValueError, RecursionError) as error:
        return f"(cannot be shown: {type(error).__name__})"


def format_cell(value: Any) -> str:
    """Returns a value as one printable line of at most WIDEST characters."""
    line = whole_cell(value)
    return line if len(line) <= WIDEST else line[: WIDEST - 1] + "…"


def whole_cell(value: Any) -> str:
    """Returns a value as one printable line. Of a text longer than LONGEST, only the start."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case Duration():
            return readable_duration(value)
        case Size():
            return readable_size(value)
        case str():
            text = str(value)
        case _:
            text = format_json(value, ascii=False)
    line = one_line(" ".join(text[:LONGEST].split()))
    return line if len(text) <= LONGEST else f"{line}…"


def width(line: str) -> int:
    """Returns how many columns a printable line takes on a terminal."""
    if line.isascii():
        return len(line)
    return sum(character_width(c) for c in line)


def character_width(character: str) -> int:
    """Returns how many columns a character takes on a terminal."""
    if category(character) in ("Mn", "Me"):  # accents, and what chooses the form of an emoji
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def cut_end(line: str, size: int) -> str:
    """Returns a line of at most ``size`` columns; a longer one ends with an ellipsis."""
    return line if width(line) <= size else f"{first_columns(line, size - 1)}…"


def cut_middle(line: str, size: int) -> str:
    """Returns a line of at most ``size`` columns; a longer one has an ellipsis in its middle."""
    if width(line) <= size:
        return line
    tail = first_columns(line[::-1], (size - 1) // 2)[::-1]
    return f"{first_columns(line, size - 1 - width(tail))}…{tail}"


def first_columns(line: str, size: int) -> str:
    """Returns the start of a line that takes at most ``size`` columns."""
    used = 0
    for position, character in enumerate(line):
        used += character_width(character)
        if used > size:
            return line[:position]
    return line
