"""What ``enqueue`` answers, and how a call may be varied."""

from typing import Generic, Literal, NamedTuple, TypeVar

R = TypeVar("R")
State = Literal["queued", "delayed", "exists", "deferred", "rejected"]


# A tuple, since those are made fastest, and looked at by the garbage collector only once.


class Handle(NamedTuple, Generic[R]):
    """What became of an enqueueing; ``R`` is what ``perform`` returns.

    ``state``: "queued" or "delayed", it is stored; "exists", the job ``holder``, which has this id
    or the same claim, is there already (without a holder: it ended moments ago, see ``reason``);
    "deferred", a plugin will push it; "rejected", see ``reason``.
    """

    id: str
    identifier: str
    queue: str
    state: State
    reason: str | None = None
    holder: str | None = None
