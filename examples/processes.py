"""The processes of the demo, and a clean end after Ctrl-C."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from buoy import BuoyError

EXAMPLES = Path(__file__).resolve().parent
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 10.0

# The process's standard input is a pipe from the demo. When the demo ends, even by kill -9, the
# pipe closes, and a watcher beside the process kills the process. A line on the pipe ends the
# watcher. The child processes of a worker die with the worker.
WITH_WATCHER = 'exec 3<&0; (read -r line <&3 || kill -9 $$) & exec "$@" </dev/null 3<&-'


class DemoProcess:
    """``buoy worker`` or ``buoy scheduler`` in a process that ends with the demo."""

    def __init__(self, *arguments: str, out: IO[str], log: IO[str]) -> None:
        command = [sys.executable, "-m", "buoy", *arguments]
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", WITH_WATCHER, "sh", *command],
            cwd=EXAMPLES,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=log,
            # Ctrl-C in the terminal goes to the demo only, which then stops its processes.
            start_new_session=True,
        )
        self.pid = self.process.pid

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def stop(self) -> None:
        """Send TERM. Running jobs have the grace time to end, then they go back to their queues."""
        self.process.terminate()

    def end(self) -> None:
        self.stop()
        self.wait()

    def wait(self) -> None:
        """Wait for the end; after ``STOP_SECONDS`` kill the process."""
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.communicate(b"\n")


class ProcessGroup:
    """The workers and the scheduler of the demo. They are stopped at the end of the block."""

    def __init__(self) -> None:
        self.members: list[DemoProcess] = []

    def __enter__(self) -> "ProcessGroup":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.members:
            process.stop()
        for process in self.members:
            process.wait()


class InterruptibleStack(ExitStack):
    """Closes what the demo has opened, in reverse order, also after Ctrl-C."""

    interrupted = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed.

        Called where an exception is safe: one from a signal handler could come anywhere.
        """
        if self.interrupted:
            raise KeyboardInterrupt


@contextmanager
def without_signals() -> Iterator[None]:
    """Threads that are started in this block leave signals to the main thread."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def interruptible() -> Iterator[InterruptibleStack]:
    """Gives a stack whose ``check`` raises after Ctrl-C, TERM, or the end of the terminal."""
    signals = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    with InterruptibleStack() as stack:
        # Runs last: while Python itself ends, it would handle the signals again.
        stack.callback(signal.pthread_sigmask, signal.SIG_BLOCK, signals)

        def interrupt(number: int, frame: FrameType | None) -> None:
            stack.interrupted = True

        for number in signals:
            signal.signal(number, interrupt)
        try:
            yield stack
        except BuoyError:
            # Ctrl-C may have ended a process that had just been started.
            stack.check()
            raise
