"""Values as they are written in schedules: durations, times, arguments, booleans."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from buoy import ConfigurationError
from buoy.plugins import NotJson, check_json, expect
from buoy.plugins.text import UNIT_SECONDS, short_repr

from .entry import LATEST_TIME

DURATION = re.compile(r"(?:\d{1,9} ?[smhdw] ?)+")
MOST_TEXT = 1_000_000
"""Characters that the arguments of an entry may have."""


@dataclass(frozen=True)
class AmbiguousScalar:
    """A word that YAML reads as something else than what is written: ``no`` is False, ``010`` is 8.

    ``text`` is the word, ``value`` is what YAML reads. The code that uses it decides which is
    meant."""

    text: str
    value: Any

    def __repr__(self) -> str:
        return f"{self.text} (to YAML {self.value!r}; in quotes it is a text)"


def arguments_json(value: object) -> str:
    """Returns a list of arguments as JSON; a value that is no list or tuple is the only argument.
    Raises ConfigurationError when JSON cannot hold them."""
    given = list(value) if isinstance(value, list | tuple) else [value]
    ambiguous = find_ambiguous(given)
    expect(ambiguous is None, "args", "no ambiguous YAML", ambiguous)
    try:
        for number, each in enumerate(given, 1):
            check_json(each, f"argument {number}")
        text = json.dumps(given)
    except (NotJson, ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"args: expected what JSON can hold, got {short_repr(value)} ({error})"
        ) from None
    expect(len(text) <= MOST_TEXT, "args", f"at most {MOST_TEXT} characters", len(text))
    return text


def find_ambiguous(value: object) -> object:
    """Returns the first AmbiguousScalar in a value; None when there is none."""
    if isinstance(value, list):
        found = map(find_ambiguous, value)
        return next((each for each in found if each is not None), None)
    if isinstance(value, Mapping):
        return find_ambiguous(list(value.values()))
    return value if isinstance(value, AmbiguousScalar) else None


def yaml_value(value: object) -> Any:
    """Returns the value that YAML reads, for fields that always mean this value."""
    return value.value if isinstance(value, AmbiguousScalar) else value


def parse_bool(subject: str, value: object) -> bool:
    """Returns a boolean. Raises ConfigurationError for any other value."""
    found = yaml_value(value)
    expect(type(found) is bool, subject, "true or false", value)
    return bool(found)


def parse_duration(value: object, subject: str = "every") -> int:
    """Returns seconds, from a whole number of seconds, a timedelta, or a text like ``90s``, ``5m``,
    ``1h30m``, ``1d``. Raises ConfigurationError for anything else."""
    if isinstance(value, timedelta):
        expect(not value % timedelta(seconds=1), subject, "whole seconds", value)
        value = int(value.total_seconds())
    if type(value) is int:
        return value
    right = isinstance(value, str) and DURATION.fullmatch(value.strip()) is not None
    wanted = with_unit(value) or "a duration like 30s, 5m, 1h or 1d"
    expect(right, subject, wanted, value)
    parts = re.findall(r"(\d+) ?([smhdw])", str(value))
    return sum(int(count) * UNIT_SECONDS[unit] for count, unit in parts)


def with_unit(value: object) -> str:
    """Returns what to write instead of a number without a unit; an empty text for other values."""
    digits = isinstance(value, str) and re.fullmatch(r"\d{1,9}", value.strip())
    return f"a duration with its unit, like {digits[0].strip()}s" if digits else ""


def parse_time(value: object, subject: str = "first") -> int:
    """Returns epoch seconds, from whole epoch seconds, or from a time with its zone (a datetime, or
    a text in ISO 8601). Raises ConfigurationError for anything else."""
    found = yaml_value(value)
    if isinstance(found, str):
        with suppress(ValueError):
            found = datetime.fromisoformat(found)
    if isinstance(found, datetime) and found.tzinfo is not None:
        with suppress(OverflowError, ValueError):
            found = int(found.timestamp())
    whole = type(found) is int or (type(found) is float and found.is_integer())
    right = whole and 0 <= found < LATEST_TIME
    wanted = "a time with its zone, like 2026-01-31T08:00+01:00, before the year 2286"
    expect(right, subject, wanted, value)
    return int(found)
