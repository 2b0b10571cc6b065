"""The supervisor: keeps a number of workers alive, and is a well-behaved first process."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ..process.logs import Log
from ..process.signals import GONE, HEARD, STOPS, SignalPipe
from ..process.system import cause_of

logger = Log("buoy.supervisor")

YOUNG_SECONDS = 5.0
"""A worker that ends sooner than this has not worked: the next one waits before it starts."""
LONGEST_PAUSE = 30.0

WRONG = {1, 2}
"""Exit codes of a worker that says what is wrong with its app or its command line."""
AGAIN = 75
"""Exit code of a worker that has ended by itself and wants a successor."""


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
    """Starts workers, replaces those that die or have done enough, passes signals on.

    The first worker must have begun to serve before the others start: if it cannot, it says why,
    and that is the end. As the first process of a container it also buries the orphans that jobs
    leave behind.
    """

    command: Sequence[str]
    count: int
    clock: Callable[[], float] = time.monotonic
    signals: list[signal.Signals] = field(default_factory=list)
    proven: bool = False
    stopping: bool = False
    paused: bool = False
    code: int = 0
    places: list[Place] = field(default_factory=list)

    def run(self) -> int:
        """Supervise until all workers have ended for good; returns the exit code."""
        self.places = [Place(number) for number in range(1, self.count + 1)]
        self.news, self.tell = os.pipe()
        with SignalPipe(self.signals.append, also=[signal.SIGCHLD]) as wake:
            while not all(place.done for place in self.places):
                for place in self.vacant():
                    if place.not_before <= self.clock():
                        self.start(place)
                self.wait(wake)
                while self.signals:
                    self.obey(self.signals.pop(0))
                self.bury()
        os.close(self.news)
        os.close(self.tell)
        return self.code

    def vacant(self) -> list[Place]:
        """Where a worker is missing."""
        places = self.places if self.proven else self.places[:1]
        return [place for place in places if place.worker is None and not place.done]

    def wait(self, wake: SignalPipe) -> None:
        """Sleep until a signal comes, the first worker serves, or a pause is over."""
        pauses = [max(0.0, place.not_before - self.clock()) for place in self.vacant()]
        files = [wake.fileno(), self.news]
        readable, _, _ = select.select(files, [], [], min(pauses, default=None))
        wake.clear()
        if self.news in readable:
            self.proven = bool(os.read(self.news, 4096))

    # Workers

    def start(self, place: Place) -> None:
        """Start a worker, or try again later."""
        # Signals that come before the worker can hear them are kept for it; see SignalPipe.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        environment = os.environ | {"BUOY_SUPERVISOR": f"{os.getpid()} {self.tell}"}
        place.started_at = self.clock()
        try:
            place.worker = subprocess.Popen(self.command, env=environment, pass_fds=[self.tell])
        except OSError as error:  # no memory, no more processes
            self.postpone(place)
            logger.error("worker %d cannot be started: %s", place.number, error)
            return
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        logger.info("worker %d started: pid %d", place.number, place.worker.pid)
        if self.paused:
            self.send(signal.SIGUSR2, [place])

    def bury(self) -> None:
        """Take note of all processes that have ended, our workers among them."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                for place in self.places:
                    if place.worker is not None and place.worker.pid == pid:
                        place.worker.returncode = os.waitstatus_to_exitcode(status)
                        place.worker = None
                        self.vacate(place, status)

    def vacate(self, place: Place, status: int) -> None:
        """One that ends with 0 was told to, or has nothing left to do; all others are replaced."""
        code = os.waitstatus_to_exitcode(status)
        place.done = self.stopping or code == 0
        if code in WRONG and not self.proven:  # it has said why
            self.code = code
            self.stop()
        elif code == AGAIN:
            logger.info("worker %d has done enough", place.number)
        elif code != 0:
            logger.error("worker %d died: %s", place.number, cause_of(status))
            self.code = self.code or int(self.stopping)
            self.postpone(place)

    def postpone(self, place: Place) -> None:
        """One that dies young is replaced less and less often."""
        young = self.clock() - place.started_at < YOUNG_SECONDS
        place.failures = place.failures + 1 if young else 0
        pause = min(LONGEST_PAUSE, 0.5 * 2.0**place.failures) if young else 0.0
        place.not_before = self.clock() + pause

    # Signals

    def obey(self, number: signal.Signals) -> None:
        """Pass a signal on; a second stop, too."""
        if number == signal.SIGCHLD:
            return
        if number in (*STOPS, GONE):
            self.stop()
        elif number != signal.SIGUSR1:
            self.paused = number == signal.SIGUSR2
        self.send(number, self.places)

    def stop(self) -> None:
        """Start no more workers."""
        self.stopping = True
        for place in self.places:
            place.done = place.worker is None

    def send(self, number: signal.Signals, places: Sequence[Place]) -> None:
        # Not by Popen.send_signal(), which may bury the worker, and then nobody hears of its end.
        for place in places:
            if place.worker is not None:
                os.kill(place.worker.pid, number)
