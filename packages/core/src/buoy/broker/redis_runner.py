"""Takes steps on the Redis of an app, in the ways of programs that block and that await."""

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from ..connection.client import Client, RedisSteps, run_steps
from ..connection.connect import connect
from ..settings import Settings

if TYPE_CHECKING:
    from ..connection.async_client import AsyncClient

T = TypeVar("T")


class RedisRunner:
    """The clients of one Redis. The one for ``await`` is loaded when it is first needed."""

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        self.settings = settings
        self.client = client or connect(settings.url)

    @cached_property
    def async_client(self) -> "AsyncClient":
        """The client for programs that await."""
        return self.new_async_client()

    def new_async_client(self) -> "AsyncClient":
        """Returns another client for programs that await, with connections of its own."""
        from ..connection.async_client import aconnect

        return aconnect(self.settings.url, self.client)

    def run_steps(self, steps: RedisSteps[T]) -> T:
        """Take the steps in the calling thread, and return their result."""
        return run_steps(steps, lambda: self.client)

    async def arun_steps(self, steps: RedisSteps[T]) -> T:
        """Take the steps on the running event loop, and return their result."""
        from ..connection.async_client import arun_steps

        return await arun_steps(steps, lambda: self.async_client)
