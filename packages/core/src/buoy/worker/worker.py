"""The worker: settles, heals, promotes and reserves in one round trip; runs; waits."""

import math
import os
import select
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from ..broker.broker import Broker
from ..connection.startup import wait_for_redis
from ..errors import BrokerError
from ..executor import Executor
from ..model.reservation import Reservation, Settlement
from ..operations.monitor import Monitor
from ..process.logs import Log, enable
from ..process.signals import GONE, STOPS, SignalPipe
from ..process.titles import show
from .heartbeat import Heartbeat
from .in_flight import InFlight, WorkerRegistration, worker_id
from .queue_list import QueueList
from .queue_selection import POLL, QueueSelector
from .recycling import RecycleLimits
from .round_trips import GLANCE, RoundTrips
from .wakeup import bell_of

logger = Log("buoy.worker")

LAST_TRY = 5.0
"""Seconds after the grace time for which a worker still tries to say what it has done."""

ECHO = 1.0
"""Seconds within which a second TERM, under a supervisor, says no more than the first."""


class Worker:
    """Takes jobs from queues and has an executor, which has been started, run them, until it is
    told to stop.

    ``leave`` ends this process when the grace time is over and a job in it runs on; without it the
    job is put back, but the worker can end only with it.
    """

    def __init__(
        self,
        broker: Broker,
        executor: Executor,
        queues: QueueList,
        *,
        grace: float = 25.0,
        burst: bool = False,
        wear: RecycleLimits | None = None,
        supervisor: int | None = None,
        leave: Callable[[int], object] | None = None,
    ) -> None:
        self.broker, self.executor, self.queues = broker, executor, queues
        self.grace, self.burst, self.supervisor = grace, burst, supervisor
        self.wear = wear or RecycleLimits()
        self.id = worker_id()
        self.hand, self.outlook = InFlight(), QueueSelector()
        self.bell = bell_of(broker.settings.url, broker.keys)
        self.trips = RoundTrips(broker, self.id, self.hand, self.outlook, lambda: self.bell.poll)
        self.card = WorkerRegistration(self.id, str(queues), executor.name, executor.slots)
        self.keeper = Heartbeat(broker, executor, self.hand, self.card, self.on_heard, leave)
        self.keeper.filled = self.outlook.filled
        self.wake = SignalPipe(self.on_signal)
        self.lost: list[Reservation] = []
        self.refreshed = float("-inf")
        self.told_to_stop = self.started = self.paused = self.killing = self.grace_over = False
        self.awaiting = False
        self.stopped_at: float | None = None
        self.deadline: float | None = None

    def run(self) -> None:
        """Work until a signal says stop, or with ``burst`` until there is nothing to do."""
        enable()
        with self.wake:
            try:
                wait_for_redis(self.greet, self.broker.settings.url, self.rest_at_start)
                self.begin_to_serve()
                logger.info("worker %s serves %s with %s", self.id, self.queues, self.executor.name)
                self.refresh()
                self.keeper.start()
                self.work()
            finally:
                self.close()
        logger.info("worker %s ends: %s", self.id, told(self.hand.counts))

    def close(self) -> None:
        try:
            self.executor.close()
        except BaseException:
            logger.exception("the app's hook worker_stopping failed")
        finally:
            self.keeper.end()
            self.bell.close()
            self.broker.client.close()

    def begin_to_serve(self) -> None:
        self.started = True
        if self.supervisor is not None:
            os.write(self.supervisor, b"\0")
            os.close(self.supervisor)

    def greet(self) -> None:
        """Say hello to Redis, and learn which queues there are."""
        self.follow_queues()
        self.keeper.greet()

    def rest_at_start(self, seconds: float) -> None:
        """Sleep, unless a signal says stop: then end."""
        those_readable([self.wake.fileno()], seconds)
        self.wake.clear()
        if self.told_to_stop:  # whoever was interrupted may have swallowed it
            raise SystemExit(0)

    def work(self) -> None:
        while not self.over():
            self.refresh()
            if self.trips.errand(self.room()):
                self.begin(self.trips.go(self.room()))
            else:
                self.rest()
            self.collect()
            self.retire_when_worn()

    def retire_when_worn(self) -> None:
        """Let another worker go on, after so many jobs or with so much memory."""
        if self.stopped_at is not None or self.paused:
            return
        reason = self.wear.reached(self.done())
        if reason is not None:
            logger.info("worker %s stops: %s", self.id, reason)
            self.stop(None)

    def done(self) -> int:
        """How many jobs it has run; those that were put back are others' work."""
        return self.hand.counts.total() - self.hand.counts["released"]

    def over(self) -> bool:
        free = not self.hand and not self.trips.unsaid
        if self.stopped_at is not None:
            if self.paused and not self.told_to_stop:
                return False  # nobody would tell its successor to be quiet
            last = self.deadline if self.hand else self.stopped_at
            return free or (last is not None and self.now() > last + LAST_TRY)
        known = not self.outlook.older_than(POLL) and self.outlook.choose() is None
        return self.burst and free and known and not self.trips.echoes and not self.awaits_lost()

    def awaits_lost(self) -> bool:
        """Whether jobs may soon come back from a holder that has missed a beat. When that is over,
        it looks once more."""
        before, self.awaiting = self.awaiting, self.keeper.awaits()
        if before and not self.awaiting:
            self.outlook.forget()
        return before or self.awaiting

    def now(self) -> float:
        return time.monotonic()

    # Signals

    def on_signal(self, number: signal.Signals) -> None:
        self.told_to_stop = self.told_to_stop or number in (*STOPS, GONE)
        match number:
            case signal.SIGTERM | signal.SIGINT | signal.SIGQUIT if not self.started:
                raise SystemExit(0)  # nothing runs yet
            case signal.SIGTERM | signal.SIGINT if not self.is_echo():
                self.stop(self.now() + (self.grace if self.deadline is None else 0.0))
            case signal.SIGHUP if self.stopped_at is None:
                self.stop(self.now() + self.grace)
            case signal.SIGQUIT:
                self.stop(None)
            case signal.SIGUSR1:
                self.killing = True  # later: the main thread may be talking to the executor
            case signal.SIGUSR2 | signal.SIGCONT:
                self.paused = number == signal.SIGUSR2
                self.card.state = self.state()

    def is_echo(self) -> bool:
        """Whether a signal that was sent to all processes comes again, from the supervisor."""
        if self.supervisor is None or self.stopped_at is None or self.deadline is None:
            return False
        return self.now() < self.stopped_at + ECHO

    def stop(self, deadline: float | None) -> None:
        """Take nothing new; what runs has time until the deadline, or as long as it needs."""
        self.stopped_at, self.deadline = self.now(), deadline
        self.card.state = self.state()
        last = self.executor.shutdown_seconds
        self.keeper.deadline = None if deadline is None else deadline + last
        self.executor.release_waiting()

    def state(self) -> str:
        """What it tells of itself. One that is worn and paused ends only when it may go on."""
        if self.paused and not self.told_to_stop:
            return "paused"
        return "running" if self.stopped_at is None else "stopping"

    # Jobs

    def room(self) -> int:
        """How many jobs to take now."""
        if self.trips.alone and self.hand:
            return 0
        self.trips.alone = False
        if self.stopped_at is not None or self.paused:
            return 0
        begun = self.done() + len(self.hand)
        return min(self.executor.capacity(), self.wear.room(begun))

    def begin(self, taken: list[Reservation]) -> None:
        """Run what was reserved; what comes after a stop was told is put back."""
        self.bell.follow(bool(taken))
        self.lose(self.hand.older(taken))
        if self.stopped_at is not None:
            back = [Settlement.of(each, "released") for each in reversed(taken)]
            self.trips.settlements += back
        elif taken:
            show(f"worker: {len(self.hand)} of {self.executor.slots} jobs from {self.queues}")
            self.keeper.watch(self.executor.needs_watching)
            self.executor.start_jobs(taken)

    def collect(self) -> None:
        """Take in what jobs have become, and which of them are no longer ours."""
        if self.killing:
            self.killing = False
            self.executor.kill()
        ended = self.executor.take_finished()
        self.trips.settlements += [each for each in ended if each.token in self.hand.held]
        lost, self.lost = self.lost, []
        if lost:
            ours = self.hand.held.keys() - self.trips.unanswered()
            self.lose([each for each in lost if each.token in ours])
        if self.deadline is not None and self.now() > self.deadline and not self.grace_over:
            self.grace_over = True
            self.executor.terminate()

    def on_heard(self, lost: list[Reservation]) -> None:
        """Called by the keeper: others may have these jobs by now; or some holder is late, or no
        longer."""
        self.lost += lost
        self.wake.notify()

    def lose(self, gone: Sequence[Reservation]) -> None:
        """End these: others may have them, or this worker has them anew."""
        if not gone:
            return
        for each in gone:
            said = "lost the lease of id=%s queue=%s token=%s"
            logger.warning(said, each.id, each.queue, each.token)
        self.executor.abandon(gone)
        self.hand.drop(gone)
        self.trips.forget(gone)

    def refresh(self) -> None:
        """Follow the queues that there are, when the list has globs."""
        if self.now() - self.refreshed < POLL or (self.queues.fixed and self.outlook.queues):
            return
        with suppress(BrokerError):  # the trips will tell
            self.follow_queues()

    def follow_queues(self) -> None:
        self.refreshed = self.now()
        known = [] if self.queues.fixed else Monitor(self.broker, brisk=True).queue_names()
        names = self.queues.resolve({*known, *self.outlook.filled()})
        self.outlook.serve(names, self.queues.weigh(names))
        self.keeper.serve(names)

    # Waiting

    def rest(self) -> None:
        """Sleep until a job ends, a bell rings, a signal comes or something is due."""
        self.wake.wake_on_signals()
        self.keeper.watch(bool(self.hand) and self.executor.needs_watching)
        if self.room() > 0:
            self.bell.listen(self.trips.audible())
        if not self.hand:
            show(f"worker: waits for {self.queues}")
        bells = self.bell.files()
        files = [*bells, *self.executor.files(), self.wake.fileno()]
        readable = those_readable(files, self.patience())
        if self.wake.fileno() in readable:
            self.wake.clear()
        if bells and bells[0] in readable:
            self.hear_bell()

    def hear_bell(self) -> None:
        queue = self.bell.rung()
        if queue is None:
            return
        self.outlook.rung(queue)
        if self.room() == 0:
            self.trips.echoes.add(queue)

    def patience(self) -> float:
        """How long there can be nothing to do, as far as known."""
        waits = [POLL, self.executor.seconds_until_due()]
        if self.room() > 0:
            waits.append(self.outlook.seconds_to_next(self.trips.cut_off))
            if self.trips.reachable(GLANCE):
                waits.append(self.outlook.looked_at + self.bell.poll - self.now())
            if self.outlook.queues and not self.trips.outages:
                waits.append(self.bell.patience())
        if self.deadline is not None and not self.grace_over:
            waits.append(self.deadline - self.now())
        next_try = self.trips.seconds_to_next_try()
        if next_try is not None:
            waits.append(next_try)
        return max(0.0, min(waits))


def those_readable(files: Sequence[int], seconds: float) -> set[int]:
    """Wait until one of the files is readable. Not by select(), which knows files up to 1023
    only: an app may have more open."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    return {file for file, _ in poll.poll(math.ceil(seconds * 1000))}


def told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "no jobs"
