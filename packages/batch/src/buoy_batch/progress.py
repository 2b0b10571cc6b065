"""How far a batch is."""

from dataclasses import dataclass
from typing import Literal, Self

from buoy.plugins.redis import GroupView

State = Literal["open", "closed", "cancelled", "complete", "succeeded"]


@dataclass(frozen=True)
class Progress:
    """How far a batch is, at one moment.

    ``state``: "open" while it takes members, and is not closed; "closed" while its members are yet
    to end; "cancelled" while those that were cancelled are yet to end; "complete" when all have
    ended; "succeeded" when all have ended well. ``total``: its members; ``pending``: those that
    have not ended; the others by how they have ended. ``lost``: jobs that are gone, and nobody
    knows how they have ended. Times are epoch seconds, 0.0 for what has not happened.
    """

    state: State
    description: str
    total: int
    pending: int
    done: int
    failed: int
    expired: int
    cancelled: int
    lost: int
    opened: float
    completed: float
    succeeded: float

    @property
    def others(self) -> int:
        """How many members have expired, were cancelled, or are lost."""
        return self.expired + self.cancelled + self.lost

    @classmethod
    def of(cls, view: GroupView) -> Self:
        """How far the batch is that Redis keeps so."""
        return cls(
            state_of(view),
            view.description,
            view.total,
            view.open,
            **view.ended,
            opened=view.opened,
            completed=view.completed,
            succeeded=view.succeeded,
        )


def state_of(view: GroupView) -> State:
    if view.succeeded:
        return "succeeded"
    if view.completed:
        return "complete"
    if view.stopped:
        return "cancelled"
    return "closed" if view.closed else "open"
