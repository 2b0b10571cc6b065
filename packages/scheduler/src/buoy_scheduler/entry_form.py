"""The form by which operators add and edit entries that are set at run time. Only ``pages`` imports
this file."""

import json
from typing import Any

from buoy import ConfigurationError
from buoy.plugins import REDACTED, expect, job_classes, restored
from buoy_web import InvalidForm, NotFound, Visit

from .cron import zone_of
from .entry import Entry
from .entry_format import entry_of
from .plain_language import describe_times
from .store import RuntimeSchedule, Store
from .targets import shown_args, target_of
from .visible import configured_schedule

PATH = "schedule/entry"
MISSED = ("once", "skip", "all")
TEXTS = ("class", "cron", "every", "tz", "queue", "description", "missed")
"""The fields that are as they are in a schedule file."""


def show(visit: Visit) -> dict[str, Any]:
    """Returns what the form shows: what was typed; else the entry ``name``; else an empty one."""
    name, problem = visit.get("name"), visit.get("problem")
    entry = runtime_entry(visit, name) if name and not visit.get("new") else None
    if problem:
        fields = {key: visit.get(key) for key in ("name", "args", "overlap", *TEXTS)}
    elif entry is not None:
        fields = fields_of(entry)
    else:
        fields = dict.fromkeys(("name", *TEXTS), "") | {"overlap": "yes", "missed": "once"}
        fields |= {"tz": "UTC", "args": "[]"}
    return {
        "new": entry is None,
        "problem": problem,
        "fields": fields,
        "classes": sorted(job_classes),
        "missed": MISSED,
    }


def fields_of(entry: Entry) -> dict[str, str]:
    """Returns an entry as the texts of the form."""
    return {
        "name": entry.name,
        "class": entry.job,
        "cron": entry.cron or "",
        "every": "" if entry.every is None else f"{entry.every}s",
        "tz": entry.tz,
        "args": shown_args(entry),
        "queue": entry.queue or "",
        "description": entry.description,
        "missed": str(entry.missed),
        "overlap": "yes" if entry.overlap else "",
    }


def runtime_entry(visit: Visit, name: str) -> Entry:
    """Returns an entry that was set at run time. Raises NotFound when there is none."""
    for entry in load(visit).entries:
        if entry.name == name:
            return entry
    raise NotFound(
        f"No entry {name} was set at run time; those of classes and files are edited there."
    )


def load(visit: Visit) -> RuntimeSchedule:
    return Store(visit.app).load()


def set_entry(visit: Visit) -> str:
    """Set an entry to what the form has. Raises InvalidForm."""
    name = visit.get("name").strip()
    before = None if visit.get("new") else runtime_entry(visit, name)
    try:
        entry = typed_entry(visit, name, before)
        if before is None:
            known = configured_schedule(visit.app, only=bool(visit.app_name)).schedule.entries
            expect(name not in known, "name", "one that no entry has yet", name)
    except ConfigurationError as error:
        raise InvalidForm(PATH, getattr(error, "reason", error)) from None
    Store(visit.app).set(entry)
    return f"{name} is set: {describe_times(entry)}."


def typed_entry(visit: Visit, name: str, before: Entry | None) -> Entry:
    """Returns the entry that the form describes. Raises ConfigurationError."""
    fields: dict[str, Any] = {key: visit.get(key).strip() or None for key in TEXTS}
    expect(bool(name), "name", "a name", name)
    expect(bool(fields["class"]), "class", "the name of a job class", visit.get("class"))
    zone_of(fields["tz"] or "UTC")
    if str(fields["missed"]).isdecimal():
        fields["missed"] = int(fields["missed"])
    fields["overlap"] = visit.get("overlap") == "yes"
    fields["args"] = typed_args(visit.get("args"), fields["class"], before)
    if before is not None and before.first and fields["every"]:
        fields["first"] = before.first  # the form does not have it
    entry = entry_of(name, {key: value for key, value in fields.items() if value is not None})
    if job_classes:  # else only daemons know the classes
        target_of(entry)
    return entry


def typed_args(text: str, job: str, before: Entry | None) -> list[Any]:
    """Returns the arguments in a text; what is hidden there is as it was."""
    try:
        given = json.loads(text or "[]")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, list):
        raise ConfigurationError(
            f'args: expected a list as JSON, like [42, "eu"], got {text!r:.80}'
        )
    if before is not None and before.job == job:
        shown, real = json.loads(shown_args(before)), json.loads(before.args)
        return list(real if given == shown else restored(given, shown, real))
    right = REDACTED not in json.dumps(given)
    expect(right, "args", "all values, since the class is another one", REDACTED)
    return given


def remove(visit: Visit) -> str:
    name = visit.get("name")
    if not Store(visit.app).remove(name):
        raise NotFound(f"No entry {name} was set at run time (any more).")
    return f"{name} is removed."
