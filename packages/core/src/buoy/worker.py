"""The worker: settles, heals, promotes and reserves in one round trip; runs; waits."""

import logging
import math
import os
import secrets
import select
import signal
import socket
import time
from collections import Counter
from collections.abc import Sequence

from .backoff import Backoff
from .bell import bell_of
from .broker import Broker
from .errors import BrokerError, Unavailable
from .executor import Executor
from .keeper import Card, Hand, Keeper
from .monitor import Monitor
from .outlook import FRESH, OLD, POLL, Outlook
from .queues import QueueList
from .reservation import Advance, Advanced, Reservation, Settlement
from .signals import Wake

logger = logging.getLogger("buoy.worker")

LAST_TRY = 5.0
"""Seconds after the grace time for which a worker still tries to say what it has done."""


def worker_id() -> str:
    """A name for one worker: host, process and a random part."""
    host = "".join(c if c.isalnum() or c in ".-" else "-" for c in socket.gethostname())
    return f"{host}-{os.getpid()}-{secrets.token_hex(3)}"


class Worker:
    """Takes jobs from queues and has an executor run them, until it is told to stop."""

    def __init__(
        self,
        broker: Broker,
        executor: Executor,
        queues: QueueList,
        *,
        grace: float = 25.0,
        burst: bool = False,
    ) -> None:
        self.broker, self.executor, self.queues = broker, executor, queues
        self.grace, self.burst = grace, burst
        self.id = worker_id()
        self.hand = Hand()
        self.outlook = Outlook()
        self.bell = bell_of(broker.settings.url, broker.keys)
        self.card = Card(self.id, str(queues), executor.name, executor.slots)
        self.keeper = Keeper(broker, executor, self.hand, self.card, self.on_lost)
        self.wake = Wake(self.on_signal)
        self.settlements: list[Settlement] = []
        self.echoes: set[str] = set()
        self.lost: list[Reservation] = []
        self.pending: tuple[list[Advance], list[str]] | None = None
        self.number = 0
        self.outage = Backoff()
        self.refreshed = float("-inf")
        self.started = self.paused = self.killing = self.alone = self.grace_over = False
        self.stopped_at: float | None = None
        self.deadline: float | None = None

    def run(self) -> None:
        """Work until a signal says stop, or with ``burst`` until there is nothing to do."""
        with self.wake:
            self.check_login()
            self.executor.start()
            self.started = True
            logger.info("worker %s serves %s with %s", self.id, self.queues, self.executor.name)
            self.keeper.start()
            try:
                self.work()
            finally:
                self.executor.close()
                self.keeper.end()
                self.bell.close()
        logger.info("worker %s ends: %s", self.id, told(self.hand.counts))

    def work(self) -> None:
        while not self.over():
            self.collect()
            if self.has_errand():
                self.travel()
            else:
                self.rest()

    def check_login(self) -> None:
        """A wrong password is told at once; a Redis that is away is waited for."""
        try:
            self.broker.link.call("PING")
        except Unavailable as error:
            logger.warning("%s; waiting for it", error)

    def over(self) -> bool:
        # A reply that is missing may bring jobs; after a stop they are put back.
        awaited = self.pending is not None and any(trip.wanted for trip in self.pending[0])
        free = not self.hand and not self.settlements and not awaited
        if self.stopped_at is not None:
            last = self.deadline if self.hand else self.stopped_at
            return free or (last is not None and self.now() > last + LAST_TRY)
        known = not self.outlook.older_than(POLL) and self.outlook.choose() is None
        return self.burst and free and known and not self.echoes

    # Signals

    def on_signal(self, number: signal.Signals) -> None:
        match number:
            case signal.SIGTERM | signal.SIGINT | signal.SIGQUIT if not self.started:
                raise SystemExit(0)  # nothing runs yet
            case signal.SIGTERM | signal.SIGINT:
                self.stop(self.now() + (self.grace if self.deadline is None else 0.0))
            case signal.SIGQUIT:
                self.stop(None)
            case signal.SIGUSR1:
                self.killing = True  # later: the main thread may be talking to the executor
            case signal.SIGUSR2 | signal.SIGCONT:
                self.paused = number == signal.SIGUSR2
                self.card.state = "paused" if self.paused else "running"

    def stop(self, deadline: float | None) -> None:
        """Take nothing new; what runs has time until the deadline, or as long as it needs."""
        self.stopped_at, self.deadline, self.card.state = self.now(), deadline, "stopping"
        self.keeper.deadline = deadline
        if self.executor.in_process:
            self.executor.stop()

    def now(self) -> float:
        return time.monotonic()

    # What has happened

    def collect(self) -> None:
        """Take in what jobs have become, and which of them are no longer ours."""
        if self.killing:
            self.killing = False
            self.executor.kill()
        self.settlements += [each for each in self.executor.ended() if each.token in self.hand.held]
        lost, self.lost = self.lost, []
        gone = [each for each in lost if each.token in self.hand.held]
        if gone:
            self.lose(gone)
        if self.deadline is not None and self.now() > self.deadline and not self.grace_over:
            self.grace_over = True
            self.executor.stop()

    def on_lost(self, lost: list[Reservation]) -> None:
        """Called by the keeper: others may have these jobs by now."""
        self.lost += lost
        self.wake.call()

    def lose(self, gone: Sequence[Reservation]) -> None:
        for each in gone:
            logger.warning(
                "lost the lease of id=%s queue=%s worker=%s", each.id, each.queue, self.id
            )
        self.executor.abandon(gone)
        self.hand.drop(gone)
        tokens = {each.token for each in gone}
        self.settlements = [each for each in self.settlements if each.token not in tokens]

    # Round trips

    def room(self) -> int:
        """How many jobs to take now."""
        if self.alone and self.hand:
            return 0
        self.alone = False
        return 0 if self.stopping or self.paused else self.executor.room()

    @property
    def stopping(self) -> bool:
        return self.stopped_at is not None

    def has_errand(self) -> bool:
        if self.outage.seconds() > 0:
            return False
        if self.pending is not None or self.settlements or self.echoes:
            return True
        return self.room() > 0 and (self.must_look() or self.outlook.choose() is not None)

    def must_look(self) -> bool:
        """Whether to look at the queues before choosing one."""
        tempted = len(self.outlook.queues) > 1 and self.outlook.choose() is not None
        return self.outlook.older_than(OLD if tempted else self.bell.poll)

    def travel(self) -> None:
        """One round trip; a lost reply is asked for again, under the same number."""
        try:
            if self.pending is None:
                self.refresh()
                self.pending = self.plan()
            trips, others = self.pending
            answers, looks = self.broker.advance(self.id, trips, others)
        except BrokerError as error:
            self.wait_out(error)
            return
        self.pending = None
        self.be_back()
        self.outlook.learn(looks, all_others=len(others) + len(trips) >= len(self.outlook.queues))
        self.begin(trips, answers)

    def refresh(self) -> None:
        """Follow the queues that there are, when the list has globs."""
        if self.now() - self.refreshed > POLL and not (self.queues.fixed and self.outlook.queues):
            known = [] if self.queues.fixed else Monitor(self.broker).queue_names()
            self.outlook.serve(self.queues.resolve(known))
            self.keeper.queues = self.outlook.queues
            self.refreshed = self.now()

    def plan(self) -> tuple[list[Advance], list[str]]:
        """Where to go: to settle, to ring on, and to the one queue that comes first."""
        room, looking = self.room(), self.must_look()
        target = self.outlook.choose() if room and not looking else None
        settlements, self.settlements = self.settlements, []
        echoes, self.echoes = self.echoes, set()
        self.number += 1
        visited = {each.queue: None for each in settlements} | dict.fromkeys(echoes)
        if target is not None:
            visited[target] = None
        trips = [
            Advance(
                queue,
                self.number,
                wanted=room if queue == target else 0,
                hands=len(self.hand) - len(settlements),
                settlements=[each for each in settlements if each.queue == queue],
            )
            for queue in visited
        ]
        looking = looking or (len(self.outlook.queues) > 1 and self.outlook.older_than(FRESH))
        return trips, [q for q in self.outlook.queues if q not in visited] if looking else []

    def begin(self, trips: Sequence[Advance], answers: Sequence[Advanced]) -> None:
        """Take in the answers, and run what was reserved."""
        taken: list[Reservation] = []
        for trip, answer in zip(trips, answers, strict=True):
            self.hand.settled(trip.settlements)
            for id in answer.refused:
                logger.warning(
                    "outcome refused, the lease was lost: id=%s queue=%s", id, trip.queue
                )
            self.outlook.learn({trip.queue: answer.look}, all_others=False)
            self.outlook.set_clock(answer.now)
            self.alone = self.alone or answer.state == "alone"
            taken += answer.reservations
        self.hand.take(taken)
        self.bell.follow(bool(taken))
        if self.stopping:  # told while the reply was on its way
            self.settlements += [Settlement.of(each, "release") for each in reversed(taken)]
            return
        self.keeper.watch(bool(taken) and self.executor.in_process)
        self.executor.begin(taken)

    # Waiting

    def wait_out(self, error: BrokerError) -> None:
        """Redis cannot be reached: try again, soon at first, then each second."""
        if self.pending is not None:
            for trip in self.pending[0]:
                trip.again = True
        if not self.outage.failures:
            logger.warning("%s; trying again until it is back", error)
        self.outage.fail()

    def be_back(self) -> None:
        if self.outage.failures:
            logger.warning("Redis is back")
        self.outage.clear()

    def rest(self) -> None:
        """Sleep until a job ends, a bell rings, a signal comes or something is due."""
        self.keeper.watch(False)
        if self.room() > 0 and not self.outage.failures:
            self.bell.listen(self.outlook.queues)
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
            self.echoes.add(queue)

    def patience(self) -> float:
        """How long there can be nothing to do, as far as known."""
        waits = [POLL]
        if self.room() > 0:
            next_look = self.outlook.looked_at + self.bell.poll
            waits += [self.outlook.seconds_to_next(), next_look - self.now()]
            if self.outlook.queues:
                waits.append(self.bell.patience())
        if self.deadline is not None and not self.grace_over:
            waits.append(self.deadline - self.now())
        if self.outage.failures:
            waits = [self.outage.seconds()]
        return max(0.0, min(waits))


def those_readable(files: Sequence[int], seconds: float) -> set[int]:
    """Wait until one of the files is readable. Not by select(), which knows files up to 1023
    only: an app may have more open."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    return {file for file, _ in poll.poll(math.ceil(seconds * 1000))}


def told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {act}" for act, count in sorted(counts.items())) or "no jobs"
