"""A job to be stored in Redis."""

from typing import NamedTuple

from .due import NOW, Due
from .transition import Transition


class Entry(NamedTuple):
    """A job to be stored. ``payload`` is UTF-8 JSON. ``name`` is the wire name of its class, under
    which it is counted; empty if it is not counted. ``transition`` is None if nothing is attached
    to the enqueueing."""

    id: str
    payload: bytes
    name: str = ""
    due: Due = NOW
    transition: Transition | None = None

    @property
    def plain(self) -> bool:
        """Whether the job is due now, and nothing is attached: the common case."""
        return self.transition is None and (self.due is NOW or self.due.is_now)

    @property
    def size(self) -> int:
        """The number of arguments that the job takes in a script."""
        return 7 + (0 if self.transition is None else self.transition.size)
