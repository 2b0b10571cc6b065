"""The connections of one event loop to one server, on the asyncio part of the client library.

The pools of the client library do more for each command than the command itself costs.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from .client import RawArg
from .redis_errors import (
    CONNECTION_ERRORS,
    RedisTimeout,
    error_of_reply,
    no_connection_error,
    no_reply_error,
)
from .server import SOCKET_TIMEOUT, WITHOUT_LIBRARY_NAME, pack_commands

MAX_CONNECTIONS = 20
"""Connections of one event loop to one server; further calls wait until one is free."""


class LoopConnections:
    """Connections, each for one call at a time."""

    def __init__(self, url: str) -> None:
        self.pool = ConnectionPool.from_url(  # it only knows how a connection is made
            url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,  # ``exchange`` limits the whole call
            socket_connect_timeout=SOCKET_TIMEOUT,
            protocol=2,
            **WITHOUT_LIBRARY_NAME,
        )
        self.options = self.pool.connection_kwargs
        self.idle: list[Any] = []
        self.room = asyncio.Semaphore(MAX_CONNECTIONS)
        self.limit = TimeLimit()
        self.closed = False

    async def exchange(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        """Send commands on a free connection, and read a reply for each; the errors are those of
        ``Client.calls``."""
        async with self.room:
            connection = await self.connected()
            try:
                replies = await exchange_on(connection, commands, self.limit)
            except CONNECTION_ERRORS as error:
                await connection.disconnect(nowait=True)
                if connection in self.limit.broken:
                    raise RedisTimeout("Redis did not answer: it is silent", sent=True) from error
                raise no_reply_error(error) from error
            except BaseException:
                # A reply that nobody reads would be taken for that of the next command.
                await connection.disconnect(nowait=True)
                raise
            finally:
                self.limit.end(connection)
            if self.closed:
                await connection.disconnect()
            else:
                self.idle.append(connection)
            return replies

    async def connected(self) -> Any:
        """Returns a connection that was used before, or a new one."""
        while self.idle:
            connection = self.idle.pop()
            if connection.is_connected and not is_ended(connection):
                return connection
            await connection.disconnect()
        connection = self.pool.connection_class(**self.options)
        try:
            async with asyncio.timeout(SOCKET_TIMEOUT):
                await connection.connect()
        except TimeoutError as error:
            await connection.disconnect(nowait=True)
            raise RedisTimeout("Redis cannot be reached: it is silent", sent=False) from error
        except CONNECTION_ERRORS as error:
            await connection.disconnect()
            raise no_connection_error(error) from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def close(self) -> None:
        """Close the connections; those in use are closed after their call."""
        self.closed = True
        self.limit.close()
        while self.idle:
            await self.idle.pop().disconnect()


class TimeLimit:
    """Breaks the connections whose next reply takes longer than SOCKET_TIMEOUT, so that their calls
    end with an error.

    One timer watches all of them: one for each call, as ``asyncio.timeout`` has, takes a quarter of
    the time of a call.
    """

    def __init__(self) -> None:
        self.ends: dict[Any, float] = {}
        """Connection -> when its call is over, by the time of the event loop."""
        self.broken: set[Any] = set()
        self.timer: asyncio.TimerHandle | None = None

    def begin(self, connection: Any) -> None:
        """Give a connection SOCKET_TIMEOUT seconds from now."""
        loop = asyncio.get_running_loop()
        self.ends[connection] = loop.time() + SOCKET_TIMEOUT
        if self.timer is None:
            self.timer = loop.call_later(SOCKET_TIMEOUT, self.check)

    def end(self, connection: Any) -> None:
        """Watch a connection no longer."""
        self.ends.pop(connection, None)
        self.broken.discard(connection)

    def check(self) -> None:
        """Break the connections whose time is over; look again when that of the next one is."""
        self.timer, loop = None, asyncio.get_running_loop()
        now = loop.time()
        for connection in [each for each, end in self.ends.items() if end <= now]:
            del self.ends[connection]
            self.broken.add(connection)
            break_off(connection)
        if self.ends:
            self.timer = loop.call_at(min(self.ends.values()), self.check)

    def close(self) -> None:
        if self.timer is not None and not self.ends:
            self.timer.cancel()
            self.timer = None


async def exchange_on(
    connection: Any, commands: Sequence[Sequence[RawArg]], limit: TimeLimit
) -> list[Any]:
    """Send commands, and read a reply for each; each reply has SOCKET_TIMEOUT seconds."""
    limit.begin(connection)
    packed = pack_commands(connection, commands)
    await connection.send_packed_command(packed, check_health=False)
    replies = [await read_reply(connection)]
    for _ in range(1, len(commands)):
        limit.begin(connection)
        replies.append(await read_reply(connection))
    return replies


async def read_reply(connection: Any) -> Any:
    """One reply, or the BrokerError by which Redis refused the command."""
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error_of_reply(error)


# The client library has no public names for these: no other place uses its private ones.


def is_ended(connection: Any) -> bool:
    """Whether the server has ended a connection, as far as the event loop has noticed."""
    reader = connection._reader
    return reader is None or reader.at_eof()


def break_off(connection: Any) -> None:
    """End a connection at once; what is being sent or read there fails."""
    if connection._writer is not None:
        connection._writer.transport.abort()
