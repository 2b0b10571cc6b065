"""A job that is to be stored in Redis."""

from typing import NamedTuple

from ..model.transition import Transition


class Entry(NamedTuple):
    """A job to be stored; ``due``: empty for now, "+MS" from now, or "MS" since the epoch."""

    id: str
    payload: bytes
    due: str = ""
    transition: Transition | None = None

    @property
    def plain(self) -> bool:
        """Whether this is the common case: due now, and nothing attached."""
        return not self.due and self.transition is None

    @property
    def size(self) -> int:
        """How many words it takes."""
        return 6 + (0 if self.transition is None else self.transition.size)
