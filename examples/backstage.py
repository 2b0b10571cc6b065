"""What the demo needs behind the scene: workers that end when it ends, and an end in good order."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

EXAMPLES = Path(__file__).resolve().parent
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 10.0

# The worker's standard input is a pipe from the demo. It closes when the demo is gone, be it by
# kill -9; a watcher beside the worker sees that, and kills it. A line on the pipe sends the
# watcher home. The worker's own processes die with the worker.
WATCHED = 'exec 3<&0; (read -r line <&3 || kill -9 $$) & exec "$@" </dev/null 3<&-'


class WorkerProcess:
    """``buoy worker`` in a process of its own."""

    def __init__(self, *arguments: str, out: IO[str], log: IO[str]) -> None:
        command = [sys.executable, "-m", "buoy", "worker", *arguments]
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, "sh", *command],
            cwd=EXAMPLES,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=log,
            # Ctrl-C in the terminal is for the demo, which then stops its workers.
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

    def wait(self) -> None:
        """Wait for the end, and force it if need be."""
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.communicate(b"\n")


class Crew:
    """The workers of the demo."""

    def __init__(self) -> None:
        self.workers: list[WorkerProcess] = []

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.wait()


@contextmanager
def backstage() -> Iterator[ExitStack]:
    """What is entered on the stack ends in order, whatever ends the demo.

    The first Ctrl-C (or TERM, or a closed terminal) raises KeyboardInterrupt; while things are
    put away, no further one disturbs.
    """
    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]

    def listen(listener: Callable[[int, FrameType | None], None]) -> None:
        for number in heeded:
            signal.signal(number, listener)

    def interrupt(number: int, frame: FrameType | None) -> None:
        listen(ignore)
        raise KeyboardInterrupt

    with ExitStack() as stack:
        # Last of all: while Python itself ends, it would heed them again.
        stack.callback(signal.pthread_sigmask, signal.SIG_BLOCK, heeded)
        listen(interrupt)
        try:
            yield stack
        finally:
            listen(ignore)


def ignore(number: int, frame: FrameType | None) -> None:
    """Not SIG_IGN: Python complains when a signal comes in just while that is set."""
