"""Jobs that a worker has reserved ahead to run them in its own process.

The main thread and the keeper use a batch at the same time, and so do the threads that run the
jobs: each step is one operation of a deque.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..errors import ConfigurationError
from ..jobs.job import Job
from ..jobs.registry import registry
from ..loading.served_app import ANY, Wanted
from ..model.reservation import Reservation, Settlement
from ..process.self_pipe import SelfPipe
from ..process.system import end_children

BATCH_SECONDS = 0.03
"""How much work is reserved ahead."""
BATCH_MOST = 256
SETTLE_SECONDS = 0.02
"""How long a finished job may wait for its settling, and others behind a slow one."""
CLOSE_SECONDS = 2.0
"""How long a worker waits at its end for its threads."""


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

    def drop(self, lost: Iterable[Reservation]) -> list[Reservation]:
        """Forget these, if they wait; returns which did. Of those that run, the results will be
        refused."""
        dropped = []
        for reservation in lost:
            try:
                self.waiting.remove(reservation)
            except ValueError:
                continue
            dropped.append(reservation)
        return dropped

    def follow(self, ran: int, seconds: float) -> None:
        """Follow the jobs' lengths: fast towards longer ones, slowly towards shorter ones."""
        if ran:
            each = max(seconds / ran, 1e-6)
            self.seconds_each = max(each, (self.seconds_each + each) / 2)

    def slow(self, slots: int) -> None:
        """What runs is longer than was thought: fetch nothing ahead until some shorter ones end."""
        self.seconds_each = max(self.seconds_each, 2 * slots * BATCH_SECONDS)

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


class Turns:
    """Whose turn it is: of one job never two runs at once.

    A worker that was cut off for longer than its lease may be given a job again that it still runs.
    The new run waits for the end of the old one. The main thread begins, any thread ends; each step
    is one operation of a dict.
    """

    def __init__(self) -> None:
        self.runs: dict[tuple[str, str], str] = {}
        """The tokens of the jobs that are here, by queue and id."""
        self.following: dict[tuple[str, str], Reservation] = {}

    def begin(self, held: Reservation) -> bool:
        """Whether this run may begin; else ``end`` hands it over when its turn has come."""
        job = held.queue, held.id
        if self.runs.setdefault(job, held.token) == held.token:
            return True
        self.following[job] = held
        if job in self.runs or self.following.pop(job, None) is None:
            return False
        self.runs[job] = held.token  # the old run has ended just now
        return True

    def end(self, ended: Reservation | Settlement) -> Reservation | None:
        """A run is over, or will not begin; returns the one whose turn has come by that."""
        job = ended.queue, ended.id
        if self.runs.get(job) != ended.token:
            return None
        del self.runs[job]
        following = self.following.pop(job, None) if self.following else None
        if following:
            self.runs[job] = following.token
        return following

    def drop(self, lost: Iterable[Reservation]) -> None:
        """Forget these, if they wait for the end of another run."""
        for each in lost:
            if self.following.get((each.queue, each.id)) == each:
                self.following.pop((each.queue, each.id), None)

    def given_back(self) -> list[Settlement]:
        """What waits for the end of another run."""
        popped = [self.following.pop(job, None) for job in list(self.following)]
        return [Settlement.of(each, "release") for each in popped if each]


class PrefetchingExecutor:
    """What executors have in common whose main thread fetches jobs while others run.

    The main thread is free, and settles everything itself; the keeper only wakes it.
    """

    in_process = True
    hooks: Any

    def __init__(self, app: Sequence[str] = (), slots: int = 10, wanted: Wanted = ANY) -> None:
        self.app, self.slots, self.wanted = list(app), slots, wanted
        self.batch, self.wake = Batch(), SelfPipe()
        self.running: dict[str, Any] = {}
        self.turns = Turns()
        self.came_at, self.told_late = 0.0, False

    @property
    def tended(self) -> bool:
        return True

    def room(self) -> int:
        return self.batch.room(self.slots, len(self.running))

    def take(self, held: Sequence[Reservation]) -> None:
        """Have these wait for a slot."""
        self.came_at = time.monotonic()
        self.batch.waiting.extend(each for each in held if self.turns.begin(each))

    def has_ended(self, settlement: Settlement, seconds: float) -> None:
        """A slot is free; the main thread is woken when there is not enough for it to run."""
        self.running.pop(settlement.token, None)
        self.batch.settlements.append(settlement)
        self.batch.follow(1, seconds)
        if following := self.turns.end(settlement):
            self.batch.waiting.appendleft(following)
            self.fetch()
        if self.batch.low(self.slots):
            self.wake.notify()

    def fetch(self) -> None:
        """A job waits for a slot that nobody has brought; whoever runs jobs is to know."""

    def ended(self) -> list[Settlement]:
        self.wake.clear()
        self.give_back_late()
        return self.batch.ended()

    def files(self) -> list[int]:
        return [self.wake.fileno()]

    def patience(self) -> float:
        return math.inf

    def overdue(self) -> list[Settlement]:
        if self.late() and (self.batch.waiting or self.batch.settlements):
            self.told_late = True
            self.wake.notify()
        return []

    def late(self) -> bool:
        """Whether what came last has been here for too long."""
        return time.monotonic() - self.came_at >= SETTLE_SECONDS

    def give_back_late(self) -> None:
        """Give back what waits behind slow jobs, as the keeper has seen. That is for the main
        thread, between two trips: during one, what it fetches would run before what is given back.
        """
        told, self.told_late = self.told_late, False
        if told and self.batch.waiting and self.late():
            self.batch.slow(self.slots)
            self.give_back()

    def abandon(self, lost: Sequence[Reservation]) -> None:
        self.turns.drop(lost)
        for each in self.batch.drop(lost):
            self.turns.end(each)

    def kill(self) -> None:
        """A job cannot be killed alone here."""

    def say_goodbye(self) -> None:
        """The last that the app hears here; what its jobs have started ends, too."""
        try:
            self.hooks.worker_stopping()
        finally:
            end_children()

    def retire(self) -> None:
        self.batch.settlements.extend(self.turns.given_back())
        self.give_back()

    def give_back(self) -> None:
        """Give back what waits for a slot."""
        for each in self.batch.given_back():
            self.turns.end(each)
            self.batch.settlements.append(each)
        if self.batch.settlements:
            self.wake.notify()


def ended_soon(threads: Sequence[threading.Thread]) -> bool:
    """Wait a little for threads; says whether all have ended."""
    last = time.monotonic() + CLOSE_SECONDS
    for thread in threads:
        thread.join(max(0.0, last - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


def refuse_limits(executor: str, *, keeps_timeout: Callable[[type[Job]], bool]) -> None:
    """Refuse to start with job classes whose limits could not be kept."""
    broken = {
        "timeout": [j for j in registry.values() if j.timeout is not None and not keeps_timeout(j)],
        "max_memory": [j for j in registry.values() if j.max_memory is not None],
    }
    for limit, jobs in broken.items():
        if jobs:
            names = ", ".join(job.name for job in jobs)
            raise ConfigurationError(
                f"--executor {executor}: expected jobs without {limit}, got {names}; a job in the "
                "worker's own process cannot be stopped by force: use --executor fork"
            )


def keeps_none(job: type[Job]) -> bool:
    """A job that does not await cannot be cancelled."""
    return False
