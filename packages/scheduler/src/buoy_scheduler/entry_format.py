"""The format of entries: mappings in schedule files (also in those of Resque and Sidekiq) and in
Redis.

A key of a mapping is used, or refused with what to write instead, or ignored; then ``buoy schedule
check`` names it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from buoy import ConfigurationError
from buoy.plugins import expect
from buoy.plugins.text import short_repr

from .cron import zone_of
from .entry import Entry, EntryError
from .values import (
    AmbiguousScalar,
    arguments_json,
    parse_bool,
    parse_duration,
    parse_time,
    yaml_value,
)

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
    "enabled",
    "env",
]
"""The keys of an entry."""
ENVIRONMENTS = ("env", "rails_env")
ALIASES = {
    "class": ("class", "klass", "custom_job_class"),
    "tz": ("tz", "timezone", "time_zone", "zone"),
    "first": ("first", "first_at"),
}
"""The names of keys, with those in old files."""
OTHER = ("status", "never", "first_in")
IGNORED = ("persist", "parameters", "hidden", "active_job", "symbolize_args", "source", "namespace")
"""Keys that have no effect."""
REFUSED = {
    "date_as_argument": "the time is not passed to the job: let the job read the clock",
    "include_metadata": "the time is not passed to the job: let the job read the clock",
    "queue_name_prefix": "write the full name as queue",
    "active_job_queue_name_prefix": "write the full name as queue",
    "retry": "declare retries on the job class",
    "at": "a job that runs once is no entry: see enqueue_at",
    "in": "a job that runs once is no entry: see enqueue_in",
    "interval": "write every: 5m",
    "timeout": "declare the timeout on the job class",
    "times": "remove the entry when it is no longer needed",
    "last_at": "remove the entry when it is no longer needed",
    "last_in": "remove the entry when it is no longer needed",
}
"""Keys that are refused, with what to do instead. They are allowed when they are false or empty."""
KNOWN = {*KEYS, *ENVIRONMENTS, *OTHER, *IGNORED, *REFUSED} | {
    key for keys in ALIASES.values() for key in keys
}
ZONE = re.compile(r"(?=.*[A-Za-z])(?!.*[*#])[^,]{3,}")
FIELD = re.compile(
    r"((sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|[\d*?LW])"
    r"[-,/#]?)+",
    re.IGNORECASE,
)


def entry_of(name: object, fields: object) -> Entry:
    """Returns the entry that a mapping describes. Raises EntryError."""
    try:
        return Entry(**parse_fields(str(name), fields))
    except EntryError:
        raise
    except ConfigurationError as error:
        raise EntryError(name, error) from None


def fields_of(entry: Entry) -> dict[str, Any]:
    """Returns the mapping that describes an entry, without fields that have their defaults."""
    found: dict[str, Any] = {"class": entry.job}
    keys = ("cron", "every", "first", "tz", "queue", "description", "missed", "overlap", "enabled")
    for key in keys:
        value = getattr(entry, key)
        if value != getattr(Entry, key):
            found[key] = value
    return found | ({} if entry.args == "[]" else {"args": json.loads(entry.args)})


def parse_fields(name: str, fields: object) -> dict[str, Any]:
    """Returns the arguments for Entry. Raises ConfigurationError."""
    if not isinstance(fields, Mapping):
        raise ConfigurationError(f"expected keys like cron and class, got {short_repr(fields)}")
    given = checked_keys(without_colons(fields))
    given = split_options("every", split_options("cron", given))
    job = value_of(given, "class", ALIASES["class"])
    found = {"name": name, "job": name if job is None else job}
    found["args"] = arguments_json([] if given.get("args") is None else given["args"])
    for key in ("queue", "missed"):
        if given.get(key) is not None:
            found[key] = given[key]
    if given.get("description") is not None:
        found["description"] = written_text(given["description"])
    if given.get("overlap") is not None:
        found["overlap"] = parse_bool("overlap", given["overlap"])
    return found | {"enabled": is_enabled(given)} | parse_times(given)


def parse_times(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    zone = value_of(given, "tz", ALIASES["tz"])
    if given.get("cron") is not None:
        found["cron"], zone = cron_and_zone(given["cron"], zone)
    if given.get("every") is not None:
        found["every"] = parse_duration(given["every"])
    first = value_of(given, "first", ALIASES["first"])
    if first is not None:
        found["first"] = parse_time(first)
    if given.get("first_in") is not None:
        parse_duration(given["first_in"], "first_in")
    return found if zone is None else found | {"tz": zone_of(zone).key}


def without_colons(fields: Mapping[Any, Any]) -> dict[str, Any]:
    """Returns a mapping with its keys as texts: ``:every``, a symbol of Ruby, is ``every``. Raises
    ConfigurationError when a key is no text, or comes twice."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        expect(isinstance(key, str), "keys", "texts", key)
        text = str(key).removeprefix(":")
        expect(text not in found, "keys", "each once", text)
        found[text] = value
    return found


def checked_keys(given: dict[str, Any]) -> dict[str, Any]:
    """Returns the mapping. Raises ConfigurationError for unknown and refused keys, and for
    templates."""
    unknown = sorted(key for key in given if key not in KNOWN)
    expect(not unknown, "keys", f"some of {', '.join(KEYS)}", ", ".join(unknown))
    for key, advice in REFUSED.items():
        value = yaml_value(given.get(key))
        if value not in (None, False, ""):
            raise ConfigurationError(
                f"{key}: expected no such key, got {short_repr(value)}; {advice}"
            )
    if template := find_template(given):
        raise ConfigurationError(
            f"expected plain YAML, got the template {template!r:.80}; write its result"
        )
    return given


def find_template(value: object) -> str | None:
    """Returns the first text in a value that is a template of Ruby (ERB); None when there is
    none."""
    if isinstance(value, str):
        return value if "<%" in value and "%>" in value else None
    if isinstance(value, Mapping):
        value = list(value.values())
    inside = value if isinstance(value, list) else []
    return next((found for each in inside if (found := find_template(each))), None)


def value_of(given: Mapping[Any, Any], key: str, names: Iterable[str]) -> Any:
    """Returns the value of a key that has several names; None when there is none. Raises
    ConfigurationError when two names have different values."""
    values = {name: given[name] for name in names if given.get(name) is not None}
    first, *others = [*values.values()] or [None]
    equal = all(type(other) is type(first) and other == first for other in others)
    expect(equal, key, "equal values of " + " and ".join(values), list(values.values()))
    return first


def split_options(key: str, given: dict[str, Any]) -> dict[str, Any]:
    """Returns the mapping with ``["1h", {first_in: 5m}]``, the form of rufus-scheduler, split into
    the text and its options. Raises ConfigurationError for other lists."""
    value = given.get(key)
    if not isinstance(value, list):
        return given
    match value:
        case [str() | int() as text]:
            return given | {key: text}
        case [str() | int() as text, Mapping() as options]:
            options = without_colons(options)
            wrong = sorted(set(options) - {"first", "first_at", "first_in", "overlap"})
            expect(not wrong, key, "no option but first_at, first_in, overlap", ", ".join(wrong))
            twice = sorted(set(options) & set(given))
            expect(not twice, key, "each option once", ", ".join(twice))
            return given | {key: text} | options
    raise ConfigurationError(
        f"{key}: expected a text, or a list of it and first_in, got {short_repr(value)}; "
        "write an entry for each of several times"
    )


def is_enabled(given: Mapping[str, Any]) -> bool:
    """Whether the entry fires. ``status`` is the word of Sidekiq; ``never`` is given in place of a
    time. Raises ConfigurationError when keys contradict each other."""
    status = given.get("status")
    expect(status in (None, "enabled", "disabled"), "status", "enabled or disabled", status)
    enabled = [] if status is None else [status == "enabled"]
    if given.get("enabled") is not None:
        enabled.append(parse_bool("enabled", given["enabled"]))
    if "never" in given:
        expect(
            not {"cron", "every"} & set(given),
            "never",
            "no cron or every beside it",
            given["never"],
        )
        enabled.append(False)
    expect(len(set(enabled)) < 2, "enabled", "no contradiction", enabled)
    return all(enabled)


def written_text(value: object) -> object:
    """Returns a value as it is written, for texts that only people read."""
    return value.text if isinstance(value, AmbiguousScalar) else value


def ignored_keys(fields: Mapping[Any, Any]) -> list[str]:
    """Returns the keys of a mapping that have no effect, sorted."""
    given = without_colons(fields)
    given = split_options("every", split_options("cron", given))
    return sorted(set(given) & {*IGNORED, "first_in"})


def cron_and_zone(text: object, zone: object) -> tuple[str, object]:
    """Returns an expression and its zone, which may be its last word: ``0 8 * * * Europe/Berlin``.
    Raises ConfigurationError when that zone differs from ``zone``."""
    expect(isinstance(text, str), "cron", "a text", text)
    words = " ".join(str(text).split())
    fields, _, last = words.rpartition(" ")
    has_zone = len(fields.split()) in (5, 6) and ZONE.fullmatch(last) and not FIELD.fullmatch(last)
    if not has_zone:
        return words, zone
    found = zone_of(last).key
    expect(zone in (None, found), "tz", f"one zone, but cron ends in {found!r}", zone)
    return fields, found
