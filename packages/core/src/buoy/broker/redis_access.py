"""The settings of an app, and its way to Redis."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from ..connection.client import RawArg, RedisSteps, run_steps, single_reply
from ..model.redaction import checked_redact
from ..settings import HasSettings, Settings, settings
from .keys import Keys
from .scripts import script, script_steps

if TYPE_CHECKING:
    from .broker import Broker

T = TypeVar("T")


class RedisAccess(HasSettings):
    """The settings of an app, and its way to Redis, for jobs and for plugins."""

    def __init__(
        self,
        url: str | None = None,
        *,
        namespace: str | None = None,
        lease: float | None = None,
        max_crashes: int | None = None,
        max_payload: int | None = None,
        inline: bool | None = None,
        failed_max: int | None = None,
        failed_days: float | None = None,
        plugins: Iterable[Any] = (),
        redact: Sequence[str] | None = None,
    ) -> None:
        self._listed_plugins = self._checked_plugins(plugins)
        self._given: dict[str, Any] = {
            "url": url,
            "namespace": namespace,
            "lease": lease,
            "inline": inline,
        }
        self._given |= {"max_crashes": max_crashes, "max_payload": max_payload}
        self._given |= {"failed_max": failed_max, "failed_days": failed_days}
        names = None if redact is None else checked_redact(redact, "App(redact)")
        self._given["redact"] = None if names is None else ",".join(names)

    def _checked_plugins(self, plugins: Iterable[Any]) -> tuple[Any, ...]:
        """Returns app-wide plugins as they are kept; App knows what they must be."""
        return tuple(plugins)

    @cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        return settings(**self._given)

    @cached_property
    def _keys(self) -> Keys:
        return Keys(self.settings.namespace)

    @cached_property
    def broker(self) -> "Broker":
        """The object that changes jobs in Redis. Its first use loads the Redis client."""
        from .broker import Broker

        return Broker(self.settings)

    async def aclose(self) -> None:
        """Close the connections that awaiting calls keep for the running event loop."""
        await self.broker.async_client.close()

    # For plugins

    def key(self, queue: str, *parts: str) -> str:
        """Returns a plugin's key in the slot of a queue. ``parts`` begin with the plugin's name."""
        return self._keys.part(queue, *parts)

    def global_key(self, *parts: str) -> str:
        """Returns a plugin's key outside of queues. ``parts`` begin with the plugin's name."""
        return ":".join([self.settings.namespace, *parts])

    def command(self, *args: RawArg) -> Any:
        """Send a Redis command and return its reply, texts as bytes; raises BrokerError.

        For reads, and for writes that need not happen in the same instant as a change of a job.
        """
        return self.broker.client.call(*args)

    async def acommand(self, *args: RawArg) -> Any:
        """Send a Redis command and return its reply, as ``command`` does; awaits Redis."""
        return await self.arun_steps(command_steps(*args))

    def script(self, package: str, name: str, keys: Sequence[str], args: Sequence[RawArg]) -> Any:
        """Run ``lua/NAME.lua`` of a plugin's package and return its reply; raises BrokerError."""
        return self.run_steps(lua_steps(package, name, keys, args))

    async def ascript(
        self, package: str, name: str, keys: Sequence[str], args: Sequence[RawArg]
    ) -> Any:
        """Run ``lua/NAME.lua`` of a plugin's package and return its reply; awaits Redis."""
        return await self.arun_steps(lua_steps(package, name, keys, args))

    def run_steps(self, steps: RedisSteps[T]) -> T:
        """Run steps that were written for both ``run_steps`` and ``arun_steps``; see client.py."""
        return run_steps(steps, lambda: self.broker.client)

    async def arun_steps(self, steps: RedisSteps[T]) -> T:
        """Run steps that were written for both ``run_steps`` and ``arun_steps``; awaits Redis."""
        from ..connection.async_client import arun_steps

        return await arun_steps(steps, lambda: self.broker.async_client)

    async def arun_steps_apart(self, steps: RedisSteps[T]) -> T:
        """Run steps on a connection of their own, for commands that block it; awaits Redis."""
        from ..connection.async_client import arun_steps

        client = self.broker.new_async_client()
        try:
            return await arun_steps(steps, lambda: client)
        finally:
            await client.close()

    @property
    def clock_shift(self) -> int:
        """Milliseconds that a plugin's scripts add to the time of Redis. It is 0
        except in tests, which move the clock by it."""
        return self.broker.clock_offset_ms


def lua_steps(
    package: str, name: str, keys: Sequence[str], args: Sequence[RawArg]
) -> RedisSteps[Any]:
    """Run ``lua/NAME.lua`` of a package; returns its reply."""
    return single_reply((yield from script_steps([(script(package, name), keys, args)])))


def command_steps(*args: RawArg) -> RedisSteps[Any]:
    """Send one command; returns its reply, texts as bytes."""
    return single_reply((yield [args]))
