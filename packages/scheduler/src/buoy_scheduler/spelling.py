"""How entries are spelled: as mappings in schedule files (resque-scheduler's, too) and in Redis."""

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from buoy import ConfigurationError

from .cron import zone_of
from .entry import Entry, EntryError, expect

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
DURATION = re.compile(r"(?:\d{1,9}[smhdw])+")
KEYS = [
    "cron",
    "every",
    "class",
    "queue",
    "args",
    "description",
    "tz",
    "missed",
    "overlap",
    "first",
]
RESQUE = ("env", "rails_env", "persist", "parameters", "hidden")
"""What old files may say besides: ``env`` is heeded before, the others mean nothing here."""


def entry_of(name: object, fields: object) -> Entry:
    """The entry that a mapping describes; raises EntryError."""
    try:
        return Entry(**read(str(name), fields))
    except EntryError:
        raise
    except ConfigurationError as error:
        raise EntryError(name, error) from None


def fields_of(entry: Entry) -> dict[str, Any]:
    """The mapping that describes an entry, without what is at its default."""
    found: dict[str, Any] = {"class": entry.job}
    for key in ("cron", "every", "first", "tz", "queue", "description", "missed", "overlap"):
        value = getattr(entry, key)
        if value != getattr(Entry, key):
            found[key] = value
    return found | ({} if entry.args == "[]" else {"args": json.loads(entry.args)})


def read(name: str, fields: object) -> dict[str, Any]:
    if not isinstance(fields, Mapping):
        raise ConfigurationError(f"expected keys like cron and class, got {fields!r:.80}")
    unknown = sorted(str(key) for key in fields if key not in (*KEYS, *RESQUE))
    expect(not unknown, "keys", f"some of {', '.join(KEYS)}", ", ".join(unknown))
    said = {key: fields[key] for key in KEYS if fields.get(key) is not None}
    found = {"name": name, "job": said.get("class", name), "args": arguments(said.get("args", []))}
    found |= {
        key: said[key] for key in ("queue", "description", "missed", "overlap") if key in said
    }
    zone = said.get("tz")
    if "cron" in said:
        found["cron"], zone = cron_and_zone(without_options("cron", said["cron"]), zone)
    if "every" in said:
        found["every"] = duration(without_options("every", said["every"]))
    if "first" in said:
        found["first"] = instant(said["first"])
    return found if zone is None else found | {"tz": str(zone)}


def arguments(value: object) -> str:
    """The arguments as JSON; what is no list is the one argument."""
    try:
        return json.dumps(value if isinstance(value, list | tuple) else [value], allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"args: expected what JSON can hold, got {value!r:.80} ({error})"
        ) from None


def without_options(key: str, value: object) -> object:
    """resque-scheduler has ``["1h", {first_in: 5m}]``: when the first tick is needs no saying."""
    match value:
        case [text, Mapping() as options] if not set(options) - {"first_in", "first"}:
            return text
        case list():
            raise ConfigurationError(
                f"{key}: expected a text, or a list of it and first_in, got {value!r:.80}"
            )
    return value


def cron_and_zone(text: object, zone: object) -> tuple[str, object]:
    """An expression may end in its zone: ``0 8 * * * Europe/Berlin``."""
    expect(isinstance(text, str), "cron", "a text", text)
    fields, _, last = str(text).strip().rpartition(" ")
    if len(fields.split()) < 5 or not any(letter.isalpha() for letter in last):
        return str(text), zone
    try:
        named = zone_of(last)
    except ConfigurationError:
        return str(text), zone
    return fields, zone if zone is not None else named.key


def duration(value: object) -> int:
    """Seconds, from a number of them or from a text like ``90s``, ``5m``, ``1h30m``, ``1d``."""
    if isinstance(value, timedelta):
        expect(not value % timedelta(seconds=1), "every", "whole seconds", value)
        value = int(value.total_seconds())
    if type(value) is int:
        return value
    text = str(value).replace(" ", "")
    expect(
        isinstance(value, str) and DURATION.fullmatch(text) is not None,
        "every",
        "a duration like 30s, 5m, 1h or 1d",
        value,
    )
    return sum(int(part[:-1]) * SECONDS[part[-1]] for part in re.findall(r"\d+[smhdw]", text))


def instant(value: object) -> int:
    """Epoch seconds, from a number of them or from a time that knows its zone."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.timestamp()
    right = isinstance(value, int | float) and math.isfinite(value) and 0 <= value < 10**10
    expect(right, "first", "a time with its zone, like 2026-01-31T08:00+01:00", value)
    return int(value)  # type: ignore[call-overload, no-any-return]  # a number, by now
