"""The way to Redis for programs that await: the same conversations, on asyncio's own client."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ResponseError

from .errors import BrokerError, Unavailable
from .link import Link, Steps, Word
from .wire import FAULTS, SOCKET_TIMEOUT, lost, reason, refusal

T = TypeVar("T")
MOST_CONNECTIONS = 20
"""Of one event loop; further calls wait for one of them."""


class AsyncLink(Protocol):
    """A way to a Redis, for any number of coroutines."""

    async def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """Send commands in one round trip; a refused one has its exception in place of a reply."""

    async def close(self) -> None:
        """Close the connections of this event loop."""


class AsyncServerLink:
    """A way to one server, with connections of their own for each event loop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    def pool(self) -> Any:
        loop = asyncio.get_running_loop()
        if loop not in self.pools:
            self.pools[loop] = BlockingConnectionPool.from_url(
                self.url,
                max_connections=MOST_CONNECTIONS,
                timeout=None,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=SOCKET_TIMEOUT,
                socket_connect_timeout=SOCKET_TIMEOUT,
                protocol=2,
                driver_info=None,
            )
        return self.pools[loop]

    async def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        pool = self.pool()
        try:
            connection = await pool.get_connection()
        except FAULTS as error:
            raise unconnected(error) from error
        try:
            await connection.send_packed_command(connection.pack_commands(commands))
            return [await read(connection) for _ in commands]
        except FAULTS as error:
            await connection.disconnect()
            raise lost(error) from error
        except BaseException:
            # An answer that nobody reads would be taken for that of the next command.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    async def close(self) -> None:
        pool = self.pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.disconnect()


def unconnected(error: Exception) -> BrokerError:
    """Why there is no connection, as one of ours; the pool wraps what the server said."""
    if any(isinstance(each, AuthenticationError) for each in (error, error.__cause__)):
        return BrokerError(f"Redis refuses the login: {reason(error)}")
    return Unavailable(f"Redis cannot be reached: {reason(error)}", sent=False)


async def read(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return refusal(error)


class ThreadedLink:
    """A way over a link that blocks, which does so in another thread."""

    def __init__(self, link: Link) -> None:
        self.link = link

    async def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        return await asyncio.to_thread(self.link.calls, commands)

    async def close(self) -> None:
        """The threads close theirs."""


def aconnect(url: str, link: Link) -> AsyncLink:
    """An awaiting way to what the URL names; ``link`` is the blocking one."""
    direct = url.startswith(("redis://", "rediss://", "unix://"))
    return AsyncServerLink(url) if direct else ThreadedLink(link)


async def adrive(steps: Steps[T], link: Callable[[], AsyncLink]) -> T:
    """Take the steps, awaiting each; see drive in link.py."""
    answer: Any = None
    try:
        step = next(steps)
        while True:
            if isinstance(step, float):
                await asyncio.sleep(step)
                answer = None
            else:
                try:
                    answer = await link().calls(step)
                except BrokerError as error:
                    step = steps.throw(error)
                    continue
            step = steps.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # it is what the steps return
