"""Blocking commands of Redis for coroutines.

Only ``async_wait`` imports this file: declaring jobs needs neither an event loop nor the Redis
client.
"""

from typing import TypeVar

from buoy import App
from buoy.connection.async_client import aconnect, arun_steps
from buoy.connection.client import RedisSteps

T = TypeVar("T")


async def arun_steps_on_own_connection(app: App, steps: RedisSteps[T]) -> T:
    """Run steps that block their connection, on a new connection that is closed at the end. The
    app's connections are few, and other coroutines need them. Raises BrokerError."""
    client = aconnect(app.settings.url, app.broker.client)
    try:
        return await arun_steps(steps, lambda: client)
    finally:
        await client.close()
