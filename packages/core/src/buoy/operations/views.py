"""Views of queues, jobs, workers and claims: what Redis holds, in a form to be read."""

from dataclasses import dataclass, field
from typing import Any, Literal

from ..broker.script_arguments import decode_text
from ..errors import CorruptPayload
from ..model.payload import Payload, read_corrupt_envelope

JobState = Literal["queued", "delayed", "running", "failed"]
"""Where a job is."""


@dataclass(frozen=True, slots=True)
class QueueView:
    """How many jobs a queue has in each place.

    ``done`` and ``rejected``: how many jobs ended so since the queue exists.
    """

    name: str
    queued: int
    delayed: int
    running: int
    failed: int
    done: int
    rejected: int
    paused: bool


@dataclass(frozen=True, slots=True)
class JobView:
    """A job and where it is.

    ``at``: when it is due or when it failed (epoch seconds). ``token``: that of the run, if it
    runs. ``name``: None if the payload cannot be read. ``plugin_data``: what plugins keep
    with the job.
    """

    id: str
    queue: str
    state: JobState
    name: str | None
    args: list[Any]
    kwargs: dict[str, Any]
    attempt: int
    identifier: str | None
    enqueued_at: float
    at: float | None
    token: str | None
    failure: dict[str, Any]
    plugin_data: dict[str, dict[str, Any]]
    raw: str = field(repr=False)
    detail: str = field(default="", repr=False)
    """The due time or the time of the failure (ms, as Redis has it), or the token of the run."""


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker as it describes itself, and the ids of its jobs in flight (``running``).

    ``started_at``, ``beat_at`` (the last heartbeat): epoch seconds. ``gone``: its heartbeats
    stopped, and it did not say that it ends. ``command``: the last command of ``buoy workers``, or
    None.
    """

    id: str
    host: str
    pid: int
    queues: str
    executor: str
    slots: int
    state: str
    started_at: float
    beat_at: float
    gone: bool
    running: list[str]
    command: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim, and the job that holds it."""

    claim: str
    id: str
    queue: str


def job_view(queue: str, id: str, raw_text: str, state: str, detail: str) -> JobView:
    """Return the view of a job from what lua/find.lua returns."""
    try:
        payload = Payload.decoded(raw_text)
        same = payload.identified() if payload.name else None
    except (CorruptPayload, RecursionError):
        raw_text, failure = read_corrupt_envelope(raw_text)
        payload, same = Payload("", [], {}, id, failure=failure), None
    return JobView(
        id=id,
        queue=queue,
        state=state,  # type: ignore[arg-type]  # lua/find.lua returns only these
        name=payload.name or None,
        args=payload.args,
        kwargs=payload.kwargs,
        attempt=payload.attempt,
        identifier=same,
        enqueued_at=payload.enqueued_at,
        at=float(detail) / 1000 if state in ("delayed", "failed") else None,
        token=detail if state == "running" else None,
        failure=payload.failure or {},
        plugin_data=payload.plugins,
        raw=raw_text,
        detail=detail,
    )


def command_of(field: str) -> str:
    """Return the command in the field of a registration, without its time."""
    return field.split(" ", maxsplit=1)[0]


def worker_view(id: str, pairs: list[bytes], beat_at: float, running: list[str]) -> WorkerView:
    """Return the view of a worker. Raises ValueError for numbers that are none."""
    fields = {decode_text(pairs[n]): decode_text(pairs[n + 1]) for n in range(0, len(pairs), 2)}
    return WorkerView(
        id=id,
        host=fields.get("host", id.split("-", maxsplit=1)[0]),
        pid=int(fields.get("pid", 0)),
        queues=fields.get("queues", ""),
        executor=fields.get("executor", ""),
        slots=int(fields.get("slots", 0)),
        state=fields.get("state", "gone"),
        started_at=float(fields.get("started_at", 0)),
        beat_at=beat_at,
        gone="state" not in fields,
        running=running,
        command=command_of(fields["command"]) if "command" in fields else None,
    )
