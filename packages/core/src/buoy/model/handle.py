"""The answer to one enqueueing."""

from typing import Generic, Literal, NamedTuple, TypeVar

R = TypeVar("R")
State = Literal["queued", "delayed", "exists", "deferred", "rejected"]
Code = Literal["known_id", "claim_held", "ended", "not_newer", "rejected", "deferred"]


# A tuple, since tuples are made fastest, and the garbage collector looks at them only once.


class Handle(NamedTuple, Generic[R]):
    """The answer to one enqueueing; ``R`` is the type that ``perform`` returns.

    ``state`` is one of:

    - "queued", "delayed": the job is stored.
    - "exists": the job is not stored, because ``holder``, a job with the same id or the same claim,
      is there already. ``holder`` is None if a job of this id ended less than two minutes ago.
    - "deferred": a plugin enqueues the job later.
    - "rejected": a plugin, or a number that is not newer, has refused the job.

    ``reason`` says why the job is not stored, in English; ``code`` says it for programs:
    "known_id", "claim_held", "ended", "not_newer", "rejected" or "deferred". Both are None for a
    job that is stored.
    """

    id: str
    identifier: str
    queue: str
    state: State
    reason: str | None = None
    holder: str | None = None
    code: Code | None = None
