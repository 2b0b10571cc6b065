"""The record of a job's end: as the fields of an entry in Redis, and as a value."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from buoy import Done, Failed, Job, Rejected, RunInfo
from buoy.plugins import NotJson, check_json, encode_json

State = Literal["done", "failed", "rejected"]
STATES: tuple[State, ...] = ("done", "failed", "rejected")
LONGEST_TEXT = 1000
"""Characters that are kept of an error, of its message and of each other text."""
FIELDS = (
    *("id", "state", "enqueued_at", "attempt", "waited", "seconds", "worker", "tags"),
    *("error", "message", "cause", "args", "result", "missing"),
)
"""The fields of an entry, always in this order: Redis stores their names once for many entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedJob:
    """How a job has ended.

    ``state``: "done", "failed" or "rejected". ``ended_at``: epoch seconds, by the clock of Redis.
    ``enqueued_at``: by the clock of the program that enqueued it; None if that is not known.
    ``attempt``: how many attempts it took. ``waited``: seconds between due and begun, ``seconds``:
    how long it ran; both of the last run. ``error``, ``message``, ``cause``: of a job that failed;
    ``message`` says why a job was rejected. ``args``, ``kwargs``, ``result``: if they are kept.
    ``missing``: why one of them is not.
    """

    id: str
    name: str
    queue: str
    state: str
    ended_at: float
    enqueued_at: float | None = None
    attempt: int = 1
    waited: float = 0.0
    seconds: float = 0.0
    worker: str = ""
    tags: tuple[str, ...] = ()
    error: str = ""
    message: str = ""
    cause: str = ""
    args: list[Any] | None = None
    kwargs: dict[str, Any] | None = None
    result: Any = None
    missing: str = ""
    entry: str = field(default="", repr=False)
    """The id of the entry in Redis: entries of one stream are sorted by it."""


# What is stored


def state_of(outcome: object) -> State | None:
    """Returns the state in which an outcome leaves its job; None if the job has not ended."""
    match outcome:
        case Done():
            return "done"
        case Failed():
            return "failed"
        case Rejected():
            return "rejected"
    return None


def fields_of(job: Job, run: RunInfo, state: State) -> dict[str, str]:
    """Returns the fields of the end of a run, without arguments and result."""
    fields = {
        "id": job.id,
        "state": state,
        "enqueued_at": f"{job.payload.enqueued_at:.3f}",
        "attempt": str(run.attempt),
        "waited": f"{run.waited:.3f}",
        "seconds": f"{run.seconds:.3f}",
        "worker": run.worker,
        "tags": encode_json(list(run.tags)) if run.tags else "",
    }
    match run.outcome:
        case Failed(failure):
            texts = {"error": failure.error, "message": failure.message, "cause": failure.cause}
        case Rejected(reason):
            texts = {"message": reason}
        case _:
            texts = {}
    return fields | {name: cut(text) for name, text in texts.items()}


def cut(text: str) -> str:
    """Returns the beginning of a text, as UTF-8 can hold it."""
    return text[:LONGEST_TEXT].encode(errors="backslashreplace").decode()


def encoded(value: Any, name: str, limit: int) -> dict[str, str]:
    """Returns a value as a field of JSON, or the field that says why it is not kept."""
    if value is None:
        return {}
    try:
        check_json(value, name)
        text = encode_json(value)
        size = len(text.encode())
    except NotJson as refused:
        return {"missing": cut(str(refused))}
    except Exception as error:  # noqa: BLE001 - no result may make a completed job fail
        got = type(error).__name__
        return {"missing": cut(f"{name}: expected what JSON can hold, got {got}")}
    if size > limit:
        return {"missing": f"{name}: expected at most {limit} bytes of JSON, got {size}"}
    return {name: text}


# What is read


def ended_job(queue: str, name: str, entry: str, fields: Mapping[str, str]) -> EndedJob:
    """Returns the end of a job as Redis has it. What cannot be read has its default."""
    arguments = parsed(fields.get("args", ""), list)
    args, kwargs = arguments if len(arguments or ()) == 2 else (None, None)
    tags = parsed(fields.get("tags", ""), list) or ()
    return EndedJob(
        id=fields.get("id", ""),
        name=name,
        queue=queue,
        state=fields.get("state", ""),
        ended_at=int(entry.partition("-")[0]) / 1000,
        enqueued_at=number(fields.get("enqueued_at", "")) or None,
        attempt=int(number(fields.get("attempt", "1"))),
        waited=number(fields.get("waited", "0")),
        seconds=number(fields.get("seconds", "0")),
        worker=fields.get("worker", ""),
        tags=tuple(tag for tag in tags if isinstance(tag, str)),
        error=fields.get("error", ""),
        message=fields.get("message", ""),
        cause=fields.get("cause", ""),
        args=args if isinstance(args, list) else None,
        kwargs=kwargs if isinstance(kwargs, dict) else None,
        result=parsed(fields.get("result", ""), object),
        missing=fields.get("missing", ""),
        entry=entry,
    )


def parsed(text: str, kind: type) -> Any:
    """Returns the value of a JSON text if it is of this type; else None."""
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, kind) else None


def number(text: str) -> float:
    """Returns a finite number, 0 for any other text."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0
