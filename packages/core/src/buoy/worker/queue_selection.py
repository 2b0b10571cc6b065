"""What a worker knows of its queues, and from which of them it takes jobs next."""

import time
from collections.abc import Callable, Container, Mapping

from ..model.reservation import QueueStatus

FRESH_SECONDS = 0.02
"""Seconds for which a round trip does not read the status of the other queues again."""
STALE_SECONDS = 0.05
"""Seconds after which a queue of lower priority is chosen only after a new look at all queues."""
POLL_SECONDS = 2.0
"""Seconds after which an idle worker looks at its queues by itself: a wakeup may have been lost."""

EMPTY: QueueStatus = (0, None)
"""The status of a queue in which nothing is queued or delayed."""


class QueueSelector:
    """The queues of a worker in order of priority, each with the status that was last seen.

    The main thread uses it; the heartbeat thread calls ``nonempty_queues`` only. Times are seconds
    of ``clock``, due times seconds of the clock of Redis.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.queues: tuple[str, ...] = ()
        self.statuses: dict[str, QueueStatus] = {}
        self.all_seen_at = float("-inf")
        self.redis_offset: float | None = None
        self.weights: Mapping[str, int] = {}
        self.charges: dict[str, float] = {}
        """For each queue: how many jobs were taken from it, divided by its weight."""
        self.least_charge = 0.0

    def serve(self, queues: tuple[str, ...], weights: Mapping[str, int] | None = None) -> None:
        """Serve these queues from now on. If they are others than before, all statuses count as
        old."""
        self.weights = weights or {}
        if queues != self.queues:
            self.queues, self.all_seen_at = queues, float("-inf")

    # What was seen

    def update(self, statuses: Mapping[str, QueueStatus], *, all_seen: bool) -> None:
        """Remember the status of queues. ``all_seen`` says whether now all queues were seen."""
        self.statuses.update(statuses)
        if all_seen:
            self.all_seen_at = self.clock()

    def set_clock(self, now: float) -> None:
        """Follow the clock of Redis (seconds), by which delayed jobs become due."""
        self.redis_offset = now - self.clock()

    def expect_jobs(self, queue: str) -> None:
        """A wakeup came: the queue holds a job, or a delayed job with an earlier due time."""
        self.statuses[queue] = (1, None)

    def expire(self) -> None:
        """Make all statuses count as old, so that the worker looks at its queues again."""
        self.all_seen_at = float("-inf")

    def is_older_than(self, seconds: float) -> bool:
        """Whether all queues were last seen longer ago than this."""
        return self.clock() - self.all_seen_at > seconds

    def has_seen_all_since(self, moment: float) -> bool:
        """Whether all queues were seen after this moment of ``clock``."""
        return self.all_seen_at > moment

    def seconds_until_older_than(self, seconds: float) -> float:
        """Seconds until ``is_older_than`` becomes true; negative if it is true."""
        return self.all_seen_at + seconds - self.clock()

    # What follows from it

    def choose(self, passed_over: Container[str] = ()) -> str | None:
        """The queue to take jobs from next, or None if no queue has a due job: the first that has
        one; with weights, of these the one that is farthest behind its share."""
        now = self.redis_now()
        ready = (
            queue
            for queue, (length, due) in ((q, self.statuses.get(q, EMPTY)) for q in self.queues)
            if (length or (due is not None and due <= now)) and queue not in passed_over
        )
        if not self.weights:
            return next(ready, None)
        return min(
            ready,
            key=lambda queue: max(self.charges.get(queue, 0.0), self.least_charge),
            default=None,
        )

    def charge(self, queue: str, count: int) -> None:
        """Count jobs that were taken against the share of their queue. A queue that was empty for
        a while does not catch up afterwards."""
        if self.weights and count:
            self.least_charge = max(self.charges.get(queue, 0.0), self.least_charge)
            self.charges[queue] = self.least_charge + count / self.weights.get(queue, 1)

    def nonempty_queues(self) -> list[str]:
        """The queues in which a job was queued or delayed when they were last seen. Any thread may
        call it."""
        statuses = self.statuses.copy()  # the main thread may change it meanwhile
        return [queue for queue in self.queues if statuses.get(queue, EMPTY) != EMPTY]

    def redis_now(self) -> float:
        """The time of Redis in seconds. Infinite while that is unknown: then any delayed job may be
        due, and a visit to its queue brings the time."""
        return float("inf") if self.redis_offset is None else self.clock() + self.redis_offset

    def seconds_to_next(self, passed_over: Container[str] = ()) -> float:
        """Seconds until the next known delayed job is due; POLL_SECONDS if none is known."""
        served = (queue for queue in self.queues if queue not in passed_over)
        dues = [due for queue in served if (due := self.statuses.get(queue, EMPTY)[1])]
        return max(0.0, min(dues) - self.redis_now()) if dues else POLL_SECONDS
