"""The jobs as coroutines."""

import asyncio

from . import jobs


async def mark(number: int) -> None:
    jobs.mark(number)


async def nap(number: int) -> None:
    await asyncio.sleep(jobs.NAP_SECONDS)
    jobs.mark(number)
