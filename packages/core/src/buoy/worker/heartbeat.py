"""The heartbeat of a worker: a thread that renews its leases, whatever its main thread does."""

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from ..broker.broker import Broker
from ..broker.forwarding import forward
from ..broker.script_arguments import decode_text
from ..connection.startup import is_permanent
from ..errors import BrokerError, WrongType
from ..executor import Executor
from ..model.reservation import Reservation, RoundTripRequest, Settlement
from ..operations.failed_limits import enforce_failed_limits
from ..operations.lost_members import look_after_groups
from ..operations.worker_commands import signal_of
from ..process.logs import Log
from ..process.system import kill_children
from .in_flight import InFlight
from .pause_watch import PauseWatch
from .registration import WorkerRegistration

logger = Log("buoy.worker")

HOUSEKEEP_SECONDS = 0.02
"""Seconds between two looks at jobs that run in the worker's own process."""
DEADLINE_MARGIN = 0.1
"""Seconds after the grace time in which the main thread, if it is not in a job, settles itself."""
COMMAND_SECONDS = 0.2
"""Seconds after which a worker that has received a command publishes its new state."""
AWAITED_LEASES = 2.0
"""For how many leases a worker with ``--burst`` waits for lost jobs, at most."""
CLOSE_WATCH = 1 / 30
"""The part of a lease after which a queue is looked at again while a holder of a lease there has
missed a heartbeat."""


class Heartbeat(threading.Thread):
    """Renews the leases of all jobs in flight each third of a lease, and heals the queues.

    It also hands over what is due, looks after groups of jobs, publishes the worker's registration,
    receives worker commands, removes failed jobs beyond the limits, and settles jobs that an
    executor in this process cannot settle itself since it is busy with a job. All methods run in
    this thread, but those under "Called by the main thread".

    ``on_change(lost)`` is called in this thread with the jobs whose leases are lost, and also
    without any when a holder has begun or ceased to miss heartbeats. ``deadline`` returns when the
    grace time is over, by ``time.monotonic``, or None. ``nonempty_queues`` returns the queues that
    hold jobs. ``leave(code)`` ends this process when the grace time is over and a job in it still
    runs; without it the process continues.
    """

    def __init__(
        self,
        broker: Broker,
        executor: Executor,
        in_flight: InFlight,
        registration: WorkerRegistration,
        *,
        on_change: Callable[[list[Reservation]], None],
        pause_watch: PauseWatch | None = None,
        deadline: Callable[[], float | None] = lambda: None,
        nonempty_queues: Callable[[], list[str]] = list,
        leave: Callable[[int], object] | None = None,
    ) -> None:
        super().__init__(name="buoy-heartbeat", daemon=True)
        self.broker, self.executor = broker, executor
        self.in_flight, self.registration = in_flight, registration
        self.on_change, self.deadline = on_change, deadline
        self.pause_watch = pause_watch
        self.nonempty_queues, self.leave = nonempty_queues, leave
        self.queues: tuple[str, ...] = ()
        self.busy = False
        self.ending = False
        self.woken = threading.Event()
        self.last_command: bytes | None = None
        self.unsettled: list[Settlement] = []
        self.has_released = False
        self.late_queues: list[str] | None = None
        """The queues where a holder of a lease has missed a heartbeat; None before the first look
        at all queues."""
        self.late_since = 0.0
        self.handing_over = self.handed_over = False
        self.next_beat = self.next_look = 0.0

    # Called by the main thread

    def first_beat(self) -> None:
        """Do all that a heartbeat does, before the thread is started.

        Raises BrokerError if Redis cannot be used. In a cluster it is enough that one of the queues
        can be reached. A queue with a key of a wrong type is no reason to raise: only that
        queue is blocked, and the round trips will log it.
        """
        missed: list[BrokerError] = []
        self.broker.heartbeat(self.in_flight.by_queue(self.queues), missed)
        self.restore_queue_names()
        enforce_failed_limits(self.broker, self.queues)
        self.look_for_pause()
        replies = self.registration.publish()
        missed = [each for each in missed if not isinstance(each, WrongType)]
        errors = [each for each in (*missed, *replies) if isinstance(each, BrokerError)]
        whole = not self.queues or len(missed) == len(self.queues)
        for error in errors:
            if is_permanent(error) or whole:
                raise error

    def serve(self, queues: tuple[str, ...]) -> None:
        """Look after these queues from now on."""
        if queues != self.queues:
            self.queues, self.late_queues, self.next_beat = queues, None, 0.0
            self.woken.set()

    def set_busy(self, busy: bool) -> None:
        """Set whether jobs run in this process now: this thread must then watch them."""
        if busy and not self.busy:
            self.woken.set()
        self.busy = busy

    def expects_lost_jobs(self) -> bool:
        """Whether jobs of a dead worker may soon come back. False after AWAITED_LEASES: where
        workers are too busy to look closely, that may take very long."""
        if self.late_queues is None:
            return True
        seconds = time.monotonic() - self.late_since
        return bool(self.late_queues) and seconds < AWAITED_LEASES * self.broker.settings.lease

    def has_handed_over(self) -> bool:
        """Whether it hands jobs over to other queues, or has done so since the last call: what the
        main thread knows of these queues may be older."""
        handing_over = self.handing_over
        handed_over, self.handed_over = self.handed_over, False
        return handing_over or handed_over

    def end(self) -> None:
        """Stop the thread, and withdraw the registration. Returns after 10 seconds at most."""
        self.ending = True
        self.woken.set()
        if self.ident is not None:  # it was started
            self.join(timeout=10.0)
        elif self.registration.published:
            self.sign_off()

    # The thread

    def run(self) -> None:
        while not self.ending:
            try:
                self.run_once()
                pause = HOUSEKEEP_SECONDS if self.busy else self.seconds_to_next()
            except Exception:
                logger.exception("the heartbeat failed, and is tried again")
                pause = self.retry_seconds()  # the cause may persist
            self.woken.wait(pause)
            self.woken.clear()
        self.sign_off()

    def run_once(self) -> None:
        """Do all that is due now."""
        now = time.monotonic()
        if now >= self.next_beat:
            self.next_beat = now + self.beat()
        elif now >= self.next_look and not self.renew({q: [] for q in self.late_queues or ()}):
            self.next_beat = now + self.retry_seconds()
        self.look_for_pause()
        if self.busy:
            self.housekeep()

    def seconds_to_next(self) -> float:
        """Seconds until the next heartbeat or look."""
        seconds = min(self.next_beat, self.next_look) - time.monotonic()
        pause = self.pause_watch
        return max(0.0, seconds if pause is None else min(seconds, pause.seconds_to_next()))

    def look_for_pause(self) -> None:
        """Look whether everything is paused; if that changed, publish the new state at once."""
        if self.pause_watch is not None and self.pause_watch.look_if_due():
            self.next_beat = 0.0

    def retry_seconds(self) -> float:
        """Seconds after which a heartbeat that failed is tried again."""
        return min(0.5, self.broker.settings.lease / 10)

    # Leases

    def beat(self) -> float:
        """Renew all leases, publish the registration, and apply a worker command. Returns the
        seconds until the next heartbeat."""
        missed: list[BrokerError] = []
        if not self.renew(self.in_flight.by_queue(self.queues), missed):
            return self.retry_seconds()
        try:
            self.restore_queue_names()
            command = self.registration.publish()[-1]
        except Exception as error:  # noqa: BLE001 - without this thread all leases would be lost
            logger.debug("the registration was not published: %s", error)
            return self.retry_seconds()
        enforce_failed_limits(self.broker, self.queues)
        if self.late_queues is None:  # the queues have changed meanwhile
            return 0.0
        if self.apply_command(command):
            return COMMAND_SECONDS
        return self.retry_seconds() if missed else self.broker.settings.lease / 3

    def renew(
        self,
        reservations: Mapping[str, Sequence[Reservation]],
        missed: list[BrokerError] | None = None,
    ) -> bool:
        """Renew the leases of these jobs, by queue, and heal these queues. Returns False if Redis
        could not be reached; errors of single queues are added to ``missed``."""
        missed = [] if missed is None else missed
        before, queues = self.late_queues, self.queues
        try:
            reply = self.broker.heartbeat(reservations, missed)
            for queue in reply.handing_over:
                self.hand_over(queue)
            for queue, ids in reply.unseen.items():
                look_after_groups(self.broker, queue, ids)
        except Exception as error:  # noqa: BLE001 - without this thread all leases would be lost
            logger.debug("no heartbeat: %s", error)
            self.late_queues, self.next_look = before or [], math.inf
            return False
        now, self.late_queues = time.monotonic(), reply.late if queues == self.queues else None
        watch = CLOSE_WATCH * self.broker.settings.lease
        self.next_look = now + watch if self.late_queues else math.inf
        if not before:
            self.late_since = now
        if reply.lost or self.late_queues != before:
            self.on_change(reply.lost)
        return True

    def hand_over(self, queue: str) -> None:
        """Hand over the jobs that ended jobs of this queue have enqueued in other queues."""
        self.handing_over = True
        try:
            forward(self.broker, queue)
        finally:
            self.handed_over = True  # before the other one ends: the main thread must see either
            self.handing_over = False

    def apply_command(self, command: object) -> bool:
        """Obey a worker command that is new: send this process the signal of the command. Returns
        whether it did. A value that is not bytes is no command."""
        if not isinstance(command, bytes) or command == self.last_command:
            return False
        self.last_command, number = command, signal_of(command)
        if number is not None:
            logger.info("received worker command: %s", decode_text(command).split(" ")[0])
            os.kill(os.getpid(), number)
        return number is not None

    def restore_queue_names(self) -> None:
        """Put queues that hold jobs back on the list of queues, if Redis has lost that. Raises
        BrokerError if Redis cannot be reached."""
        if not self.queues:
            return
        names, client = self.broker.keys.queues(), self.broker.worker_client
        [found] = client.calls([["SMISMEMBER", names, *self.queues]])
        if isinstance(found, BrokerError):
            return  # in a cluster, the node of this key is away; else other calls will fail, too
        listed = {queue for queue, there in zip(self.queues, found, strict=True) if there}
        lost = [queue for queue in self.nonempty_queues() if queue not in listed]
        if lost:
            client.calls([["SADD", names, *lost]])

    def sign_off(self) -> None:
        """Withdraw the registration, and close this thread's connections."""
        try:
            self.registration.withdraw()
        except BrokerError as error:
            logger.debug("the registration was not withdrawn: %s", error)
        self.broker.worker_client.close()

    # Jobs in the worker's own process

    def housekeep(self) -> None:
        """Settle jobs that have ended while the main thread is in a job, and release the jobs that
        wait behind that job. After the grace time, release all jobs."""
        self.unsettled += self.executor.take_overdue()
        if self.unsettled:
            self.settle()
        if not self.has_released and self.executor.in_process and self.is_past_deadline():
            self.has_released = True
            self.release_all()

    def is_past_deadline(self) -> bool:
        """Whether the grace time is over, and the time that the executor needs to end jobs."""
        deadline = self.deadline()
        if deadline is None:
            return False
        return time.monotonic() > deadline + self.executor.shutdown_seconds + DEADLINE_MARGIN

    def settle(self) -> None:
        """Send the outstanding settlements. Those that Redis does not answer stay outstanding."""
        for queue in {each.queue for each in self.unsettled}:
            mine = [each for each in self.unsettled if each.queue == queue]
            request = RoundTripRequest(queue, 0, settlements=mine)
            [answer], _ = self.broker.advance(self.registration.id, [request])
            if isinstance(answer, BrokerError):
                continue
            self.in_flight.settle(mine, answer.refused)
            self.unsettled = [each for each in self.unsettled if each.queue != queue]
            if answer.handovers:
                self.hand_over(queue)

    def release_all(self) -> None:
        """The grace time is over and the main thread is still in a job: release all jobs, and
        end this process, because otherwise that job would continue."""
        ended = {each.token: each for each in (*self.unsettled, *self.executor.take_finished())}
        ended |= self.in_flight.ended  # the main thread may have sent some of these: no matter
        unfinished = [each for each in self.in_flight.all() if each.token not in ended]
        logger.warning("grace time over: %d unfinished jobs are released", len(unfinished))
        self.unsettled = [*ended.values()] + [
            Settlement.of(each, "released", seconds=0.0) for each in unfinished[::-1]
        ]
        self.settle()
        if self.leave is None:
            return
        if not self.unsettled:  # else Redis is away
            self.sign_off()
        self.executor.leave()
        kill_children()
        self.leave(0)
