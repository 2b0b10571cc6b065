"""How entries are spelled: as mappings in schedule files (those of Resque and Sidekiq, too) and in
Redis. A key is used, or refused with what to write instead, or means nothing here and is told so.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from buoy import ConfigurationError

from .cron import zone_of
from .entry import Entry, EntryError, expect, shown
from .values import Odd, arguments, duration, instant, plain, truth

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
"""What else old files call them."""
OLD = ("status", "never", "first_in")
NOTHING = ("persist", "parameters", "hidden", "active_job", "symbolize_args", "source", "namespace")
"""What means nothing here."""
ELSEWHERE = {
    "date_as_argument": "the time is no argument here: let the job ask for it",
    "include_metadata": "the time is no argument here: let the job ask for it",
    "queue_name_prefix": "write the whole name as queue",
    "active_job_queue_name_prefix": "write the whole name as queue",
    "retry": "say on the class how often it is to be retried",
    "at": "what runs once is no entry: see enqueue_at",
    "in": "what runs once is no entry: see enqueue_in",
    "interval": "write every: 5m",
    "timeout": "say on the class how long it may run",
    "times": "take the entry out when it is enough",
    "last_at": "take the entry out when it is enough",
    "last_in": "take the entry out when it is enough",
}
"""What is refused with what to do; but it is no matter when it says no."""
KNOWN = {*KEYS, *ENVIRONMENTS, *OLD, *NOTHING, *ELSEWHERE} | {
    key for keys in ALIASES.values() for key in keys
}
ZONE = re.compile(r"(?=.*[A-Za-z])(?!.*[*#])[^,]{3,}")
FIELD = re.compile(
    r"((sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|[\d*?LW])"
    r"[-,/#]?)+",
    re.IGNORECASE,
)


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
    keys = ("cron", "every", "first", "tz", "queue", "description", "missed", "overlap", "enabled")
    for key in keys:
        value = getattr(entry, key)
        if value != getattr(Entry, key):
            found[key] = value
    return found | ({} if entry.args == "[]" else {"args": json.loads(entry.args)})


def read(name: str, fields: object) -> dict[str, Any]:
    if not isinstance(fields, Mapping):
        raise ConfigurationError(f"expected keys like cron and class, got {shown(fields, 80)}")
    said = checked(without_colons(fields))
    said = options_of("every", options_of("cron", said))
    job = named(said, "class", ALIASES["class"])
    found = {"name": name, "job": name if job is None else job}
    found["args"] = arguments([] if said.get("args") is None else said["args"])
    for key in ("queue", "missed"):
        if said.get(key) is not None:
            found[key] = said[key]
    if said.get("description") is not None:
        found["description"] = as_written(said["description"])
    if said.get("overlap") is not None:
        found["overlap"] = truth("overlap", said["overlap"])
    return found | {"enabled": is_enabled(said)} | times(said)


def times(said: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    zone = named(said, "tz", ALIASES["tz"])
    if said.get("cron") is not None:
        found["cron"], zone = cron_and_zone(said["cron"], zone)
    if said.get("every") is not None:
        found["every"] = duration(said["every"])
    first = named(said, "first", ALIASES["first"])
    if first is not None:
        found["first"] = instant(first)
    if said.get("first_in") is not None:
        duration(said["first_in"], "first_in")
    return found if zone is None else found | {"tz": zone_of(zone).key}


def without_colons(fields: Mapping[Any, Any]) -> dict[str, Any]:
    """The same, its keys as texts: to Ruby ``:every`` is a symbol."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        expect(isinstance(key, str), "keys", "texts", key)
        text = str(key).removeprefix(":")
        expect(text not in found, "keys", "each once", text)
        found[text] = value
    return found


def checked(said: dict[str, Any]) -> dict[str, Any]:
    """Nothing that would be passed over in silence."""
    unknown = sorted(key for key in said if key not in KNOWN)
    expect(not unknown, "keys", f"some of {', '.join(KEYS)}", ", ".join(unknown))
    for key, advice in ELSEWHERE.items():
        value = plain(said.get(key))
        if value not in (None, False, ""):
            raise ConfigurationError(f"{key}: expected no such key, got {shown(value)}; {advice}")
    if template := template_in(said):
        raise ConfigurationError(
            f"expected plain YAML, got the template {template!r:.80}; write what it makes"
        )
    return said


def template_in(value: object) -> str | None:
    """A text that Ruby was to replace."""
    if isinstance(value, str):
        return value if "<%" in value and "%>" in value else None
    if isinstance(value, Mapping):
        value = list(value.values())
    inside = value if isinstance(value, list) else []
    return next((found for each in inside if (found := template_in(each))), None)


def named(said: Mapping[Any, Any], key: str, names: Iterable[str]) -> Any:
    """What is said under one of several names; under two it must be the same."""
    given = {name: said[name] for name in names if said.get(name) is not None}
    first, *others = [*given.values()] or [None]
    one = all(type(other) is type(first) and other == first for other in others)
    expect(one, key, "the same in " + " and ".join(given), list(given.values()))
    return first


def options_of(key: str, said: dict[str, Any]) -> dict[str, Any]:
    """Of ``["1h", {first_in: 5m}]``, as rufus-scheduler has it, the text and its options."""
    value = said.get(key)
    if not isinstance(value, list):
        return said
    match value:
        case [str() | int() as text]:
            return said | {key: text}
        case [str() | int() as text, Mapping() as options]:
            options = without_colons(options)
            wrong = sorted(set(options) - {"first", "first_at", "first_in", "overlap"})
            expect(not wrong, key, "no option but first_at, first_in, overlap", ", ".join(wrong))
            twice = sorted(set(options) & set(said))
            expect(not twice, key, "each option once", ", ".join(twice))
            return said | {key: text} | options
    raise ConfigurationError(
        f"{key}: expected a text, or a list of it and first_in, got {shown(value, 80)}; "
        "several times need an entry each"
    )


def is_enabled(said: Mapping[str, Any]) -> bool:
    """Whether the entry fires: ``status`` is Sidekiq's word, ``never`` stands instead of a time."""
    status = said.get("status")
    expect(status in (None, "enabled", "disabled"), "status", "enabled or disabled", status)
    enabled = [] if status is None else [status == "enabled"]
    if said.get("enabled") is not None:
        enabled.append(truth("enabled", said["enabled"]))
    if "never" in said:
        expect(not {"cron", "every"} & set(said), "never", "no time besides", said["never"])
        enabled.append(False)
    expect(len(set(enabled)) < 2, "enabled", "one answer", enabled)
    return all(enabled)


def as_written(value: object) -> object:
    """A word for people, however YAML takes it."""
    return value.text if isinstance(value, Odd) else value


def passed_over(fields: Mapping[Any, Any]) -> list[str]:
    """The keys that mean nothing here."""
    said = without_colons(fields)
    said = options_of("every", options_of("cron", said))
    return sorted(set(said) & {*NOTHING, "first_in"})


def cron_and_zone(text: object, zone: object) -> tuple[str, object]:
    """An expression may end in its zone: ``0 8 * * * Europe/Berlin``."""
    expect(isinstance(text, str), "cron", "a text", text)
    words = " ".join(str(text).split())
    fields, _, last = words.rpartition(" ")
    behind = len(fields.split()) in (5, 6) and ZONE.fullmatch(last) and not FIELD.fullmatch(last)
    if not behind:
        return words, zone
    found = zone_of(last).key
    expect(zone in (None, found), "tz", f"one zone, as {found!r} stands behind cron", zone)
    return fields, found
