"""What a worker knows of its queues, and so where it goes next."""

import time
from collections.abc import Callable, Container, Mapping

from ..model.reservation import QueueStatus

FRESH = 0.02
"""Seconds for which a look at the other queues is not taken again on the way."""
OLD = 0.05
"""Seconds after which a look is no ground for passing over a queue of higher priority."""
POLL = 2.0
"""Seconds after which an idle worker looks by itself: a ring may have been lost."""

NOTHING: QueueStatus = (0, None)


class QueueSelector:
    """The queues in order of priority, with what was last seen in them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.queues: tuple[str, ...] = ()
        self.looks: dict[str, QueueStatus] = {}
        self.looked_at = float("-inf")
        self.offset: float | None = None
        self.weights: Mapping[str, int] = {}
        self.served: dict[str, float] = {}
        self.least = 0.0

    def serve(self, queues: tuple[str, ...], weights: Mapping[str, int] | None = None) -> None:
        """From now on these queues; what is new must be looked at."""
        self.weights = weights or {}
        if queues != self.queues:
            self.queues, self.looked_at = queues, float("-inf")

    def learn(self, looks: Mapping[str, QueueStatus], *, all_others: bool) -> None:
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

    def forget(self) -> None:
        """What was seen says nothing any more."""
        self.looked_at = float("-inf")

    def older_than(self, seconds: float) -> bool:
        """Whether the last look at all queues is so long ago."""
        return self.clock() - self.looked_at > seconds

    def choose(self, passed_over: Container[str] = ()) -> str | None:
        """The queue to take from next: the first that has something; with weights, of these the
        one that is farthest behind its share."""
        now = self.now()
        ready = (
            queue
            for queue, (waiting, due) in ((q, self.looks.get(q, NOTHING)) for q in self.queues)
            if (waiting or (due is not None and due <= now)) and queue not in passed_over
        )
        if not self.weights:
            return next(ready, None)
        return min(
            ready, key=lambda queue: max(self.served.get(queue, 0.0), self.least), default=None
        )

    def filled(self) -> list[str]:
        """The queues in which something waits or is delayed, as far as known."""
        looks = self.looks.copy()  # others may ask, too
        return [queue for queue in self.queues if looks.get(queue, NOTHING) != NOTHING]

    def now(self) -> float:
        """The time of Redis. As long as a worker has only glanced at its queues, it does not know
        it, and whatever is delayed may be due: then it goes there and learns it."""
        return float("inf") if self.offset is None else self.clock() + self.offset

    def took(self, queue: str, count: int) -> None:
        """Take account of jobs taken, against the share of the queue. A queue that was empty for a
        while has saved up nothing."""
        if self.weights and count:
            self.least = max(self.served.get(queue, 0.0), self.least)
            self.served[queue] = self.least + count / self.weights.get(queue, 1)

    def seconds_to_next(self, passed_over: Container[str] = ()) -> float:
        """How long nothing can be due, as far as known."""
        served = (queue for queue in self.queues if queue not in passed_over)
        dues = [due for queue in served if (due := self.looks.get(queue, NOTHING)[1])]
        return max(0.0, min(dues) - self.now()) if dues else POLL
