"""Jobs that note when another run of the same job lives beside them."""

import asyncio
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from buoy import Job

from .record import RECORD, note


@contextmanager
def alone(word: str) -> Iterator[None]:
    with (RECORD.parent / f"{word}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("beside itself", word)
        note("began", word)
        yield


class Exclusive(Job):
    """Takes its time."""

    def perform(self, word: str, seconds: float) -> None:
        with alone(word):
            time.sleep(seconds)
        note("ran", word)


class ExclusiveSoon(Job):
    """The same, as a coroutine."""

    async def perform(self, word: str, seconds: float) -> None:
        with alone(word):
            await asyncio.sleep(seconds)
        note("ran", word)
