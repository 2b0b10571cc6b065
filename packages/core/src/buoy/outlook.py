"""What a worker knows of its queues, and so where it goes next."""

import time
from collections.abc import Callable, Mapping

from .reservation import Look

FRESH = 0.02
"""Seconds for which a look at the other queues is not taken again on the way."""
OLD = 0.05
"""Seconds after which a look is no ground for passing over a queue of higher priority."""
POLL = 2.0
"""Seconds after which an idle worker looks by itself: a ring may have been lost."""


class Outlook:
    """The queues in order of priority, with what was last seen in them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.queues: tuple[str, ...] = ()
        self.looks: dict[str, Look] = {}
        self.looked_at = float("-inf")
        self.offset = 0.0

    def serve(self, queues: tuple[str, ...]) -> None:
        """From now on these queues; what is new must be looked at."""
        if queues != self.queues:
            self.queues, self.looked_at = queues, float("-inf")

    def learn(self, looks: Mapping[str, Look], *, all_others: bool) -> None:
        """Take in what a trip has seen."""
        self.looks.update(looks)
        if all_others:
            self.looked_at = self.clock()

    def set_clock(self, now: float) -> None:
        """Follow the clock of Redis, by which delayed jobs are due."""
        self.offset = now - self.clock()

    def rung(self, queue: str) -> None:
        """There is something in this queue, or a nearer due time."""
        self.looks[queue] = (1, None)

    def older_than(self, seconds: float) -> bool:
        """Whether the last look at all queues is so long ago."""
        return self.clock() - self.looked_at > seconds

    def choose(self) -> str | None:
        """The first queue that has something to take."""
        now = self.clock() + self.offset
        for queue in self.queues:
            waiting, due = self.looks.get(queue, (0, None))
            if waiting or (due is not None and due <= now):
                return queue
        return None

    def seconds_to_next(self) -> float:
        """How long nothing can be due, as far as known."""
        dues = [due for queue in self.queues if (due := self.looks.get(queue, (0, None))[1])]
        return max(0.0, min(dues) - self.offset - self.clock()) if dues else POLL
