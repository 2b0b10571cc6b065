"""Jobs with limits on their class."""

import time

from buoy import Job

from .record import note, wait_for

LONG = 3.0
"""Seconds. A process may need some of it, on a busy machine, to get as far as the job."""


class Limited(Job):
    """Waits too long, and ends in order when it is told to."""

    timeout = LONG

    def perform(self, word: str) -> None:
        note("began", word)
        try:
            wait_for("never")
        finally:
            note("cleaned up", word)


class LimitedDeaf(Job):
    """Waits too long, whatever it is told."""

    timeout = LONG

    def perform(self, word: str) -> None:
        note("began", word)
        while True:
            try:
                time.sleep(60)
            except Exception:  # noqa: BLE001 - as careless code has it
                note("shrugged", word)


class Hungry(Job):
    """Takes more memory than it may, and keeps it."""

    max_memory = 96 << 20

    def perform(self, word: str) -> None:
        note("began", word)
        hoard = bytearray(256 << 20)
        wait_for("never")
        del hoard


class Modest(Job):
    """Keeps within its memory."""

    max_memory = 96 << 20

    def perform(self, word: str) -> None:
        note("ran", word)


class Patient(Job):
    """May take longer than poll can wait."""

    timeout = 10**9 - 1

    def perform(self, word: str) -> None:
        note("ran", word)


class Quick(Job):
    """Ends within its time."""

    timeout = 60.0

    def perform(self, word: str) -> None:
        note("ran", word)
