"""Jobs that are watched."""

import asyncio
import os
import time
from dataclasses import dataclass

from buoy import DirtyExit, Job, Later, Plugin, hookimpl
from buoy_status import Status, aprogress, cancelled, progress

from .record import RECORD, note, wait_for


@dataclass(frozen=True)
class Undaunted(Plugin):
    """Has jobs whose child has died run again."""

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(0.02) if isinstance(error, DirtyExit) and job.attempt < 9 else None


class Watched(Job):
    plugins = [Status()]


class Work(Watched):
    """Is half done when it begins, waits for a gate, returns its word."""

    def perform(self, word: str, gate: str) -> str:
        progress(self, 1, of=2, note=self.token)
        note("began", word)
        wait_for(gate)
        note("ran", word)
        return word


class WorkSoon(Watched):
    """The same, as a coroutine."""

    async def perform(self, word: str, gate: str) -> str:
        await aprogress(self, 1, of=2, note=self.token)
        note("began", word)
        try:
            while not (RECORD.parent / gate).exists():
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            note("cancelled", word)
            raise
        note("ran", word)
        return word


class Heed(Watched):
    """Works until it is cancelled: as a job in a thread has to do it."""

    def perform(self, word: str) -> str:
        note("began", word)
        while not cancelled(self):
            time.sleep(0.005)
        note("cancelled", word)
        return word


class Die(Watched):
    """Ends its process."""

    def perform(self) -> None:
        os._exit(3)


class Brave(Watched):
    """Takes a moment, and is run again whatever happens to it."""

    plugins = [Undaunted()]

    def perform(self, number: int) -> int:
        time.sleep(0.005)
        return number * 2
