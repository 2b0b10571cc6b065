"""Coroutines with limits on their class."""

from buoy import Job

from .concurrent import opened
from .record import note


class LimitedSoon(Job):
    """Waits too long."""

    timeout = 2.0

    async def perform(self, word: str) -> None:
        note("began", word)
        try:
            await opened("never")
        finally:
            note("cleaned up", word)
