"""Runs jobs in the worker's own process, one after the other, in batches while they are short."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ConfigurationError
from ..loading import load_app
from ..plugin import worker_relay
from ..registry import registry
from ..reservation import Reservation, Settlement
from ..run import run

BATCH_SECONDS = 0.03
BATCH_MOST = 256
SETTLE_SECONDS = 0.02
"""How long a finished job may wait for its settling, and others behind a slow one."""


class Inline:
    """The executor of ``--executor inline``. Its main thread runs; its keeper gives back."""

    name = "inline"
    in_process = True
    slots = 1

    def __init__(
        self, app: Sequence[str] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.app, self.clock = app, clock
        self.hooks: Any = None
        self.waiting: deque[Reservation] = deque()
        self.settlements: deque[Settlement] = deque()
        self.seconds_each = BATCH_SECONDS
        self.running_since: float | None = None
        self.stopping = False

    def start(self) -> None:
        self.hooks = worker_relay(load_app(self.app))
        limited = [name for name, job in registry.items() if job.timeout is not None]
        if limited:
            raise ConfigurationError(
                f"--executor inline: expected jobs without timeout, got {', '.join(limited)}; "
                "a job in the worker's own process cannot be stopped: use --executor fork"
            )
        self.hooks.worker_started()

    def room(self) -> int:
        if self.stopping:
            return 0
        return max(1, min(BATCH_MOST, int(BATCH_SECONDS / self.seconds_each)))

    def begin(self, held: Sequence[Reservation]) -> None:
        self.waiting.extend(held)
        started, ran = self.clock(), 0
        while self.waiting and not self.stopping:
            try:
                reservation = self.waiting.popleft()
            except IndexError:  # the keeper has given it back
                break
            self.running_since = self.clock()
            self.settlements.append(run(reservation))
            ran += 1
        self.running_since = None
        self.pace(ran, self.clock() - started)
        self.settlements.extend(self.given_back())

    def pace(self, ran: int, seconds: float) -> None:
        """Follow the jobs' lengths: fast towards longer ones, slowly towards shorter ones."""
        if ran:
            each = max(seconds / ran, 1e-6)
            self.seconds_each = max(each, (self.seconds_each + each) / 2)

    def given_back(self) -> list[Settlement]:
        """What was not started, the last first: each is put before the others."""
        back = []
        while self.waiting:
            try:
                back.append(Settlement.of(self.waiting.pop(), "release"))
            except IndexError:  # the main thread was faster
                break
        return back

    def ended(self) -> list[Settlement]:
        ended = []
        while self.settlements:
            try:
                ended.append(self.settlements.popleft())
            except IndexError:  # the keeper was faster
                break
        return ended

    def files(self) -> list[int]:
        return []

    def overdue(self) -> list[Settlement]:
        since = self.running_since
        if since is None or self.clock() - since < SETTLE_SECONDS:
            return []
        return self.ended() + self.given_back()

    def abandon(self, lost: Sequence[Reservation]) -> None:
        for reservation in lost:
            try:
                self.waiting.remove(reservation)
            except ValueError:  # it runs: its result will be refused
                continue

    def kill(self) -> None:
        """A job cannot be killed alone here."""

    def stop(self) -> None:
        self.stopping = True

    def close(self) -> None:
        self.hooks.worker_stopping()
