"""The jobs that a worker has reserved ahead of their start."""

from collections import deque
from collections.abc import Iterable

from ..model.reservation import Reservation, Settlement

PREFETCH_SECONDS = 0.03
"""Seconds of work that a worker reserves ahead."""
PREFETCH_MOST = 256
"""Jobs that a worker reserves ahead, at most."""


class PrefetchQueue:
    """Jobs that wait for a slot, settlements that wait to be sent, and how long jobs take.

    The main thread, the heartbeat thread and the threads that run jobs use it at the same time: so
    each step is one operation of a deque.
    """

    def __init__(self) -> None:
        self.waiting: deque[Reservation] = deque()
        self.settlements: deque[Settlement] = deque()
        self.seconds_each = PREFETCH_SECONDS
        """How long one job takes, by the last ones."""

    def next(self) -> Reservation | None:
        """The next job to run. Returns None when no job waits."""
        try:
            return self.waiting.popleft()
        except IndexError:
            return None

    def take_finished(self) -> list[Settlement]:
        """The settlements since the last call."""
        finished = []
        while self.settlements:
            try:
                finished.append(self.settlements.popleft())
            except IndexError:  # another thread was faster
                break
        return finished

    def release_waiting(self) -> list[Settlement]:
        """Take out all jobs that wait. Returns their settlements, those of the last job first: a
        released job goes to the front of its queue."""
        released = []
        while self.waiting:
            try:
                released.append(Settlement.of(self.waiting.pop(), "released"))
            except IndexError:  # another thread was faster
                break
        return released

    def drop(self, lost: Iterable[Reservation]) -> list[Reservation]:
        """Take out those of these jobs that wait, and return them. Those that run stay: Redis will
        refuse their settlements."""
        dropped = []
        for reservation in lost:
            try:
                self.waiting.remove(reservation)
            except ValueError:
                continue
            dropped.append(reservation)
        return dropped

    def adapt_pace(self, jobs: int, seconds: float) -> None:
        """Adapt ``seconds_each`` to jobs that have run: at once when they took longer, slowly when
        they were shorter."""
        if jobs:
            each = max(seconds / jobs, 1e-6)
            self.seconds_each = max(each, (self.seconds_each + each) / 2)

    def slow_down(self, slots: int) -> None:
        """Reserve nothing ahead until some short jobs have ended: those that run take long."""
        self.seconds_each = max(self.seconds_each, 2 * slots * PREFETCH_SECONDS)

    def prefetch_count(self, slots: int) -> int:
        """How many jobs this number of slots runs in PREFETCH_SECONDS."""
        return min(PREFETCH_MOST, int(slots * PREFETCH_SECONDS / self.seconds_each))

    def is_low(self, slots: int) -> bool:
        """Whether it is time to reserve more jobs."""
        return len(self.waiting) <= self.prefetch_count(slots) // 2

    def capacity(self, slots: int, running: int) -> int:
        """How many jobs to reserve now, in large steps: for free slots, and ahead."""
        if not self.is_low(slots):
            return 0
        return max(0, slots - running) + self.prefetch_count(slots) - len(self.waiting)
