"""An app for the tests of the nursery: jobs that end in each way. It needs no Redis."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from buoy import Job


class Works(Job):
    def perform(self, file: str | None = None) -> None:
        if file is not None:
            Path(file).write_text("worked")


class Fails(Job):
    def perform(self) -> None:
        raise ValueError("no")


class Dies(Job):
    def perform(self, how: str) -> None:
        if how == "exit":
            os._exit(3)
        os.kill(os.getpid(), signal.SIGKILL)


class Waits(Job):
    """Writes its process id, and waits for its end."""

    def perform(self, file: str) -> None:
        write(file, os.getpid())
        time.sleep(600)


class Late(Waits):
    timeout = 3.0  # its process may begin late, and hears no TERM before that


class Large(Waits):
    max_memory = 1 << 20


class Odd(Job):
    """Its limit is changed after it was declared."""

    def perform(self) -> None: ...


Odd.timeout = -1


class Leaves(Job):
    """Starts a process that outlives the job."""

    def perform(self, file: str) -> None:
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        write(file, subprocess.Popen(command, stdin=subprocess.DEVNULL).pid)


class Scribbles(Job):
    """Writes into files that are not its own, or closes them: the pipe of its answer, too."""

    def perform(self, closes: bool) -> None:
        for file in range(3, 64):
            try:
                if not closes and os.get_blocking(file):
                    os.write(file, b"\xff" * 9)
                if closes:
                    os.close(file)
            except OSError:
                continue


class NeedsRedis(Job):
    def perform(self) -> None:
        import redis

        assert redis


def write(file: str, pid: int) -> None:
    """Write the whole number at once."""
    fresh = Path(f"{file}.new")
    fresh.write_text(str(pid))
    fresh.rename(file)
