"""Coroutines with a timeout, of the same app as the jobs of to_sentry.py."""

import asyncio

from buoy import Job

from . import to_sentry  # noqa: F401 - it sets up the app


class HangSoon(Job):
    timeout = 2.0

    async def perform(self, word: str) -> None:
        await asyncio.sleep(60)
