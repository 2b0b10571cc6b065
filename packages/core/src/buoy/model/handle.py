"""The answer to one enqueueing."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

R = TypeVar("R")
State = Literal["queued", "delayed", "blocked", "exists", "deferred", "rejected"]
Code = Literal[
    "known_id",
    "claim_held",
    "throttled",
    "replaced",
    "running",
    "ended",
    "not_newer",
    "rejected",
    "deferred",
]


@dataclass(frozen=True, slots=True)
class Handle(Generic[R]):
    """The answer to one enqueueing; ``R`` is the type that ``perform`` returns.

    pydantic, and so FastAPI, know it as a dataclass: it is an object in JSON.

    ``state`` is one of:

    - "queued", "delayed": the job is stored.
    - "blocked": the job is stored, and waits for a permit: as many jobs as a limit allows are
      queued or running.
    - "exists": the job is not stored, because ``holder``, a job with the same id or the same claim,
      is there already, or was enqueued too short a time ago. ``holder`` is None if a job of this
      id ended less than two minutes ago.
    - "deferred": a plugin enqueues the job later, or it is enqueued when a run has ended well.
    - "rejected": a plugin, or a number that is not newer, has refused the job.

    ``reason`` says why the job is not stored, in English; ``code`` says it for programs:
    "known_id", "claim_held", "throttled", "replaced" (``holder`` waits, and has the arguments of
    this job now), "running" (the job with this id runs, so it was not replaced), "ended",
    "not_newer", "rejected" or "deferred". Both are None for a job that is stored.
    """

    id: str
    identifier: str
    queue: str
    state: State
    reason: str | None = None
    holder: str | None = None
    code: Code | None = None
