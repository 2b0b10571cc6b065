"""What the demo needs behind the scene: processes that end with it, and an end in good order."""

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

# The process's standard input is a pipe from the demo. It closes when the demo is gone, be it by
# kill -9; a watcher beside the process sees that, and kills it. A line on the pipe sends the
# watcher home. A worker's own processes die with the worker.
WATCHED = 'exec 3<&0; (read -r line <&3 || kill -9 $$) & exec "$@" </dev/null 3<&-'


class Watched:
    """``buoy worker`` or ``buoy scheduler`` in a process of its own."""

    def __init__(self, *arguments: str, out: IO[str], log: IO[str]) -> None:
        command = [sys.executable, "-m", "buoy", *arguments]
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, "sh", *command],
            cwd=EXAMPLES,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=log,
            # Ctrl-C in the terminal is for the demo, which then stops its crew.
            start_new_session=True,
        )
        self.pid = self.process.pid

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def stop(self) -> None:
        """Send TERM: running jobs get the grace time, then they are put back."""
        self.process.terminate()

    def end(self) -> None:
        self.stop()
        self.wait()

    def wait(self) -> None:
        """Wait for the end, and force it if need be."""
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.communicate(b"\n")


class Crew:
    """The workers of the demo, and its scheduler."""

    def __init__(self) -> None:
        self.members: list[Watched] = []

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.members:
            process.stop()
        for process in self.members:
            process.wait()


class Stage(ExitStack):
    """What is entered ends in order, whatever ends the demo."""

    interrupted = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if somebody has asked for the end.

        Called where it is a good moment: an exception out of a signal handler would come at any.
        """
        if self.interrupted:
            raise KeyboardInterrupt


@contextmanager
def without_signals() -> Iterator[None]:
    """Threads that are started in here leave signals to the main thread."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def backstage() -> Iterator[Stage]:
    """A stage that heeds Ctrl-C (and TERM, and a closed terminal) at its next check."""
    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    with Stage() as stage:
        # Last of all: while Python itself ends, it would heed them again.
        stage.callback(signal.pthread_sigmask, signal.SIG_BLOCK, heeded)

        def interrupt(number: int, frame: FrameType | None) -> None:
            stage.interrupted = True

        for number in heeded:
            signal.signal(number, interrupt)
        try:
            yield stage
        except BuoyError:
            # Ctrl-C may have hit a process, too, that had just been started.
            stage.check()
            raise
