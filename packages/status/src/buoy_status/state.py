"""What is told of a job: where it is, how far it is, how it ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from buoy.operations.views import JobView

R = TypeVar("R")
End = Literal["done", "failed", "cancelled"]
Name = Literal["queued", "delayed", "running"] | End
ENDS: tuple[End, ...] = ("done", "failed", "cancelled")
Number = int | float


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run last said of itself, and when (epoch seconds)."""

    done: Number
    of: Number | None = None
    note: str | None = None
    at: float = 0.0

    @property
    def fraction(self) -> float | None:
        """How much is done, from 0 to 1, if it is known how much there is."""
        return min(1.0, max(0.0, self.done / self.of)) if self.of else None


@dataclass(frozen=True, slots=True)
class State(Generic[R]):
    """How a job stands; ``R`` is what its ``perform`` returns. Times are epoch seconds.

    ``state``: "queued"; "delayed" until ``due_at``, for its first run or for a further attempt;
    "running"; "done" with its ``result``; "failed"; "cancelled", it ended without a complete run.
    ``error`` and ``message`` say why the last attempt failed, if one did; ``missing`` says why a
    result was not kept.
    """

    id: str
    queue: str
    state: Name
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
        """Whether nothing more will happen, unless an operator retries a failed job."""
        return self.state in ENDS

    @property
    def may_live(self) -> bool:
        """Whether a job of which this is recorded may be alive elsewhere: nobody has said that it
        ended, or it has failed, and an operator may have put it back since."""
        return self.state == "failed" or (self.state == "cancelled" and self.ended_at is None)


def live(view: JobView, progress: str) -> State[Any]:
    """The state of a job that has a place: nothing but the place is believed."""
    kept: object = view.failure or view.carried.get("status")
    told = kept if isinstance(kept, dict) else {}
    return State(
        id=view.id,
        queue=view.queue,
        state=view.state,
        attempt=view.attempt,
        error=text_or_none(told.get("error")),
        message=text_or_none(told.get("message")),
        progress=progress_of(progress, view.token),
        enqueued_at=view.enqueued_at or None,
        due_at=view.at if view.state == "delayed" else None,
        ended_at=view.at if view.state == "failed" else None,
    )


def past(id: str, queue: str, record: str, progress: str) -> State[Any] | None:
    """The state of a job that has no place any more, as its record says.

    A job that left no word has been cancelled; of what is no record nothing is known.
    """
    facts = loaded(record)
    if facts is None:
        return None
    facts["state"] = facts.get("state", "cancelled")
    known = {name: value for name, value in facts.items() if fits(name, value)}
    if known.get("state") not in ENDS:
        return None
    return State(id=id, queue=queue, progress=progress_of(progress), **known)


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
"""What a record may say."""


def fits(name: str, value: object) -> bool:
    return name in FIELDS and isinstance(value, FIELDS[name])


def progress_of(text: str, token: str | None = None) -> Progress | None:
    """What was said last; if a token is given, only what that run has said."""
    facts = loaded(text)
    if facts is None or (token is not None and facts.get("token") != token):
        return None
    match facts:
        case {"done": int() | float() as done, "at": int() | float() as at}:
            of, note = facts.get("of"), facts.get("note")
            of = of if isinstance(of, int | float) else None
            return Progress(done, of, text_or_none(note), at)
    return None


def loaded(text: str) -> dict[str, Any] | None:
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
