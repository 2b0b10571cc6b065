"""The state of a worker: it starts, runs, pauses, stops, and ends when its grace time is over."""

import signal
import time
from collections.abc import Callable
from typing import Literal

from ..process.signals import HANGUP, STOP_SIGNALS

LAST_TRY_SECONDS = 5.0
"""Seconds after the grace time for which a worker still tries to settle its jobs."""
ECHO_SECONDS = 1.0
"""Seconds within which a second TERM is taken for a copy of the first, under a supervisor: a
terminal sends INT to all processes, and the supervisor passes its own on."""

State = Literal["starting", "running", "paused", "stopping", "grace over"]
Reaction = Literal["continue", "exit", "stop"]
"""What the worker has to do after a signal."""


class Lifecycle:
    """Knows what the worker may do now, from the signals that it has received and from the clock.

    Only the main thread changes it, but for ``pause_all``. A signal handler may interrupt the main
    thread anywhere, so ``start`` and ``recycle`` never write a field that tells of a signal. The
    heartbeat thread calls ``pause_all``, and reads ``deadline`` and ``shown_state``.

    ``grace`` is in seconds. All times are seconds of ``clock``.
    """

    def __init__(
        self,
        grace: float = 25.0,
        *,
        supervised: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.grace, self.supervised, self.clock = grace, supervised, clock
        self.started = False
        self.paused = False
        self.all_paused = False
        """Whether everything is paused."""
        self.told_to_stop = False
        """Whether a signal has asked it to stop. A recycled worker stops without one."""
        self.stopped_at: float | None = None
        self.deadline: float | None = None
        """When running jobs are ended; None if they have as long as they need."""
        self.grace_over = False
        self.kill_requested = False

    @property
    def state(self) -> State:
        """The state of the worker. A recycled worker that is paused is ``paused``, not
        ``stopping``: it ends only after a resume, for its successor would not know of the pause.
        """
        if self.paused and not self.told_to_stop:
            return "paused"
        if self.stopped_at is not None:
            return "grace over" if self.grace_over else "stopping"
        if self.all_paused:
            return "paused"
        return "running" if self.started else "starting"

    @property
    def shown_state(self) -> str:
        """The state as ``buoy workers`` shows it: ``running``, ``paused`` or ``stopping``."""
        shown = {"starting": "running", "grace over": "stopping"}
        return shown.get(self.state, self.state)

    @property
    def stopping(self) -> bool:
        """Whether the worker will end."""
        return self.stopped_at is not None

    @property
    def takes_jobs(self) -> bool:
        """Whether the worker may reserve jobs."""
        return self.stopped_at is None and not self.paused and not self.all_paused

    # Changes

    def start(self) -> None:
        """The worker is connected, and serves its queues from now on."""
        self.started = True

    def pause_all(self, paused: bool) -> None:
        """Everything is paused, or is no longer; the heartbeat thread calls this."""
        self.all_paused = paused

    def recycle(self) -> None:
        """Stop, since a recycle limit is reached; running jobs have as long as they need. Does
        nothing if the worker stops already."""
        if self.stopped_at is None:
            self.stopped_at = self.clock()

    def receive(self, number: signal.Signals) -> Reaction:
        """Change the state by a signal. Returns ``exit`` if the worker has nothing to lose and may
        end at once, ``stop`` if it must begin no further job, else ``continue``."""
        now = self.clock()
        if number in (*STOP_SIGNALS, HANGUP):
            self.told_to_stop = True
        match number:
            case signal.SIGTERM | signal.SIGINT | signal.SIGQUIT if not self.started:
                return "exit"
            case signal.SIGTERM | signal.SIGINT if not self.is_echo(now):
                return self.stop(now, now + (self.grace if self.deadline is None else 0.0))
            case signal.SIGHUP if self.stopped_at is None:
                return self.stop(now, now + self.grace)
            case signal.SIGQUIT:
                return self.stop(now, None)
            case signal.SIGUSR1:
                self.kill_requested = True
            case signal.SIGUSR2 | signal.SIGCONT:
                self.paused = number == signal.SIGUSR2
        return "continue"

    def stop(self, now: float, deadline: float | None) -> Reaction:
        self.stopped_at, self.deadline = now, deadline
        return "stop"

    def is_echo(self, now: float) -> bool:
        """Whether a signal that was sent to all processes comes again, from the supervisor."""
        if not self.supervised or self.stopped_at is None or self.deadline is None:
            return False
        return now < self.stopped_at + ECHO_SECONDS

    def take_kill_request(self) -> bool:
        """Returns True once after each USR1: the running jobs are to be killed."""
        if not self.kill_requested:
            return False
        self.kill_requested = False
        return True

    def end_grace(self) -> bool:
        """Returns True once, when the grace time is over: the running jobs are to be ended."""
        if self.deadline is None or self.grace_over or self.clock() <= self.deadline:
            return False
        self.grace_over = True
        return True

    # Times

    def seconds_to_deadline(self) -> float:
        """Seconds until the grace time is over; infinite if it never is, or is over already."""
        if self.deadline is None or self.grace_over:
            return float("inf")
        return self.deadline - self.clock()

    def may_end(self, *, in_flight: bool, unsettled: bool) -> bool:
        """Whether a worker that stops may end now: when it has nothing more to do, or has tried
        for long enough. ``in_flight`` says whether it holds jobs, ``unsettled`` whether it still
        has something to tell Redis."""
        if self.stopped_at is None or self.state == "paused":
            return False
        if not in_flight and not unsettled:
            return True
        last = self.deadline if in_flight else self.stopped_at
        return last is not None and self.clock() > last + LAST_TRY_SECONDS
