"""Long jobs with steps. They note each row, and go on until the test opens the gate ``enough``."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator

from buoy import Job
from buoy_steps import Steps, aeach, astep, each, step

from .record import RECORD, note

PACE = 0.01
"""Seconds for each row."""


def numbers(after: int | None) -> Iterator[int]:
    number = 0 if after is None else after + 1
    while not (RECORD.parent / "enough").exists():
        yield number
        number += 1
        time.sleep(PACE)


async def anumbers(after: int | None) -> AsyncIterator[int]:
    for number in numbers(after):
        yield number
        await asyncio.sleep(0)


class Import(Job):
    plugins = [Steps(every=0.1)]

    def perform(self) -> None:
        if step("fetch"):
            note("fetch")
        if step("import"):
            for row in each(numbers, cursor=lambda row: row):
                note("row", str(row))
        if step("report"):
            note("report")


class AsyncImport(Job):
    plugins = [Steps(every=0.1)]

    async def perform(self) -> None:
        if await astep("fetch"):
            note("fetch")
        if await astep("import"):
            async for row in aeach(anumbers, cursor=lambda row: row):
                note("row", str(row))
        if await astep("report"):
            note("report")


class Patient(Import):
    """Lets other jobs run now and then."""

    plugins = [Steps(every=0.1, max_runtime=0.2)]


class Other(Job):
    def perform(self) -> None:
        note("other")
        (RECORD.parent / "enough").touch()


class Crashing(Job):
    """Each of its processes is killed in its second step."""

    plugins = [Steps(max_crashes=2)]

    def perform(self) -> None:
        if step("prepare"):
            note("prepare")
        if step("burn"):
            note("burn")
            os.kill(os.getpid(), signal.SIGKILL)
