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
from .wire import FAULTS, SOCKET_TIMEOUT, UNNAMED, finder, lost, reason, refusal

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
        self.url, self.find = url, finder(url)
        self.pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    async def pool(self) -> Any:
        """The connections of this event loop, to the server where it is now."""
        loop = asyncio.get_running_loop()
        if loop not in self.pools:
            try:
                url = self.url if self.find is None else await asyncio.to_thread(self.find)
            except FAULTS as error:
                raise unconnected(error) from error
            return self.pools.setdefault(loop, pool_of(url))  # others may have been faster
        return self.pools[loop]

    async def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        pool = await self.pool()
        try:
            connection = await pool.get_connection()
        except FAULTS as error:
            await self.leave(pool)
            raise unconnected(error) from error
        try:
            await connection.send_packed_command(connection.pack_commands(commands))
            replies = [await read(connection) for _ in commands]
        except FAULTS as error:
            await connection.disconnect()
            await self.leave(pool)
            raise lost(error) from error
        except BaseException:
            # An answer that nobody reads would be taken for that of the next command.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)
        if any(isinstance(reply, Unavailable) for reply in replies):
            await self.leave(pool)
        return replies

    async def leave(self, pool: Any) -> None:
        """Next time, look where the server is, if it may be somewhere else by now."""
        loop = asyncio.get_running_loop()
        current: Any = self.pools.get(loop)
        if self.find is not None and current is pool:
            del self.pools[loop]
            await pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        pool = self.pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.disconnect()


def pool_of(url: str) -> Any:
    return BlockingConnectionPool.from_url(
        url,
        max_connections=MOST_CONNECTIONS,
        timeout=None,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=SOCKET_TIMEOUT,
        protocol=2,
        **UNNAMED,
    )


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
    """An awaiting way to what the URL names; ``link`` is the blocking one, which follows the slots
    of a cluster."""
    return ThreadedLink(link) if url.startswith("redis+cluster:") else AsyncServerLink(url)


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
