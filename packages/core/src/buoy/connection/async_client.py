"""Clients of Redis for programs that await, on the asyncio part of the client library."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from ..errors import BrokerError, Unavailable
from .client import Client, RawArg, RedisSteps
from .cluster import ClusterClient
from .loop_connections import LoopConnections
from .redis_errors import (
    CONNECTION_ERRORS,
    RedisTimeout,
    no_connection_error,
)
from .sentinel import is_replaced
from .server import REPLACEMENT_CHECK_SECONDS, SOCKET_TIMEOUT, url_finder
from .topology import (
    NODE_REPLY_SECONDS,
    Commands,
    CommandsByNode,
    NodeSteps,
    RepliesByNode,
    Topology,
)

T = TypeVar("T")


class AsyncClient(Protocol):
    """A client of Redis. Any number of coroutines and event loops may use it."""

    async def calls(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        """Send commands in one round trip; replies and errors are those of ``Client.calls``.

        A call that is cancelled may have been executed.
        """

    async def close(self) -> None:
        """Close the connections of the running event loop."""


class AsyncServerClient:
    """A client of one server, with connections of its own for each event loop."""

    def __init__(self, url: str) -> None:
        self.url, self.find_url = url, url_finder(url)
        self.by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, LoopConnections] = (
            WeakKeyDictionary()
        )

    async def connections(self) -> LoopConnections:
        """The connections of this event loop, to the present place of the server.

        Raises BrokerError when that place cannot be found.
        """
        loop = asyncio.get_running_loop()
        found = self.by_loop.get(loop)
        if found is None:
            try:
                url = self.url if self.find_url is None else await asyncio.to_thread(self.find_url)
            except CONNECTION_ERRORS as error:
                raise no_connection_error(error) from error
            # Another coroutine may be faster.
            return self.by_loop.setdefault(loop, LoopConnections(url))
        return found

    async def calls(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        if not self.url.startswith("redis+sentinel:"):
            return await self.exchange(commands)
        try:
            return await reply_unless_replaced(
                self.is_replaced, self.exchange(commands), SOCKET_TIMEOUT
            )
        except RedisTimeout:  # a server that hangs still takes connections: find it anew
            await self.drop(self.by_loop.get(asyncio.get_running_loop()))
            raise

    async def is_replaced(self) -> bool:
        """Whether the sentinels name another server now."""
        connections = self.by_loop.get(asyncio.get_running_loop())
        if connections is None or self.find_url is None:
            return False
        options = connections.options
        address = options["host"], options["port"]
        return await asyncio.to_thread(is_replaced, *address, self.find_url)

    async def exchange(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        """Send commands on a free connection, and read a reply for each; see ``calls``."""
        connections = await self.connections()
        try:
            replies = await connections.exchange(commands)
        except BrokerError:
            await self.drop(connections)
            raise
        if any(isinstance(reply, Unavailable) for reply in replies):
            await self.drop(connections)
        return replies

    async def drop(self, connections: LoopConnections | None) -> None:
        """Let the next call find the server anew, if it may have moved."""
        loop = asyncio.get_running_loop()
        current = self.by_loop.get(loop)
        if self.find_url is not None and current is not None and current is connections:
            del self.by_loop[loop]
            await current.close()

    async def close(self) -> None:
        connections = self.by_loop.pop(asyncio.get_running_loop(), None)
        if connections is not None:
            await connections.close()


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
