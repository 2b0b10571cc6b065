"""The supervisor: keeps a number of workers alive, and is a well-behaved first process."""

import logging
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .process import cause_of
from .signals import Wake

logger = logging.getLogger("buoy.supervisor")

YOUNG_SECONDS = 5.0
"""A worker that ends sooner than this has not worked: the next one waits before it starts."""
LONGEST_PAUSE = 30.0

PASSED_ON = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT}


@dataclass
class Place:
    """One of the places for a worker, and who is there."""

    number: int
    worker: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    not_before: float = 0.0
    failures: int = 0
    done: bool = False


@dataclass
class Supervisor:
    """Starts workers, replaces those that end, passes signals on.

    As the first process of a container it also buries the orphans that jobs leave behind.
    """

    command: Sequence[str]
    count: int
    burst: bool = False
    clock: Callable[[], float] = time.monotonic
    stopping: bool = False
    code: int = 0
    places: list[Place] = field(default_factory=list)

    def run(self) -> int:
        """Supervise until all workers have ended for good; returns the exit code."""
        self.places = [Place(number) for number in range(self.count)]
        with Wake(self.on_signal, also=[signal.SIGCHLD]) as wake:
            while not all(place.done for place in self.places):
                for place in self.places:
                    self.fill(place)
                select.select([wake.fileno()], [], [], self.patience())
                wake.clear()
                self.bury()
        return self.code

    def fill(self, place: Place) -> None:
        """Start a worker where there is none and should be one."""
        if place.worker is not None or place.done or self.clock() < place.not_before:
            return
        if self.stopping:
            place.done = True
            return
        environment = os.environ | {"BUOY_SUPERVISOR": str(os.getpid())}
        place.worker = subprocess.Popen(self.command, env=environment)
        place.started_at = self.clock()
        logger.info("worker %d started: pid %d", place.number, place.worker.pid)

    def bury(self) -> None:
        """Take note of all processes that have ended, our workers among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for place in self.places:
                if place.worker is not None and place.worker.pid == pid:
                    self.vacate(place, status)

    def vacate(self, place: Place, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        if place.worker is not None:
            place.worker.returncode = code
        place.worker = None
        if self.stopping or (code == 0 and self.burst):
            place.done = True
            self.code = self.code or int(code != 0)
        elif self.clock() - place.started_at >= YOUNG_SECONDS or code == 0:
            place.failures, place.not_before = 0, self.clock()
        else:
            self.postpone(place, code)
        if code != 0:
            logger.error("worker %d ended: %s", place.number, cause_of(status))

    def postpone(self, place: Place, code: int) -> None:
        """A worker that cannot even start is tried again, less and less often; but one that says
        that its command line or its app is wrong ends the whole."""
        place.failures += 1
        place.not_before = self.clock() + min(LONGEST_PAUSE, 0.5 * 2**place.failures)
        if code in (1, 2) and place.failures == 1 and not self.has_worked():
            self.code = code
            self.stop(signal.SIGTERM)

    def has_worked(self) -> bool:
        return any(
            place.worker is not None and self.clock() - place.started_at >= YOUNG_SECONDS
            for place in self.places
        )

    def patience(self) -> float | None:
        waiting = [
            place.not_before for place in self.places if place.worker is None and not place.done
        ]
        return max(0.0, min(waiting) - self.clock()) if waiting else None

    def on_signal(self, number: signal.Signals) -> None:
        if number in PASSED_ON:
            self.send(number)
        elif number != signal.SIGCHLD:
            self.stop(number)

    def stop(self, number: signal.Signals) -> None:
        """Let all workers end, as the signal says; a second one is passed on as well."""
        self.stopping = True
        self.send(number)

    def send(self, number: signal.Signals) -> None:
        for place in self.places:
            if place.worker is not None:
                place.worker.send_signal(number)
