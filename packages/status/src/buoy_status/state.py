"""The state of a job as callers get it: State and Progress."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from buoy import BuoyError, SealError
from buoy.plugins import SEALED, open_text
from buoy.plugins.redis import JobView

from .record import RESULT

R = TypeVar("R")
End = Literal["done", "failed", "cancelled"]
StateName = Literal["queued", "blocked", "delayed", "running"] | End
NOTE = "note"
"""What a sealed note of a progress is to those who open it."""
ENDS: tuple[End, ...] = ("done", "failed", "cancelled")
Number = int | float


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run last reported: ``done`` of ``of``, with a note, ``at`` a time (epoch seconds)."""

    done: Number
    of: Number | None = None
    note: str | None = None
    at: float = 0.0

    @property
    def fraction(self) -> float | None:
        """The part that is done, from 0 to 1; None without ``of``."""
        return min(1.0, max(0.0, self.done / self.of)) if self.of else None


@dataclass(frozen=True, slots=True)
class State(Generic[R]):
    """The state of a job. ``R`` is the type that ``perform`` returns. Times are epoch seconds.

    ``state``: "queued"; "blocked" by a limit; "delayed" until ``due_at``, for its first run or for
    a further attempt; "running"; "done" with its ``result``; "failed"; "cancelled", it ended
    without a complete run. ``error`` and ``message`` say why the last attempt failed, if one did;
    ``missing`` says why a result was not kept, or cannot be opened.
    """

    id: str
    queue: str
    state: StateName
    attempt: int = 1
    result: R | None = None
    missing: str | None = None
    error: str | None = None
    message: str | None = None
    progress: Progress | None = None
    enqueued_at: float | None = None
    due_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def ended(self) -> bool:
        """Whether the job is done, failed or cancelled. An operator may retry a failed one."""
        return self.state in ENDS

    @property
    def may_be_elsewhere(self) -> bool:
        """Whether another queue may hold the job although this is its recorded state: its end was
        not recorded, or it has failed, and an operator may have retried it."""
        return self.state == "failed" or (self.state == "cancelled" and self.ended_at is None)


def live_state(view: JobView, progress: str, *, opens: bool = False) -> State[Any]:
    """Returns the state of a job that its queue holds. Where it is determines its state. ``opens``:
    as in ``ended_state``."""
    last_error: object = view.failure or view.plugin_data.get("status")
    error = last_error if isinstance(last_error, dict) else {}
    return State(
        id=view.id,
        queue=view.queue,
        state=view.state,
        attempt=view.attempt,
        error=text_or_none(error.get("error")),
        message=text_or_none(error.get("message")),
        progress=parse_progress(progress, view.token, opens=view.id if opens else ""),
        enqueued_at=view.enqueued_at or None,
        due_at=view.at if view.state == "delayed" else None,
        ended_at=view.at if view.state == "failed" else None,
    )


def ended_state(
    id: str, queue: str, record: str, progress: str, *, opens: bool = False
) -> State[Any] | None:
    """Returns the state of a job that its queue does not hold, as its record says. With ``opens`` a
    sealed result is opened, if this process can, and the note of its progress; people are shown
    ``[sealed]`` in their place.

    A job that was enqueued and has no record of its end was cancelled. Returns None if the record
    is missing or cannot be read.
    """
    fields = parse_object(record)
    if fields is None:
        return None
    fields["state"] = fields.get("state", "cancelled")
    if "sealed" in fields:
        fields |= opened_result(id, fields) if opens else {"result": SEALED}
    known = {name: value for name, value in fields.items() if is_valid_field(name, value)}
    if known.get("state") not in ENDS:
        return None
    told = parse_progress(progress, opens=id if opens else "")
    return State(id=id, queue=queue, progress=told, **known)


def opened_result(id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the field of a sealed result, opened, or the field that says why it is missing."""
    name, sealed = str(fields.get("class")), str(fields["sealed"])
    try:
        return {"result": json.loads(open_text(name, id, sealed, RESULT))}
    except BuoyError as error:
        return {"missing": f"result: it is sealed, and this process cannot open it: {error}"}


FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "state": str,
    "attempt": int,
    "result": object,
    "missing": str,
    "error": str,
    "message": str,
    "enqueued_at": (int, float),
    "started_at": (int, float),
    "ended_at": (int, float),
}
"""The fields of a record and their types."""


def is_valid_field(name: str, value: object) -> bool:
    return name in FIELDS and isinstance(value, FIELDS[name])


def parse_progress(text: str, token: str | None = None, *, opens: str = "") -> Progress | None:
    """Returns the stored progress; None if there is none, it cannot be read, or it is not that of
    the run with this token. ``opens``: the id of the job whose sealed note is opened, if this
    process can."""
    fields = parse_object(text)
    if fields is None or (token is not None and fields.get("token") != token):
        return None
    match fields:
        case {"done": int() | float() as done, "at": int() | float() as at}:
            of = fields.get("of")
            of = of if isinstance(of, int | float) else None
            return Progress(done, of, note_in(fields, opens), at)
    return None


def note_in(fields: Mapping[str, Any], opens: str) -> str | None:
    """Returns the note of a progress: opened, if it is sealed and that is wanted."""
    match fields:
        case {"sealed": str(sealed), "class": str(name)} if opens:
            try:
                return open_text(name, opens, sealed, NOTE)
            except SealError:
                return SEALED
    return text_or_none(fields.get("note"))


def parse_object(text: str) -> dict[str, Any] | None:
    """Returns the JSON object that the text holds; None if it holds none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
