"""The way to Redis for programs that await: the same conversations, on asyncio's own client."""

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
from .client import Client, RedisSteps, Word
from .cluster import ClusterClient
from .sentinel import is_replaced
from .server import (
    FAULTS,
    SOCKET_TIMEOUT,
    UNNAMED,
    WATCH,
    Silent,
    finder,
    lost,
    refusal,
    unconnected,
)
from .topology import PATIENCE, Answers, Commands, Nodes, Parcels, Topology

T = TypeVar("T")
MOST_CONNECTIONS = 20
"""Of one event loop; further calls wait for one of them."""


class AsyncClient(Protocol):
    """A way to a Redis, for any number of coroutines."""

    async def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """Send commands in one round trip; a refused one has its exception in place of a reply."""

    async def close(self) -> None:
        """Close the connections of this event loop."""


class AsyncServerClient:
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
        if not self.url.startswith("redis+sentinel:"):
            return await self.exchange(commands)
        return await unless(self.is_replaced, self.exchange(commands), SOCKET_TIMEOUT)

    async def is_replaced(self) -> bool:
        """Whether the sentinels name another server by now."""
        pool = self.pools.get(asyncio.get_running_loop())
        if pool is None or self.find is None:
            return False
        there = pool.connection_kwargs
        return await asyncio.to_thread(is_replaced, there["host"], there["port"], self.find)

    async def exchange(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
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


async def read(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return refusal(error)


async def unless(
    replaced: Callable[[], Awaitable[bool]] | None, call: Coroutine[Any, Any, T], patience: float
) -> T:
    """What the call returns, unless it takes too long, or the server is replaced meanwhile."""
    task = asyncio.ensure_future(call)
    deadline = time.monotonic() + patience
    try:
        while True:
            left = deadline - time.monotonic()
            await asyncio.wait({task}, timeout=min(WATCH, max(0.0, left)))
            if task.done():
                return await task
            if left <= 0 or (replaced is not None and await replaced()):
                raise Silent("Redis did not answer in time", sent=True)
    finally:
        task.cancel()


class AsyncClusterClient:
    """A client of a cluster, with a client for each node. It shares the topology of the blocking
    client."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.nodes: dict[str, AsyncServerClient] = {}

    def node(self, address: str) -> AsyncServerClient:
        if address not in self.nodes:
            self.nodes[address] = AsyncServerClient(self.topology.url_of(address))
        return self.nodes[address]

    async def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        replies: list[Any] = await self.run_steps(self.topology.routing(commands))
        return replies

    async def run_steps(self, steps: Nodes[Any], patience: float = SOCKET_TIMEOUT) -> Any:
        try:
            parcels = next(steps)
            while True:
                parcels = steps.send(await self.exchange(parcels, patience))
        except StopIteration as end:
            return end.value

    async def exchange(self, parcels: Parcels, patience: float) -> Answers:
        """Ask all these nodes at once."""
        patience = patience if len(parcels) == 1 else PATIENCE
        asking = (self.ask(address, words, patience) for address, words in parcels.items())
        return dict(zip(parcels, await asyncio.gather(*asking), strict=True))

    async def ask(self, address: str, commands: Commands, patience: float) -> list[Any]:
        try:
            self.topology.suspects.check(address)
        except Unavailable as error:
            return [error] * len(commands)
        replaced = partial(self.is_replaced, address) if patience > PATIENCE else None
        try:
            return await unless(replaced, self.node(address).calls(commands), patience)
        except BrokerError as error:
            self.topology.missed(address, silent=isinstance(error, Silent))
            return [error] * len(commands)

    async def is_replaced(self, address: str) -> bool:
        """Whether another node has taken the place of one that is silent."""
        if not self.topology.is_primary(address):
            return False
        with suppress(BrokerError):
            await self.run_steps(self.topology.learning({address}), PATIENCE)
        return not self.topology.is_primary(address)

    async def close(self) -> None:
        for node in list(self.nodes.values()):
            await node.close()


def aconnect(url: str, client: Client) -> AsyncClient:
    """An awaiting way to what the URL names; ``client`` is the blocking one, which knows where the
    slots of a cluster are."""
    return (
        AsyncClusterClient(client.topology)
        if isinstance(client, ClusterClient)
        else AsyncServerClient(url)
    )


async def arun_steps(steps: RedisSteps[T], client: Callable[[], AsyncClient]) -> T:
    """Take the steps, awaiting each; see run_steps in client.py."""
    answer: Any = None
    try:
        step = next(steps)
        while True:
            if isinstance(step, float):
                await asyncio.sleep(step)
                answer = None
            else:
                try:
                    answer = await client().calls(step)
                except BrokerError as error:
                    step = steps.throw(error)
                    continue
            step = steps.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # it is what the steps return
