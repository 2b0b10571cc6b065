"""For development: runs programs, and starts them again when a source file changes."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ..process.logs import Log
from ..process.signals import HANGUP, STOP_SIGNALS, SignalPipe
from ..process.system import exit_cause
from ..text.printable import one_line
from .source_files import SourceFiles
from .supervisor import RECYCLE_EXIT

logger = Log("buoy.reload")

POLL_SECONDS = 0.5
"""Seconds between two looks at the files, at least."""
POLL_SHARE = 20
"""How many times longer than a look the pause after it is, at least."""
STOPS_BEFORE_KILL = 3
"""Which signal that says stop kills what still runs."""


@dataclass
class Program:
    """A program that is started again and again. ``name`` is for log lines."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    starts_again: bool = True
    """Whether to start it when it has no process."""
    finished: bool = False
    """Whether it ended with 0 by itself, and is not started again."""


Start = Callable[[Program], subprocess.Popen[bytes]]


def start_supervised(program: Program) -> subprocess.Popen[bytes]:
    """Start a worker as a supervisor does: it stops when this process dies, and does not take the
    Ctrl-C that a terminal sends to both of them for two."""
    nowhere = os.open(os.devnull, os.O_WRONLY)  # nobody waits for it to serve
    supervised = {"BUOY_SUPERVISOR": f"{os.getpid()} {nowhere}"}
    environment = {**os.environ, **program.environment, **supervised}
    try:
        return subprocess.Popen(program.command, env=environment, pass_fds=[nowhere])
    finally:
        os.close(nowhere)


class Reloader:
    """Runs programs until they have ended by themselves, or a signal says stop.

    When a source file changes, the programs are told to stop, and are started again when they have
    ended. A program that ends with an error waits for the next change. ``start`` starts a process,
    ``tell`` tells what happens. As the first process of a container this also reaps orphans.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        start: Start,
        tell: Callable[[str], object] = logger.info,
        files: SourceFiles | None = None,
    ) -> None:
        self.programs, self.start_process, self.tell = programs, start, tell
        self.files = files or SourceFiles()
        self.signals: list[signal.Signals] = []
        self.stops = 0
        self.next_look = 0.0

    def run(self) -> int:
        """Run all programs to their end; returns the exit code: 0 unless one failed at the end."""
        failed = False
        with SignalPipe(self.signals.append, also=[signal.SIGCHLD]) as wake:
            while not self.is_over():
                self.start_missing()
                select.select([wake.fileno()], [], [], self.seconds_to_look())
                wake.clear()
                while self.signals:
                    self.handle_signal(self.signals.pop(0))
                failed |= self.reap()
                self.look()
        return int(failed)

    def is_over(self) -> bool:
        """Whether no process runs and none will be started."""
        if any(each.process for each in self.programs):
            return False
        return self.stops > 0 or all(each.finished for each in self.programs)

    def start_missing(self) -> None:
        """Start each program that has no process and should have one."""
        for each in self.programs:
            if each.process is None and each.starts_again and not self.stops:
                each.starts_again = False
                try:
                    each.process = self.start_process(each)
                except OSError as error:
                    self.tell(f"{each.name} cannot be started: {error}; waiting for a change")

    # Changes

    def seconds_to_look(self) -> float:
        return max(0.0, self.next_look - time.monotonic())

    def look(self) -> None:
        """Look at the files when it is time, and start again what a change concerns."""
        started = time.monotonic()
        if started < self.next_look or self.stops:
            return
        changed = self.files.changed()
        now = time.monotonic()
        self.next_look = now + max(POLL_SECONDS, POLL_SHARE * (now - started))
        if changed is not None:
            self.restart(os.path.relpath(changed))

    def restart(self, path: str) -> None:
        """Tell all programs to stop, so that they start again."""
        when = (
            " when running jobs have ended" if any(each.process for each in self.programs) else ""
        )
        self.tell(f"{one_line(path)} has changed: starting again{when}")
        for each in self.programs:
            if not each.starts_again:  # a second signal would end the running jobs at once
                self.send_signal(each, signal.SIGTERM)
            each.starts_again, each.finished = True, False

    # Ends

    def reap(self) -> bool:
        """Collect the processes that have ended; returns whether one failed while all stop."""
        failed = False
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                for each in self.programs:
                    if each.process is not None and each.process.pid == ended[0]:
                        each.process.returncode = os.waitstatus_to_exitcode(ended[1])
                        failed |= self.stops > 0 and each.process.returncode > 0
                        each.process = None
                        self.handle_exit(each, ended[1])
        return failed

    def handle_exit(self, program: Program, status: int) -> None:
        """Decide what follows the end of a process."""
        code = os.waitstatus_to_exitcode(status)
        if self.stops or program.starts_again:
            return
        if code == RECYCLE_EXIT:
            program.starts_again = True
        elif code == 0:
            program.finished = True
        else:
            how = f"exit {code}" if code > 0 else exit_cause(status)
            self.tell(f"{program.name} has ended ({how}): waiting for a change")

    # Signals

    def handle_signal(self, number: signal.Signals) -> None:
        """Pass a signal on to all programs, and start none after one that says stop."""
        if number == signal.SIGCHLD:
            return
        if number in (*STOP_SIGNALS, HANGUP):
            self.stops += 1
            if self.stops == 1 and any(each.process for each in self.programs):
                self.tell("stopping; a second Ctrl-C ends the running jobs at once")
            if self.stops >= STOPS_BEFORE_KILL:
                number = signal.SIGKILL
            elif number == signal.SIGINT:  # servers of others end with an error by it
                number = signal.SIGTERM
        for each in self.programs:
            self.send_signal(each, number)

    def send_signal(self, program: Program, number: signal.Signals) -> None:
        # Not by Popen.send_signal(), which may reap the process, and then its end goes unnoticed.
        if program.process is not None:
            with suppress(ProcessLookupError):
                os.kill(program.process.pid, number)
