"""Redis for programs that await. Loaded by them alone: declaring jobs needs neither an event loop
nor the Redis client."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from buoy import App
from buoy.awire import AsyncLink, ThreadedLink, aconnect, adrive
from buoy.link import Link, Steps, Word

T = TypeVar("T")


async def converse_apart(app: App, steps: Steps[T]) -> T:
    """The same for steps that block a connection, on one of their own: all others share a few."""
    own = apart(app)
    try:
        return await adrive(steps, lambda: own)
    finally:
        await own.close()


def apart(app: App) -> AsyncLink:
    link = aconnect(app.settings.url, app.broker.link)
    return OwnThread(app.broker.link) if isinstance(link, ThreadedLink) else link


class OwnThread:
    """A way over a link that blocks, which does so in a thread that nobody else needs."""

    def __init__(self, link: Link) -> None:
        self.link, self.thread = link, ThreadPoolExecutor(1, "buoy-status")

    async def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thread, self.link.calls, commands)

    async def close(self) -> None:
        """Let the thread go; it closes its connection when it has come back."""
        self.thread.submit(self.link.close)
        self.thread.shutdown(wait=False)
