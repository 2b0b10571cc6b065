"""Jobs that behave."""

import asyncio
import os
import re
import time
from pathlib import Path

from buoy import Job

from .record import note, wait_for


class Note(Job):
    """Runs, and says so."""

    def perform(self, word: str) -> None:
        note("ran", word)


class NoteSoon(Job):
    """The same, as a coroutine."""

    async def perform(self, word: str) -> None:
        await asyncio.sleep(0)
        note("ran", word)


class Wait(Job):
    """Begins, waits for a gate, ends."""

    def perform(self, word: str, gate: str) -> None:
        note("began", word)
        try:
            wait_for(gate)
        except Exception:
            note("cleaned up", word)
            raise
        note("ran", word)


class WaitSoon(Job):
    """The same, as a coroutine."""

    async def perform(self, word: str, gate: str) -> None:
        note("began", word)
        try:
            await asyncio.to_thread(wait_for, gate, 0.2)
        except TimeoutError:
            await asyncio.sleep(60)
        finally:
            note("cleaned up", word)


class Sleep(Job):
    """Takes its time."""

    def perform(self, word: str, seconds: float) -> None:
        note("began", word)
        time.sleep(seconds)
        note("ran", word)


class Stubborn(Job):
    """Does not end when it is told to."""

    def perform(self, word: str, gate: str) -> None:
        note("began", word)
        while True:
            try:
                wait_for(gate)
            except Exception:  # noqa: BLE001 - as careless code has it
                note("shrugged", word)
            else:
                break
        note("ran", word)


class KillWorker(Job):
    """Kills its worker, as often as it is run."""

    def perform(self, word: str) -> None:
        note("began", word)
        time.sleep(0.05)  # its neighbours shall have begun, too
        os.kill(worker_of(os.getpid()), 9)
        time.sleep(5)


class KillNursery(Job):
    """Kills the process that forked it, as often as it is run."""

    def perform(self, word: str) -> None:
        note("began", word)
        time.sleep(0.05)
        os.kill(os.getppid(), 9)
        time.sleep(5)


class EnqueueUrgent(Job):
    """Takes its time, and meanwhile something urgent comes up."""

    def perform(self, word: str) -> None:
        time.sleep(0.01)
        Note.using(queue="urgent").enqueue(f"urgent by {word}")
        time.sleep(0.1)
        note("ran", word)


def worker_of(pid: int) -> int:
    """The worker of this process, which is itself or its grandparent."""
    while not re.search(rb"\0worker\0|^buoy worker:", Path(f"/proc/{pid}/cmdline").read_bytes()):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid
