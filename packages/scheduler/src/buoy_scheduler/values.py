"""Single values as they are written in schedules: durations, times, arguments, yes and no."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from buoy import ConfigurationError
from buoy.plugins import NotJson, check_json

from .entry import LATEST, expect, shown

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
DURATION = re.compile(r"(?:\d{1,9} ?[smhdw] ?)+")
MOST_TEXT = 1_000_000
"""Characters that the arguments of an entry may have."""


@dataclass(frozen=True)
class Odd:
    """A word that YAML does not read as it stands there: ``no`` is False, ``010`` is 8."""

    text: str
    value: Any

    def __repr__(self) -> str:
        return f"{self.text} (to YAML {self.value!r}; in quotes it is a text)"


def arguments(value: object) -> str:
    """The arguments as JSON; what is no list is the one argument."""
    given = list(value) if isinstance(value, list | tuple) else [value]
    odd = odd_within(given)
    expect(odd is None, "args", "what everybody reads alike", odd)
    try:
        for number, each in enumerate(given, 1):
            check_json(each, f"argument {number}")
        text = json.dumps(given)
    except (NotJson, ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"args: expected what JSON can hold, got {shown(value, 80)} ({error})"
        ) from None
    expect(len(text) <= MOST_TEXT, "args", f"at most {MOST_TEXT} characters", len(text))
    return text


def odd_within(value: object) -> object:
    """The first word that YAML does not read as it stands there."""
    if isinstance(value, list):
        return next((odd for each in value if (odd := odd_within(each)) is not None), None)
    if isinstance(value, Mapping):
        return odd_within(list(value.values()))
    return value if isinstance(value, Odd) else None


def plain(value: object) -> Any:
    """What a word is to YAML, where that cannot be misunderstood."""
    return value.value if isinstance(value, Odd) else value


def truth(subject: str, value: object) -> bool:
    """Yes or no."""
    found = plain(value)
    expect(type(found) is bool, subject, "true or false", value)
    return bool(found)


def duration(value: object, subject: str = "every") -> int:
    """Seconds, from a number of them or from a text like ``90s``, ``5m``, ``1h30m``, ``1d``."""
    if isinstance(value, timedelta):
        expect(not value % timedelta(seconds=1), subject, "whole seconds", value)
        value = int(value.total_seconds())
    if type(value) is int:
        return value
    right = isinstance(value, str) and DURATION.fullmatch(value.strip()) is not None
    hint = numbered(value) or "a duration like 30s, 5m, 1h or 1d"
    expect(right, subject, hint, value)
    parts = re.findall(r"(\d+) ?([smhdw])", str(value))
    return sum(int(count) * SECONDS[unit] for count, unit in parts)


def numbered(value: object) -> str:
    """What to write instead of a number that has no unit."""
    digits = isinstance(value, str) and re.fullmatch(r"\d{1,9}", value.strip())
    return f"a duration with its unit, like {digits[0].strip()}s" if digits else ""


def instant(value: object, subject: str = "first") -> int:
    """Epoch seconds, from a number of them or from a time that knows its zone."""
    found = plain(value)
    if isinstance(found, str):
        with suppress(ValueError):
            found = datetime.fromisoformat(found)
    if isinstance(found, datetime) and found.tzinfo is not None:
        with suppress(OverflowError, ValueError):
            found = int(found.timestamp())
    whole = type(found) is int or (type(found) is float and found.is_integer())
    right = whole and 0 <= found < LATEST
    wanted = "a time with its zone, like 2026-01-31T08:00+01:00, before the year 2286"
    expect(right, subject, wanted, value)
    return int(found)
