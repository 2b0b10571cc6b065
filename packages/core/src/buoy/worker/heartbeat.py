"""The keeper: the thread that keeps a worker's leases, whatever its main thread is doing."""

import math
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ..broker.broker import Broker
from ..broker.script_arguments import decode_text
from ..connection.client import Client, check_replies
from ..connection.startup import is_permanent
from ..errors import BrokerError, WrongType
from ..executor import Executor
from ..model.reservation import Reservation, RoundTripRequest, Settlement
from ..operations.worker_commands import signal_of
from ..process.logs import Log
from ..process.system import end_children
from .in_flight import InFlight, WorkerRegistration

logger = Log("buoy.worker")

TICK = 0.02
"""Seconds between two looks at jobs that run in the worker's own process."""
MARGIN = 0.1
"""Seconds after the grace time in which the main thread, if it is not in a job, settles itself."""
SOON = 0.2
"""Seconds after which a worker that was told something shows that it has heard it."""
LISTED = 86_400_000
"""Milliseconds for which a worker that is gone without a goodbye stays on the list."""


AWAITED = 2.0
"""Leases for which a lost job is waited for, at most."""
CLOSELY = 1 / 30
"""The part of a lease after which a keeper looks again while some holder has missed a beat."""


class Heartbeat(threading.Thread):
    """Beats each third of a lease, listens for holders that have missed a beat, and tends to what
    the executor cannot hand over itself."""

    def __init__(
        self,
        broker: Broker,
        executor: Executor,
        hand: InFlight,
        card: WorkerRegistration,
        tell: Callable[[list[Reservation]], None],
        leave: Callable[[int], object] | None = None,
    ) -> None:
        super().__init__(name="buoy-keeper", daemon=True)
        self.broker, self.executor, self.hand, self.card = broker, executor, hand, card
        self.tell, self.leave = tell, leave
        self.queues: tuple[str, ...] = ()
        self.busy = False
        self.deadline: float | None = None
        self.nudged = threading.Event()
        self.ending = False
        self.wish: bytes | None = None
        self.unsettled: list[Settlement] = []
        self.late: list[str] | None = None
        """The queues where some holder has missed a beat; None before a look at all queues."""
        self.late_since = 0.0
        self.next_beat = self.next_look = 0.0
        self.shown = False
        self.filled: Callable[[], list[str]] = list
        """Tells the queues that hold something, whose names Redis may have lost."""

    def run(self) -> None:
        while not self.ending:
            try:
                self.go_round()
                pause = TICK if self.busy else self.patience()
            except Exception:
                logger.exception("the keeper of the leases failed, and goes on")
                pause = self.soon()  # what it was may last
            self.nudged.wait(pause)
            self.nudged.clear()
        self.say_goodbye()

    def go_round(self) -> None:
        """Do what it is time for."""
        now = time.monotonic()
        if now >= self.next_beat:
            self.next_beat = now + self.beat()
        elif now >= self.next_look and not self.listen({queue: [] for queue in self.late or ()}):
            self.next_beat = now + self.soon()
        if self.busy:
            self.tend()

    def patience(self) -> float:
        return max(0.0, min(self.next_beat, self.next_look) - time.monotonic())

    def serve(self, queues: tuple[str, ...]) -> None:
        """Told by the main thread: from now on look after these queues."""
        if queues != self.queues:
            self.queues, self.late, self.next_beat = queues, None, 0.0
            self.nudged.set()

    def watch(self, busy: bool) -> None:
        """Told by the main thread: jobs run in this process now, or none does any more."""
        if busy and not self.busy:
            self.nudged.set()
        self.busy = busy

    def end(self) -> None:
        """Stop, and take the worker's card away."""
        self.ending = True
        self.nudged.set()
        if self.ident is not None:  # it was started
            self.join(timeout=10.0)
        elif self.shown:
            self.say_goodbye()

    # Leases

    def greet(self) -> None:
        """A first sign of life: do all that a beat does, and raise what goes wrong; but of a
        cluster it is enough that one of the queues can be reached, and a queue with a wrong key
        only stands still, as the trips will tell."""
        missed: list[BrokerError] = []
        self.broker.heartbeat(self.hand.by_queue(self.queues), missed)
        said = self.show_card(self.broker.settings.lease)
        missed = [each for each in missed if not isinstance(each, WrongType)]
        refused = [each for each in (*missed, *said) if isinstance(each, BrokerError)]
        whole = not self.queues or len(missed) == len(self.queues)
        for error in refused:
            if is_permanent(error) or whole:
                raise error

    def beat(self) -> float:
        """Renew the leases; returns the seconds until the next time."""
        lease = self.broker.settings.lease
        missed: list[BrokerError] = []
        if not self.listen(self.hand.by_queue(self.queues), missed):
            return self.soon()
        try:
            wish = self.show_card(lease)[-1]
        except Exception as error:  # noqa: BLE001 - without this thread all leases would be lost
            logger.debug("not shown: %s", error)
            return self.soon()
        if self.late is None:  # there are other queues meanwhile
            return 0.0
        if self.heed(wish):
            return SOON
        return self.soon() if missed else lease / 3

    def awaits(self) -> bool:
        """Whether lost jobs may soon come back. Where workers are too busy to look closely, that
        may take very long: then nobody is to wait for it."""
        if self.late is None:
            return True
        lasting = time.monotonic() - self.late_since
        return bool(self.late) and lasting < AWAITED * self.broker.settings.lease

    def soon(self) -> float:
        """Seconds until a beat that failed is tried again."""
        return min(0.5, self.broker.settings.lease / 10)

    def listen(
        self, held: dict[str, list[Reservation]], missed: list[BrokerError] | None = None
    ) -> bool:
        """Renew these leases and look at these queues; again soon, if some holder is late."""
        missed = [] if missed is None else missed
        before, queues = self.late, self.queues
        try:
            lost, late = self.broker.heartbeat(held, missed)
        except Exception as error:  # noqa: BLE001 - without this thread all leases would be lost
            logger.debug("no heartbeat: %s", error)
            self.late, self.next_look = before or [], math.inf
            return False
        now, self.late = time.monotonic(), late if queues == self.queues else None
        self.next_look = now + CLOSELY * self.broker.settings.lease if self.late else math.inf
        if not before:
            self.late_since = now
        if lost or self.late != before:
            self.tell(lost)
        return True

    def heed(self, wish: object) -> bool:
        """Obey a wish that is new; by a signal, so that it is as if one had come."""
        if not isinstance(wish, bytes) or wish == self.wish:
            return False
        self.wish, number = wish, signal_of(wish)
        if number is not None:
            logger.info("told through Redis: %s", decode_text(wish).split(" ")[0])
            os.kill(os.getpid(), number)
        return number is not None

    def show_card(self, lease: float) -> list[Any]:
        """Say what this worker is; the last reply is what is wished of it."""
        keys, client = self.broker.keys, self.broker.worker_client
        key = keys.worker(self.card.id)
        _, (seconds, micros) = check_replies(client.calls([["EXISTS", key], ["TIME"]]))
        now = int(seconds) * 1000 + int(micros) // 1000
        self.shown = True
        self.note_filled(client)
        return client.calls(
            [
                ["HSET", key, *self.card.words()],
                ["PEXPIRE", key, round(lease * 1000)],
                ["ZADD", keys.workers(), now, self.card.id],
                ["ZREMRANGEBYSCORE", keys.workers(), "-inf", now - LISTED],
                ["HGET", key, "command"],
            ]
        )

    def note_filled(self, client: Client) -> None:
        """Put queues that hold something back on the list of queues, if Redis has lost that."""
        if not self.queues:
            return
        names = self.broker.keys.queues()
        [found] = client.calls([["SMISMEMBER", names, *self.queues]])
        if isinstance(found, BrokerError):
            return  # of a cluster, another node; else the rest will tell
        listed = {queue for queue, there in zip(self.queues, found, strict=True) if there}
        lost = [queue for queue in self.filled() if queue not in listed]
        if lost:
            client.calls([["SADD", names, *lost]])

    def say_goodbye(self) -> None:
        keys, client = self.broker.keys, self.broker.worker_client
        try:
            client.calls(
                [["DEL", keys.worker(self.card.id)], ["ZREM", keys.workers(), self.card.id]]
            )
        except BrokerError as error:
            logger.debug("no goodbye: %s", error)
        client.close()

    # Jobs in the worker's own process

    def tend(self) -> None:
        """Settle what has ended, and give back what waits behind a slow job."""
        self.unsettled += self.executor.take_overdue()
        if self.unsettled:
            self.settle()
        late = self.deadline is not None and time.monotonic() > self.deadline + MARGIN
        if late and self.executor.in_process:
            self.deadline = None
            self.give_all_back()

    def settle(self) -> None:
        for queue in {each.queue for each in self.unsettled}:
            mine = [each for each in self.unsettled if each.queue == queue]
            [answer], _ = self.broker.advance(
                self.card.id, [RoundTripRequest(queue, 0, settlements=mine)]
            )
            if isinstance(answer, BrokerError):
                continue
            self.hand.settled(mine, answer.refused)
            self.unsettled = [each for each in self.unsettled if each.queue != queue]

    def give_all_back(self) -> None:
        """The grace time is over and the main thread is still in a job: end the process, or what
        is not the worker's own process runs on until that job ends."""
        ended = [*self.unsettled, *self.executor.take_finished()]
        tokens = {each.token for each in ended}
        held = list(self.hand.held.values())
        unfinished = [each for each in held if each.token not in tokens]
        logger.warning("grace time over: %d unfinished jobs are put back", len(unfinished))
        self.unsettled = ended + [Settlement.of(each, "released") for each in unfinished[::-1]]
        self.settle()
        if self.leave is None:
            return
        if not self.unsettled:  # else Redis is away
            self.say_goodbye()
        end_children()
        self.leave(0)
