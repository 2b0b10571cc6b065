"""The supervisor: keeps a number of workers alive, and reaps orphans as a first process must."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ..process.logs import Log
from ..process.signals import HANDLED, HANGUP, STOP_SIGNALS, SignalPipe
from ..process.system import exit_cause

logger = Log("buoy.supervisor")

MIN_LIFE_SECONDS = 5.0
"""A worker that ends sooner than this has not worked: the next one waits before it starts."""
LONGEST_PAUSE = 30.0
"""Seconds to wait before a worker is started again, at most."""

CONFIGURATION_EXITS = {1, 2}
"""Exit codes of a worker that has reported an error of its app or its command line."""
RECYCLE_EXIT = 75
"""Exit code of a worker that has reached a recycle limit and wants a successor."""


@dataclass
class ManagedWorker:
    """One of the workers that the supervisor keeps alive, with its present process, if any. Times
    are seconds of the supervisor's clock."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    not_before: float = 0.0
    failures: int = 0
    """How many processes in a row have ended too soon."""
    finished: bool = False
    """Whether no other process is to be started."""


@dataclass
class Supervisor:
    """Starts workers, replaces those that die or are recycled, and passes signals on.

    The first worker must have begun to serve before the others start: if it cannot, it reports
    the reason, and the supervisor ends. As the first process of a container it also reaps the
    orphans that jobs leave behind. ``command`` is the command line of one worker.
    """

    command: Sequence[str]
    count: int
    clock: Callable[[], float] = time.monotonic
    signals: list[signal.Signals] = field(default_factory=list)
    """Signals that have arrived and are not yet handled."""
    first_serves: bool = False
    stopping: bool = False
    paused: bool = False
    exit_code: int = 0
    workers: list[ManagedWorker] = field(default_factory=list)

    def run(self) -> int:
        """Supervise until all workers have ended for good; returns the exit code."""
        self.workers = [ManagedWorker(number) for number in range(1, self.count + 1)]
        serving, report_serving = os.pipe()
        with SignalPipe(self.signals.append, also=[signal.SIGCHLD]) as wake:
            while not all(worker.finished for worker in self.workers):
                for worker in self.missing():
                    if worker.not_before <= self.clock():
                        self.start(worker, report_serving)
                self.wait(wake, serving)
                while self.signals:
                    self.handle_signal(self.signals.pop(0))
                self.reap()
        os.close(serving)
        os.close(report_serving)
        return self.exit_code

    def missing(self) -> list[ManagedWorker]:
        """The workers that have no process and need one."""
        workers = self.workers if self.first_serves else self.workers[:1]
        return [each for each in workers if each.process is None and not each.finished]

    def wait(self, wake: SignalPipe, serving: int) -> None:
        """Sleep until a signal comes, the first worker serves, or a pause is over."""
        pauses = [max(0.0, each.not_before - self.clock()) for each in self.missing()]
        readable, _, _ = select.select([wake.fileno(), serving], [], [], min(pauses, default=None))
        wake.clear()
        if serving in readable:
            self.first_serves = bool(os.read(serving, 4096))

    # Workers

    def start(self, worker: ManagedWorker, report_serving: int) -> None:
        """Start the process of a worker, which writes to ``report_serving`` when it serves. If
        the system has no process or memory left, tries again later."""
        # Signals that come before the worker can hear them are kept for it; see SignalPipe.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        environment = os.environ | {"BUOY_SUPERVISOR": f"{os.getpid()} {report_serving}"}
        worker.started_at = self.clock()
        try:
            worker.process = subprocess.Popen(
                self.command, env=environment, pass_fds=[report_serving]
            )
        except OSError as error:
            self.postpone(worker)
            logger.error("worker %d cannot be started: %s", worker.number, error)
            return
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        logger.info("worker %d started: pid %d", worker.number, worker.process.pid)
        if self.paused:
            self.send_signal(signal.SIGUSR2, [worker])

    def reap(self) -> None:
        """Collect the exit status of all processes that have ended, workers among them."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                for worker in self.workers:
                    if worker.process is not None and worker.process.pid == pid:
                        worker.process.returncode = os.waitstatus_to_exitcode(status)
                        worker.process = None
                        self.handle_exit(worker, status)

    def handle_exit(self, worker: ManagedWorker, status: int) -> None:
        """Decide what follows the end of a worker's process. If it ended with 0, it was told to or
        has nothing left to do; in all other cases it is replaced."""
        code = os.waitstatus_to_exitcode(status)
        worker.finished = self.stopping or code == 0
        if code in CONFIGURATION_EXITS and not self.first_serves:  # it has reported the reason
            self.exit_code = code
            self.stop()
        elif code == RECYCLE_EXIT:
            logger.info("worker %d has reached a recycle limit", worker.number)
        elif code != 0:
            logger.error("worker %d died: %s", worker.number, exit_cause(status))
            self.exit_code = self.exit_code or int(self.stopping)
            self.postpone(worker)

    def postpone(self, worker: ManagedWorker) -> None:
        """Set the time of the next start: a worker that ends too soon again and again is started
        less and less often."""
        too_soon = self.clock() - worker.started_at < MIN_LIFE_SECONDS
        worker.failures = worker.failures + 1 if too_soon else 0
        pause = min(LONGEST_PAUSE, 0.5 * 2.0**worker.failures) if too_soon else 0.0
        worker.not_before = self.clock() + pause

    # Signals

    def handle_signal(self, number: signal.Signals) -> None:
        """Change the state by a signal, and pass it on to all workers; a second stop, too."""
        if number == signal.SIGCHLD:
            return
        if number in (*STOP_SIGNALS, HANGUP):
            self.stop()
        elif number != signal.SIGUSR1:
            self.paused = number == signal.SIGUSR2
        self.send_signal(number, self.workers)

    def stop(self) -> None:
        """Start no further worker."""
        self.stopping = True
        for worker in self.workers:
            worker.finished = worker.process is None

    def send_signal(self, number: signal.Signals, workers: Sequence[ManagedWorker]) -> None:
        """Send a signal to the processes of these workers."""
        # Not by Popen.send_signal(), which may reap the process, and then its end goes unnoticed.
        for worker in workers:
            if worker.process is not None:
                os.kill(worker.process.pid, number)
