"""Redis for programs that await. Loaded by them alone: declaring jobs needs neither an event loop
nor the Redis client."""

from typing import TypeVar

from buoy import App
from buoy.connection.async_client import aconnect, arun_steps
from buoy.connection.client import RedisSteps

T = TypeVar("T")


async def converse_apart(app: App, steps: RedisSteps[T]) -> T:
    """The same for steps that block a connection, on one of their own: all others share a few."""
    own = aconnect(app.settings.url, app.broker.client)
    try:
        return await arun_steps(steps, lambda: own)
    finally:
        await own.close()
