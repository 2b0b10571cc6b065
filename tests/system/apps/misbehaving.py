"""Jobs that do not behave."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from buoy import Job, Plugin, hookimpl

from .record import RECORD, note


class Badly(Job):
    """Does something bad in its own way."""

    queue = "bad"


class Warns(Badly):
    def perform(self) -> None:
        warnings.warn("old\x1b[2J\nforged", UserWarning, stacklevel=1)


class Fails(Badly):
    def perform(self) -> None:
        wrong()


def wrong() -> None:
    raise ValueError("wrong\nin two lines")


class LeavesBySystemExit(Badly):
    def perform(self) -> None:
        sys.exit(0)


class Interrupted(Badly):
    def perform(self) -> None:
        raise KeyboardInterrupt


class CannotBeShown(Badly):
    def perform(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no words")

        raise Mute


class SaysTooMuch(Badly):
    def perform(self) -> None:
        raise ValueError("x" * 50_000_000 + "\ud800")


class Recurses(Badly):
    def perform(self) -> None:
        self.perform()


class AsksForTooMuch(Badly):
    def perform(self) -> None:
        bytearray(1 << 62)


class ExitsInSilence(Badly):
    def perform(self) -> None:
        os._exit(0)


class ExitsWithThree(Badly):
    def perform(self) -> None:
        os._exit(3)


class Segfaults(Badly):
    def perform(self) -> None:
        ctypes.string_at(0)


class Aborts(Badly):
    def perform(self) -> None:
        os.abort()


@dataclass(frozen=True)
class DiesToo(Plugin):
    """Takes the process along that settles a job whose own process has died."""

    @hookimpl
    def on_failure(self) -> None:
        os._exit(4)


class DiesTwice(Badly):
    plugins = [DiesToo()]

    def perform(self) -> None:
        os._exit(3)


class ClosesEverything(Badly):
    """Fine by itself."""

    def perform(self) -> None:
        os.closerange(0, 65536)


class ClosesItsOutputs(Badly):
    """Fine by itself."""

    def perform(self) -> None:
        os.close(1)
        os.close(2)


class PrintsMuch(Badly):
    """Fine by itself."""

    def perform(self) -> None:
        for _ in range(100):
            print("x" * 100_000)  # noqa: T201


class LeavesAGrandchild(Badly):
    """Fine by itself: what it leaves behind lives on for a while, with all it inherited."""

    def perform(self) -> None:
        if os.fork() == 0:
            os.setsid()
            time.sleep(2.0)
            os._exit(0)


class LeavesAProcess(Badly):
    """Fine by itself."""

    def perform(self) -> None:
        subprocess.Popen(["sleep", "2"], close_fds=False)


class ComesBackTwice(Badly):
    """Fine by itself, and so is its fork, which also comes back."""

    def perform(self) -> None:
        os.fork()
        note("came back")


class LeavesAThread(Badly):
    """Fine by itself: a thread does not keep its process."""

    def perform(self) -> None:
        threading.Thread(target=time.sleep, args=(60,)).start()


class ChangesItsProcess(Badly):
    """Fine by itself, here."""

    def perform(self) -> None:
        os.chdir("/")
        os.umask(0o777)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 60)
        os.environ["CHANGED"] = "yes"
        sys.path.clear()


class Telling(Job):
    """Says whether it was touched by those before."""

    queue = "bad"

    def perform(self, word: str) -> None:
        umask = os.umask(0)
        os.umask(umask)
        touched = Path.cwd() == Path("/") or umask == 0o777 or "CHANGED" in os.environ
        touched |= signal.getsignal(signal.SIGINT) == signal.SIG_IGN or not sys.path
        note("ran", word + " touched" * touched)
        assert RECORD.exists()
