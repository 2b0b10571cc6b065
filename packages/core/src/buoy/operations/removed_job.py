"""A failed job that was removed, as it was stored."""

from dataclasses import dataclass
from typing import Self

from ..broker.script_arguments import readable_ms
from .views import JobView


@dataclass(frozen=True, slots=True)
class RemovedJob:
    """A failed job that was removed, as it was stored. ``failed_at``: in ms, as Redis has it."""

    queue: str
    id: str
    payload: str
    failed_at: int

    @classmethod
    def of(cls, view: JobView) -> Self:
        """Returns what ``restore_failed`` needs to put this failed job back."""
        return cls(view.queue, view.id, view.stored, readable_ms(view.detail))
