"""Clients of Redis for programs that await, on the asyncio part of the client library."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from ..errors import BrokerError, Unavailable
from .client import Client, RawArg, RedisSteps
from .cluster import ClusterClient
from .redis_errors import (
    CONNECTION_ERRORS,
    RedisTimeout,
    error_of_reply,
    no_connection_error,
    no_reply_error,
)
from .sentinel import is_replaced
from .server import REPLACEMENT_CHECK_SECONDS, SOCKET_TIMEOUT, WITHOUT_LIBRARY_NAME, url_finder
from .topology import (
    NODE_REPLY_SECONDS,
    Commands,
    CommandsByNode,
    NodeSteps,
    RepliesByNode,
    Topology,
)

T = TypeVar("T")
MAX_CONNECTIONS = 20
"""Connections of one event loop to one server; further calls wait until one is free."""


class AsyncClient(Protocol):
    """A client of Redis. Any number of coroutines and event loops may use it."""

    async def calls(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        """Send commands in one round trip; replies and errors are those of ``Client.calls``.

        A call that is cancelled may have been executed.
        """

    async def close(self) -> None:
        """Close the connections of the running event loop."""


class AsyncServerClient:
    """A client of one server, with a pool of connections for each event loop."""

    def __init__(self, url: str) -> None:
        self.url, self.find_url = url, url_finder(url)
        self.pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    async def pool(self) -> Any:
        """The pool of this event loop, to the present place of the server.

        Raises BrokerError when that place cannot be found.
        """
        loop = asyncio.get_running_loop()
        if loop not in self.pools:
            try:
                url = self.url if self.find_url is None else await asyncio.to_thread(self.find_url)
            except CONNECTION_ERRORS as error:
                raise no_connection_error(error) from error
            return self.pools.setdefault(loop, new_pool(url))  # another coroutine may be faster
        return self.pools[loop]

    async def calls(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        if not self.url.startswith("redis+sentinel:"):
            return await self.exchange(commands)
        return await reply_unless_replaced(
            self.is_replaced, self.exchange(commands), SOCKET_TIMEOUT
        )

    async def is_replaced(self) -> bool:
        """Whether the sentinels name another server now."""
        pool = self.pools.get(asyncio.get_running_loop())
        if pool is None or self.find_url is None:
            return False
        options = pool.connection_kwargs
        address = options["host"], options["port"]
        return await asyncio.to_thread(is_replaced, *address, self.find_url)

    async def exchange(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        """Send commands on a free connection, and read a reply for each; see ``calls``."""
        pool = await self.pool()
        try:
            connection = await pool.get_connection()
        except CONNECTION_ERRORS as error:
            await self.drop_pool(pool)
            raise no_connection_error(error) from error
        try:
            await connection.send_packed_command(connection.pack_commands(commands))
            replies = [await read_reply(connection) for _ in commands]
        except CONNECTION_ERRORS as error:
            await connection.disconnect()
            await self.drop_pool(pool)
            raise no_reply_error(error) from error
        except BaseException:
            # A reply that nobody reads would be taken for that of the next command.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)
        if any(isinstance(reply, Unavailable) for reply in replies):
            await self.drop_pool(pool)
        return replies

    async def drop_pool(self, pool: Any) -> None:
        """Let the next call find the server anew, if it may have moved."""
        loop = asyncio.get_running_loop()
        current: Any = self.pools.get(loop)
        if self.find_url is not None and current is pool:
            del self.pools[loop]
            await pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        pool = self.pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.disconnect()


def new_pool(url: str) -> Any:
    """A pool of MAX_CONNECTIONS connections. When none is free, a call waits without a limit."""
    return BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=None,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=SOCKET_TIMEOUT,
        protocol=2,
        **WITHOUT_LIBRARY_NAME,
    )


async def read_reply(connection: Any) -> Any:
    """One reply, or the BrokerError by which Redis refused the command."""
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error_of_reply(error)


async def reply_unless_replaced(
    replaced: Callable[[], Awaitable[bool]] | None, call: Coroutine[Any, Any, T], timeout: float
) -> T:
    """What the call returns.

    Cancels the call and raises RedisTimeout when it takes longer than ``timeout`` seconds, or as
    soon as ``replaced`` says that another server has taken the place of this one.
    """
    task = asyncio.ensure_future(call)
    deadline = time.monotonic() + timeout
    try:
        while True:
            left = deadline - time.monotonic()
            await asyncio.wait({task}, timeout=min(REPLACEMENT_CHECK_SECONDS, max(0.0, left)))
            if task.done():
                return await task
            if left <= 0 or (replaced is not None and await replaced()):
                raise RedisTimeout("Redis did not answer in time", sent=True)
    finally:
        task.cancel()


class AsyncClusterClient:
    """A client of a cluster, with a client for each node.

    It shares its ``topology`` with the blocking client of the app.
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.nodes: dict[str, AsyncServerClient] = {}

    def node(self, address: str) -> AsyncServerClient:
        """The client of the node at an address."""
        if address not in self.nodes:
            self.nodes[address] = AsyncServerClient(self.topology.url_of(address))
        return self.nodes[address]

    async def calls(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        replies: list[Any] = await self.take_steps(self.topology.route(commands))
        return replies

    async def take_steps(self, steps: NodeSteps[Any], timeout: float = SOCKET_TIMEOUT) -> Any:
        """Take the steps and return their result; each waits at most ``timeout`` seconds."""
        try:
            requests = next(steps)
            while True:
                requests = steps.send(await self.exchange(requests, timeout))
        except StopIteration as end:
            return end.value

    async def exchange(self, requests: CommandsByNode, timeout: float) -> RepliesByNode:
        """Send each node its commands, all at once, and return the replies of each.

        With several nodes, each has NODE_REPLY_SECONDS.
        """
        timeout = timeout if len(requests) == 1 else NODE_REPLY_SECONDS
        asking = (self.ask(address, sent, timeout) for address, sent in requests.items())
        return dict(zip(requests, await asyncio.gather(*asking), strict=True))

    async def ask(self, address: str, commands: Commands, timeout: float) -> list[Any]:
        """Send one node its commands; when it fails, its BrokerError stands for each reply."""
        try:
            self.topology.suspects.check(address)
        except Unavailable as error:
            return [error] * len(commands)
        replaced = partial(self.is_replaced, address) if timeout > NODE_REPLY_SECONDS else None
        try:
            return await reply_unless_replaced(
                replaced, self.node(address).calls(commands), timeout
            )
        except BrokerError as error:
            self.topology.note_unanswered(address, silent=isinstance(error, RedisTimeout))
            return [error] * len(commands)

    async def is_replaced(self, address: str) -> bool:
        """Whether another node has taken the place of this one; asks the others."""
        if not self.topology.is_primary(address):
            return False
        with suppress(BrokerError):
            await self.take_steps(self.topology.discover_slots({address}), NODE_REPLY_SECONDS)
        return not self.topology.is_primary(address)

    async def close(self) -> None:
        for node in list(self.nodes.values()):
            await node.close()


def aconnect(url: str, client: Client) -> AsyncClient:
    """A client of the Redis that the URL names, for programs that await.

    ``client`` is the blocking client of that Redis: a cluster's topology is shared with it.
    """
    if isinstance(client, ClusterClient):
        return AsyncClusterClient(client.topology)
    return AsyncServerClient(url)


async def arun_steps(steps: RedisSteps[T], get_client: Callable[[], AsyncClient]) -> T:
    """Take the steps, awaiting each, and return their result; see ``run_steps``."""
    answer: Any = None
    try:
        step = next(steps)
        while True:
            if isinstance(step, float):
                await asyncio.sleep(step)
                answer = None
            else:
                try:
                    answer = await get_client().calls(step)
                except BrokerError as error:
                    step = steps.throw(error)
                    continue
            step = steps.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # it is what the steps return
