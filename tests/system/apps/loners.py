"""Jobs with places, and jobs that enqueue them as fast as they can."""

import fcntl
import time
from dataclasses import dataclass
from typing import IO

from buoy import DirtyExit, Job, Later, Plugin, hookimpl
from buoy_loner import Loner

from .record import RECORD, note, wait_for

WORDS = ("left", "right")


@dataclass(frozen=True)
class Undaunted(Plugin):
    """Has jobs whose child was killed run again, as often as it happens."""

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(0.01) if isinstance(error, DirtyExit) else None


class Alone(Job):
    """Notes if another one of the same word runs beside it.

    The kernel knows, whoever is killed. A run of the same job that has lost its lease unawares, on
    a busy machine, is no other one: its end is waited for.
    """

    plugins = [Loner(), Undaunted()]

    def perform(self, word: str) -> None:
        with opened(self.id) as mine, opened(word) as places:
            fcntl.flock(mine, fcntl.LOCK_EX)
            try:
                fcntl.flock(places, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                note("not alone", word)
            note("began", self.id)
            time.sleep(0.02)
            note("ran", self.id)


def opened(name: str) -> IO[str]:
    return (RECORD.parent / f"lock-{name}").open("w")


class Soon(Job):
    """Begins, waits for a gate, ends."""

    plugins = [Loner(until="started")]

    def perform(self, gate: str) -> None:
        note("began", self.id)
        wait_for(gate)
        note("ran", self.id)


class Produce(Job):
    """Enqueues until the test opens the gate "stop"."""

    queue = "producers"
    plugins = [Undaunted()]

    def perform(self, number: int) -> None:
        note("produces")
        while not (RECORD.parent / "stop").exists():
            for word in WORDS:
                enqueue(word)
            time.sleep(0.005)


def enqueue(word: str) -> None:
    handle = Alone.enqueue(word)
    if handle.state == "queued":
        note("enqueued", handle.id)
    else:
        assert handle.state == "exists"
        assert handle.holder not in (None, handle.id)
        note("refused", word)
