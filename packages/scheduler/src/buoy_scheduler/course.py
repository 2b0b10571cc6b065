"""How far a daemon has come with each entry."""

from dataclasses import dataclass

from .entry import Entry
from .firing import Target
from .ticks import due


@dataclass
class Course:
    """An entry on its way: all ticks up to ``last`` are dealt with, ``next`` is the one to come;
    it is None when there is none, or while the entry is paused.

    ``trouble``: why ticks that are due could not be enqueued yet; ``before``: why so the last time.
    """

    entry: Entry
    target: Target
    last: int
    paused: bool = False
    next: int | None = None
    trouble: str = ""
    before: str = ""

    def go_on(self, last: int) -> None:
        """Everything up to here is dealt with."""
        self.last = max(self.last, last)
        self.next = None if self.paused else self.entry.ticks.after(self.last)

    def due(self, now: int) -> list[int]:
        """The ticks to fire now."""
        return due(self.entry.ticks, self.last, now, self.entry.made_up)

    def __str__(self) -> str:
        return self.entry.name
