"""All facts of one job, as ``buoy jobs show`` and ``buoy failed show`` print them."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from ..errors import CorruptPayload
from ..model.payload import Payload
from ..model.priority import NORMAL, RANKS
from ..operations.views import JobView
from ..text.printable import indented, one_line
from .cells import Duration, Size, Time
from .output import as_array, format_cell, format_json, format_time, print_line

LABEL_WIDTH = 12
AT = {"delayed": "due", "failed": "failed_at"}
"""State of a job -> what its time is called."""
ELSEWHERE = {"error", "message", "cause", "also", "seconds", "peak_memory", "worker"}
KNOWN = ELSEWHERE | {"traceback", "failed_at", "attempt"}
"""The fields of a failure that are shown under names of their own."""

LARGEST = 10**18
"""No run takes so many seconds, or bytes: such a number is shown as it is."""

Facts = dict[str, Any]


def job_facts(view: JobView) -> Facts:
    """Returns all facts of a job as an object for JSON; times are in ISO 8601."""
    payload = payload_of(view)
    return {
        "id": view.id,
        "class": view.name,
        "queue": view.queue,
        "state": view.state,
        "args": view.shown_args,
        "kwargs": view.shown_kwargs,
        "attempt": view.attempt,
        "tags": list(view.tags),
        "then": list(view.followers),
        "identifier": view.identifier,
        "priority": view.priority,
        "claims": claims_of(payload) if payload else [],
        "enqueued_at": format_time(view.enqueued_at or None),
        "expires_at": format_time(payload.expires_at) if payload else None,
        "limits": (payload and payload.limits) or {},
        "due": format_time(view.at) if view.state == "delayed" else None,
        "blocked_since": format_time(view.at) if view.state == "blocked" else None,
        "running_since": format_time(view.since),
        "failed_at": format_time(view.at) if view.state == "failed" else None,
        "worker": worker_of(view),
        "payload_bytes": Size(len(view.raw.encode(errors="surrogateescape"))),
        "failure": view.failure,
        "plugins": view.shown_plugin_data,
        **({} if payload else {"raw": view.raw}),
    }


def claims_of(payload: Payload) -> list[list[str]]:
    """Returns the claims of a job, each with what it is held until."""
    return [list(claim) for claim in payload.claims if claim[1] not in RANKS]


def payload_of(view: JobView) -> Payload | None:
    """Returns the payload of a job, or None if it cannot be read."""
    try:
        return Payload.decoded(view.raw) if view.name is not None else None
    except (CorruptPayload, RecursionError):
        return None


def worker_of(view: JobView) -> str | None:
    """Returns the worker that holds a job, or that ran it when it failed."""
    if view.state == "running":
        return view.worker or None
    worker = view.failure.get("worker")
    return worker if isinstance(worker, str) else None


def print_facts(facts: Facts, *, as_json: bool) -> None:
    """Print the facts of a job: an array of one object, or lines for people, the traceback last."""
    if as_json:
        click.echo(as_array([facts]))
        return
    failure = facts.get("failure") or {}
    for name, value in facts_for_people(facts, failure):
        print_line(f"{name:{LABEL_WIDTH}} {text_of(value)}")
    for plugin, kept in (facts.get("plugins") or {}).items():
        lines = map(one_line, format_json(kept, indent=2, ascii=False).split("\n"))
        text = "\n".join(lines)
        click.echo(f"{one_line(plugin):{LABEL_WIDTH}} {text}")
    if failure:
        lines = failure.get("traceback", "(no traceback)")
        click.echo()
        text = lines if isinstance(lines, str) else format_json(lines)
        click.echo(indented(text, first=True))


def facts_for_people(facts: Facts, failure: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Returns the facts that say something, with the parts of the failure among them."""
    for name, value in facts.items():
        if name == "payload_bytes":
            yield "payload", value
        elif name in ("tags", "then"):
            yield from [(name, ", ".join(value))] if value else []
        elif name == "priority":
            yield from [(name, value)] if value != NORMAL else []
        elif name not in ("failure", "plugins") and (value or name in ("class", "args")):
            yield name, value
    for name in ("error", "message", "cause", "also"):
        if failure.get(name):
            yield name, failure[name]
    yield from measures(failure)
    yield from ((name, value) for name, value in failure.items() if name not in KNOWN)


def measures(failure: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Returns how long a run took, and how much memory, with their units."""
    kinds = {"seconds": ("run_time", Duration), "peak_memory": ("peak_memory", Size)}
    for field, (name, kind) in kinds.items():
        value = failure.get(field)
        if value:
            is_number = type(value) in (int, float) and abs(value) < LARGEST
            yield name, kind(value) if is_number else value


def text_of(value: Any) -> str:
    """Returns a value as the text behind its name. Texts and arguments are whole."""
    if isinstance(value, Time):
        return f"{value.distance()} ({value})"
    if isinstance(value, Duration | Size) or value is None:
        return format_cell(value)
    return value if isinstance(value, str) else format_json(value, ascii=False)
