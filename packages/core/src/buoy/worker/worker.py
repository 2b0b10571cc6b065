"""The worker: reserves jobs, has an executor run them, settles them, and waits for more."""

import math
import os
import select
import signal
from collections import Counter, deque
from collections.abc import Callable, Sequence

from ..broker.broker import Broker
from ..connection.startup import wait_for_redis
from ..executor import Executor
from ..jobs.run_log import reservation_fields
from ..model.queue_list import QueueList
from ..model.reservation import Reservation, Settlement
from ..process.logs import Log, enable_loggers
from ..process.signals import SignalPipe
from ..process.titles import set_title
from .heartbeat import Heartbeat
from .in_flight import InFlight
from .lifecycle import Lifecycle
from .pause_watch import PauseWatch
from .queue_selection import POLL_SECONDS, QueueSelector
from .recycling import RecycleLimits
from .registration import WorkerRegistration, worker_id
from .round_trips import RoundTrips
from .served_queues import ServedQueues
from .wakeup import wakeup_for

logger = Log("buoy.worker")


class Worker:
    """Takes jobs from queues and has an executor run them, until it is told to stop.

    The executor must have been started. ``grace`` is in seconds. With ``burst`` the worker ends
    when there is nothing to do. ``supervisor`` is a file descriptor to write to when the worker
    begins to serve. ``leave(code)`` ends this process when the grace time is over and a job in it
    still runs; without it that job is released, but the worker ends only after it.

    All methods run in the main thread, but ``on_leases_changed`` and ``on_all_paused``.
    """

    def __init__(
        self,
        broker: Broker,
        executor: Executor,
        queues: QueueList,
        *,
        grace: float = 25.0,
        burst: bool = False,
        recycle_limits: RecycleLimits | None = None,
        supervisor: int | None = None,
        leave: Callable[[int], object] | None = None,
    ) -> None:
        self.broker, self.executor, self.queues = broker, executor, queues
        self.burst, self.supervisor = burst, supervisor
        self.recycle_limits = recycle_limits or RecycleLimits()
        self.id = worker_id()
        self.lifecycle = Lifecycle(grace, supervised=supervisor is not None)
        self.in_flight = InFlight()
        self.selector = QueueSelector()
        self.wakeup = wakeup_for(broker.settings.url, broker.keys)
        self.round_trips = RoundTrips(
            broker,
            self.id,
            self.in_flight,
            self.selector,
            poll_seconds=lambda: self.wakeup.poll_seconds,
        )
        self.registration = WorkerRegistration(
            broker,
            self.id,
            queues=str(queues),
            executor=executor.name,
            slots=executor.slots,
            state=lambda: self.lifecycle.shown_state,
            counts=self.in_flight.counts.copy,
        )
        self.heartbeat = Heartbeat(
            broker,
            executor,
            self.in_flight,
            self.registration,
            on_change=self.on_leases_changed,
            pause_watch=PauseWatch(broker, self.on_all_paused),
            deadline=lambda: self.lifecycle.deadline,
            nonempty_queues=self.selector.nonempty_queues,
            leave=leave,
        )
        self.signals = SignalPipe(self.on_signal)
        self.lost: deque[Reservation] = deque()
        self.served_queues = ServedQueues(
            broker,
            queues,
            self.selector,
            on_read=self.heartbeat.serve,
            clock=self.lifecycle.clock,
        )
        self.job_ended_at = float("-inf")
        self.awaiting_lost_jobs = False

    def run(self) -> None:
        """Work until a signal says stop, or with ``burst`` until there is nothing to do."""
        enable_loggers()
        with self.signals:
            try:
                wait_for_redis(self.connect, self.broker.settings.url, self.rest_at_start)
                self.start_serving()
                logger.info("worker %s serves %s with %s", self.id, self.queues, self.executor.name)
                self.served_queues.refresh()
                self.heartbeat.start()
                self.work()
            finally:
                self.close()
        logger.info("worker %s ends: %s", self.id, format_counts(self.in_flight.counts))

    def connect(self) -> None:
        """Find out which queues there are, and publish this worker. Raises BrokerError if Redis
        cannot be used."""
        self.served_queues.read()
        self.heartbeat.first_beat()

    def rest_at_start(self, seconds: float) -> None:
        """Sleep before the next try to connect; end if a signal says stop meanwhile."""
        wait_readable([self.signals.fileno()], seconds)
        self.signals.clear()
        self.exit_if_told()

    def exit_if_told(self) -> None:
        """End if a signal has said stop: the code that it interrupted may have caught its
        SystemExit, as the log does."""
        if self.lifecycle.told_to_stop:
            raise SystemExit(0)

    def start_serving(self) -> None:
        """From now on the worker ends in order; its supervisor may start others."""
        self.exit_if_told()
        self.lifecycle.start()
        if self.supervisor is not None:
            os.write(self.supervisor, b"\0")
            os.close(self.supervisor)

    def work(self) -> None:
        """The main loop."""
        while not self.is_over():
            self.served_queues.refresh()
            if self.round_trips.has_work(self.jobs_wanted()):
                self.start_jobs(self.round_trips.run_once(self.jobs_wanted()))
            else:
                self.rest()
            self.collect()
            self.recycle_if_due()

    def is_over(self) -> bool:
        """Whether the worker has nothing left to do, or no time left for it."""
        trips = self.round_trips
        if self.lifecycle.stopping:
            return self.lifecycle.may_end(
                in_flight=len(self.in_flight) > 0, unsettled=trips.must_finish
            )
        if not self.burst or self.in_flight or trips.must_finish or trips.wakeups_to_pass_on:
            return False
        if self.lifecycle.all_paused:
            return True
        handed_over = self.heartbeat.has_handed_over()
        if handed_over or not self.selector.has_seen_all_since(self.job_ended_at):
            self.selector.expire()  # jobs may have been enqueued since
        if self.selector.is_older_than(POLL_SECONDS) or self.selector.choose() is not None:
            return False
        return not self.awaits_lost_jobs()

    def awaits_lost_jobs(self) -> bool:
        """Whether jobs may soon come back from a holder that has missed a heartbeat. When that is
        over, the worker looks once more at its queues."""
        before = self.awaiting_lost_jobs
        self.awaiting_lost_jobs = self.heartbeat.expects_lost_jobs()
        if before and not self.awaiting_lost_jobs:
            self.selector.expire()
        return before or self.awaiting_lost_jobs

    def recycle_if_due(self) -> None:
        """Stop if a recycle limit is reached, so that another worker replaces this one."""
        if not self.lifecycle.takes_jobs:
            return
        reason = self.recycle_limits.reason_to_end(self.in_flight.runs())
        if reason is not None:
            logger.info("worker %s stops: %s", self.id, reason)
            self.lifecycle.recycle()
            self.begin_stop()

    def close(self) -> None:
        """End the executor, the heartbeat and all connections."""
        try:
            self.executor.close()
        except BaseException:
            logger.exception("the app's hook worker_stopping failed")
        finally:
            self.heartbeat.end()
            self.wakeup.close()
            self.broker.client.close()

    def on_signal(self, number: signal.Signals) -> None:
        """The signal handler: it may interrupt the main thread anywhere. Raises SystemExit if the
        worker has not begun to serve."""
        match self.lifecycle.receive(number):
            case "exit":
                raise SystemExit(0)
            case "stop":
                self.begin_stop()

    def begin_stop(self) -> None:
        """Give back what has not begun, and let running jobs know that they may go on elsewhere."""
        self.executor.begin_stop()
        self.executor.release_waiting()

    # Jobs

    def jobs_wanted(self) -> int:
        """How many jobs to reserve now: 0 while the worker stops or pauses, or has no free slot."""
        if not self.round_trips.may_reserve() or not self.lifecycle.takes_jobs:
            return 0
        begun = self.in_flight.runs() + len(self.in_flight)
        return min(self.executor.capacity(), self.recycle_limits.remaining_jobs(begun))

    def start_jobs(self, taken: list[Reservation]) -> None:
        """Run the jobs that were just reserved. If the worker has begun to stop meanwhile, put
        them back, the last first."""
        self.wakeup.adapt(bool(taken))
        self.lose(self.in_flight.earlier_runs(taken))
        if self.lifecycle.stopping:
            self.round_trips.settle([Settlement.of(each, "released") for each in reversed(taken)])
        elif taken:
            slots = self.executor.slots
            set_title(f"worker: {len(self.in_flight)} of {slots} jobs from {self.queues}")
            self.heartbeat.set_busy(self.executor.needs_watching)
            self.executor.start_jobs(taken)

    def collect(self) -> None:
        """Collect the outcomes of jobs, and handle lost leases, kill requests and the end of the
        grace time."""
        # Not in the signal handler: it may have interrupted a call of the executor.
        if self.lifecycle.take_kill_request():
            self.executor.kill()
        if finished := self.executor.take_finished():
            self.round_trips.settle(finished)
            self.job_ended_at = self.selector.clock()
        if self.lost:
            lost = [self.lost.popleft() for _ in range(len(self.lost))]
            ours = self.in_flight.tokens() - self.round_trips.unanswered_tokens()
            self.lose([each for each in lost if each.token in ours])
        if self.lifecycle.end_grace():
            self.executor.terminate()

    def on_leases_changed(self, lost: list[Reservation]) -> None:
        """Called by the heartbeat thread: the leases of these jobs are lost, or a holder has begun
        or ceased to miss heartbeats. Wakes the main thread."""
        self.lost.extend(lost)
        self.signals.notify()

    def on_all_paused(self, paused: bool) -> None:
        """Called by the heartbeat thread: everything is paused, or resumed. Wakes the main
        thread."""
        self.lifecycle.pause_all(paused)
        self.signals.notify()

    def lose(self, lost: Sequence[Reservation]) -> None:
        """End these runs: other workers may have the jobs, or this worker has reserved them
        again."""
        if not lost:
            return
        for each in lost:
            message = (
                "lost the lease of id=%s queue=%s token=%s: the job was cancelled, or this worker "
                "was not heard for a whole lease"
            )
            fields = reservation_fields(each, "lost")
            logger.warning(message, each.id, each.queue, each.token, extra=fields)
        self.executor.abandon(lost)
        self.in_flight.remove(lost)
        self.round_trips.discard(lost)

    # Waiting

    def rest(self) -> None:
        """Sleep until a job ends, a wakeup or a signal comes, or something is due."""
        self.signals.wake_on_signals()
        self.heartbeat.set_busy(bool(self.in_flight) and self.executor.needs_watching)
        outages = self.round_trips.outages
        if self.jobs_wanted() > 0:
            self.wakeup.listen(outages.with_wakeups(self.selector.queues))
        if not self.in_flight:
            set_title(f"worker: waits for {self.queues}")
        wakeups = self.wakeup.files()
        files = [*wakeups, *self.executor.files(), self.signals.fileno()]
        readable = wait_readable(files, self.seconds_to_rest())
        if self.signals.fileno() in readable:
            self.signals.clear()
        if wakeups and wakeups[0] in readable:
            self.read_wakeup()

    def read_wakeup(self) -> None:
        """Read the wakeup that came. A worker that wants no jobs passes it on to another."""
        queue = self.wakeup.read()
        if queue is None:
            return
        self.selector.expect_jobs(queue)
        if self.jobs_wanted() == 0:
            self.round_trips.pass_wakeup_on(queue)

    def seconds_to_rest(self) -> float:
        """Seconds until the next thing to do that the worker knows of."""
        trips = self.round_trips
        waits = [
            POLL_SECONDS,
            self.executor.seconds_until_due(),
            self.lifecycle.seconds_to_deadline(),
        ]
        if self.jobs_wanted() > 0:
            waits.append(self.selector.seconds_to_next(trips.unreachable))
            waits.append(trips.seconds_to_next_look())
            if self.selector.queues and not trips.outages.queues():
                waits.append(self.wakeup.seconds_to_listen())
        waits.append(trips.outages.seconds_to_next_try())
        return max(0.0, min(waits))


def wait_readable(files: Sequence[int], seconds: float) -> set[int]:
    """Wait until one of the files is readable, at most ``seconds``; returns the readable files.

    Uses poll(), because select() takes no file descriptor above 1023, and an app may have more
    files open.
    """
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    return {file for file, _ in poll.poll(math.ceil(seconds * 1000))}


def format_counts(counts: Counter[str]) -> str:
    """The counts as text, as in "5 done, 1 failed"; "no jobs" if there are none."""
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "no jobs"
