"""Jobs that a worker has reserved ahead to run them in its own process.

The main thread and the keeper use a batch at the same time, and so do the threads that run the
jobs: each step is one operation of a deque.
"""

import os
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from ..errors import ConfigurationError
from ..registry import registry
from ..reservation import Reservation, Settlement

BATCH_SECONDS = 0.03
"""How much work is reserved ahead."""
BATCH_MOST = 256
SETTLE_SECONDS = 0.02
"""How long a finished job may wait for its settling, and others behind a slow one."""


class Batch:
    """Which jobs wait here, what has become of the others, and how long they take."""

    def __init__(self) -> None:
        self.waiting: deque[Reservation] = deque()
        self.settlements: deque[Settlement] = deque()
        self.seconds_each = BATCH_SECONDS

    def next(self) -> Reservation | None:
        """The job to run now."""
        try:
            return self.waiting.popleft()
        except IndexError:
            return None

    def ended(self) -> list[Settlement]:
        """What has become of jobs since this was asked last."""
        ended = []
        while self.settlements:
            try:
                ended.append(self.settlements.popleft())
            except IndexError:  # another thread was faster
                break
        return ended

    def given_back(self) -> list[Settlement]:
        """What was not started, the last first: each is put before the others."""
        back = []
        while self.waiting:
            try:
                back.append(Settlement.of(self.waiting.pop(), "release"))
            except IndexError:
                break
        return back

    def drop(self, lost: Iterable[Reservation]) -> None:
        """Forget these, if they wait; of those that run, the results will be refused."""
        for reservation in lost:
            try:
                self.waiting.remove(reservation)
            except ValueError:
                continue

    def follow(self, ran: int, seconds: float) -> None:
        """Follow the jobs' lengths: fast towards longer ones, slowly towards shorter ones."""
        if ran:
            each = max(seconds / ran, 1e-6)
            self.seconds_each = max(each, (self.seconds_each + each) / 2)

    def ahead(self, slots: int) -> int:
        """How many jobs of this length the slots run in the time that is reserved ahead."""
        return min(BATCH_MOST, int(slots * BATCH_SECONDS / self.seconds_each))

    def low(self, slots: int) -> bool:
        """Whether it is time to fetch more."""
        return len(self.waiting) <= self.ahead(slots) // 2

    def room(self, slots: int, running: int) -> int:
        """How many to reserve for slots that run on while more is fetched; in large steps."""
        if not self.low(slots):
            return 0
        return max(0, slots - running) + self.ahead(slots) - len(self.waiting)


class Caller:
    """A file by which other threads wake the main thread."""

    def __init__(self) -> None:
        self.bell, self.ring = os.pipe()
        for end in (self.bell, self.ring):
            os.set_blocking(end, False)
        self.called = False

    def call(self) -> None:
        """Make the file readable, if nobody has yet."""
        if not self.called:
            self.called = True
            with suppress(BlockingIOError):
                os.write(self.ring, b"\0")

    def clear(self) -> None:
        """Take note."""
        if self.called:
            self.called = False
            with suppress(BlockingIOError):
                os.read(self.bell, 4096)


def refuse_timeouts(executor: str, names: Iterable[str]) -> None:
    """Refuse to start with job classes whose limit could not be kept."""
    limited = [name for name in names if registry[name].timeout is not None]
    if limited:
        raise ConfigurationError(
            f"--executor {executor}: expected jobs without timeout, got {', '.join(limited)}; "
            "a job in the worker's own process cannot be stopped: use --executor fork"
        )
