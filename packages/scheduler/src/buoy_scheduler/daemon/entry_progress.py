"""How far a daemon has come with each entry."""

from dataclasses import dataclass

from buoy.plugins import Log

from ..entry import Entry
from ..targets import Target
from ..ticks import due_ticks

log = Log("buoy.scheduler")


@dataclass
class EntryProgress:
    """An entry and its position in time: all ticks up to ``handled_until`` (epoch seconds) are
    handled; ``next`` is the next tick. ``next`` is None when there is none, or while the entry is
    paused.

    ``error`` says why due ticks could not be enqueued yet, ``previous_error`` why not the time
    before; both are empty when all went well.
    """

    entry: Entry
    target: Target
    handled_until: int
    paused: bool = False
    next: int | None = None
    error: str = ""
    previous_error: str = ""

    def advance(self, handled_until: int) -> None:
        """Notes that all ticks up to this epoch second are handled, and finds the next one. Never
        raises: when the next tick cannot be computed, logs that, and the entry fires no longer."""
        self.handled_until = max(self.handled_until, handled_until)
        self.next = None
        try:
            self.next = None if self.paused else self.entry.ticks.after(self.handled_until)
        except Exception:
            log.exception("%s: its next tick cannot be computed; it fires no longer", self)

    def apply_pause(self, paused: bool, start: int) -> None:
        """Pauses or resumes the entry. Ticks during a pause count as handled, and so do those up to
        ``start`` (epoch seconds)."""
        if paused != self.paused or start > self.handled_until:
            self.paused = paused
            self.advance(start)

    def begin_round(self) -> None:
        """Begins a new try to enqueue the due ticks."""
        self.error, self.previous_error = "", self.error

    def postpone(self, reason: str) -> None:
        """Notes that due ticks could not be enqueued in this round; keeps the first reason."""
        self.error = self.error or reason

    def due_ticks(self, now: int) -> list[int]:
        """Returns the ticks to enqueue now, in order."""
        return due_ticks(self.entry.ticks, self.handled_until, now, self.entry.max_missed)

    def __str__(self) -> str:
        return self.entry.name
