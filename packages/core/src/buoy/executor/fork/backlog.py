"""Jobs that wait for a child of their own, while too many children are at their end."""

from collections import deque
from collections.abc import Container

from ...model.reservation import Reservation

MOST_EXITING = 32
"""How many children that have answered may live on, in their hook before_exit, before the next job
waits for the end of one of them. Without a bound, short jobs and slow hooks would fill the
machine with processes."""


class Backlog:
    """The jobs that wait, and the number of children that have answered and live on."""

    def __init__(self) -> None:
        self.jobs: deque[Reservation] = deque()
        self.exiting = 0

    def note_answer(self) -> None:
        """A child has answered, and lives on."""
        self.exiting += 1

    def note_end(self) -> None:
        """A child that had answered has ended."""
        self.exiting -= 1

    def next(self) -> Reservation | None:
        """Returns a job that need not wait any longer; None if there is none."""
        if self.jobs and self.exiting < MOST_EXITING:
            return self.jobs.popleft()
        return None

    def take(self, tokens: Container[str]) -> list[Reservation]:
        """Returns those of these runs that wait; they no longer do."""
        taken = [each for each in self.jobs if each.token in tokens]
        for each in taken:
            self.jobs.remove(each)
        return taken

    def tokens(self) -> list[str]:
        return [each.token for each in self.jobs]
