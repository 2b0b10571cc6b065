"""Jobs that run beside others in one process, as threads or coroutines."""

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextvars import ContextVar
from pathlib import Path

from buoy import Job

from .jobs import Note, Sleep, Wait
from .record import RECORD, note

__all__ = ["Note", "Sleep", "Wait"]

found: ContextVar[str] = ContextVar("found", default="nothing")


async def opened(gate: str) -> None:
    """Wait until the test opens the gate."""
    while not Path(RECORD.parent, gate).exists():
        await asyncio.sleep(0.005)


class Stray(Job):
    """Leaves a thread behind that runs for ever."""

    async def perform(self, word: str) -> None:
        threading.Thread(target=threading.Event().wait).start()
        note("ran", word)


class SleepSoon(Job):
    """Takes its time."""

    async def perform(self, word: str, seconds: float) -> None:
        note("began", word)
        await asyncio.sleep(seconds)
        note("ran", word)


class WaitSoon(Job):
    """Begins, waits for a gate, ends; in order also when it is cancelled."""

    async def perform(self, word: str, gate: str) -> None:
        note("began", word)
        try:
            await opened(gate)
        except asyncio.CancelledError:
            note("cleaned up", word)
            raise
        note("ran", word)


class Complains(Job):
    """Raises an error of its own when it is cancelled."""

    async def perform(self, word: str, gate: str) -> None:
        note("began", word)
        try:
            await opened(gate)
        except asyncio.CancelledError:
            note("complained", word)
            raise ValueError("not now") from None
        note("ran", word)


class Finishes(Job):
    """When it is cancelled, it is done with it."""

    async def perform(self, word: str, gate: str) -> None:
        note("began", word)
        try:
            await opened(gate)
        except asyncio.CancelledError:
            note("ran", word)


class Deaf(Job):
    """Does not end when it is cancelled."""

    async def perform(self, word: str, gate: str) -> None:
        note("began", word)
        while True:
            try:
                await opened(gate)
            except asyncio.CancelledError:
                note("shrugged", word)
            else:
                break
        note("ran", word)


class Blocks(Job):
    """Does not await."""

    async def perform(self, seconds: float) -> None:
        time.sleep(seconds)


class BlocksBeside(Job):
    """Has something beside it that does not await."""

    async def perform(self, seconds: float) -> None:
        await asyncio.gather(self.block(seconds))

    async def block(self, seconds: float) -> None:
        time.sleep(seconds)


class CancelsItself(Job):
    async def perform(self) -> None:
        this = asyncio.current_task()
        assert this is not None
        this.cancel()
        await asyncio.sleep(0)


class Leaves(Job):
    """Leaves by SystemExit."""

    async def perform(self) -> None:
        sys.exit(0)


class LeavesBeside(Job):
    """Something beside it leaves, and with it the event loop."""

    async def perform(self) -> None:
        await asyncio.gather(self.leave())

    async def leave(self) -> None:
        sys.exit(0)


class StopsTheLoop(Job):
    """Fine by itself."""

    async def perform(self) -> None:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)


class LeavesThings(Job):
    """Leaves a generator half read, and a task that runs."""

    async def perform(self) -> None:
        async for _ in self.numbers():
            break
        self.beside = asyncio.create_task(self.run_on())
        await asyncio.sleep(0)

    async def numbers(self) -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            note("cleaned up", "generator")
            await asyncio.sleep(0)

    async def run_on(self) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            note("cleaned up", "left")


class Finds(Job):
    """Tells what the job before it has left in the context."""

    def perform(self, word: str) -> None:
        note("found", found.get())
        found.set(word)


class FindsSoon(Job):
    """The same, as a coroutine."""

    async def perform(self, word: str) -> None:
        note("found", found.get())
        found.set(word)
