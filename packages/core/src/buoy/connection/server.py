"""A client of one server: a connection for each thread, and errors of buoy only.

The retries of the client library are off: a command whose reply was lost may have been executed,
and only its caller knows whether it may be sent again.
"""

import os
import select
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from socket import socket
from typing import Any

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from ..embedded.join import folder_of, join
from ..errors import Unavailable
from .client import RawArg, single_reply
from .redis_errors import (
    CONNECTION_ERRORS,
    error_of_reply,
    error_text,
    no_connection_error,
    no_reply_error,
)
from .sentinel import is_replaced, primary_finder

SOCKET_TIMEOUT = 5.0
"""Seconds for making a connection, for sending, and for a reply."""
CLUSTER_NODE_TIMEOUT = 2.0
"""Seconds for connecting to one server of several and for sending to it; a reply has longer."""
REPLACEMENT_CHECK_SECONDS = 0.5
"""Seconds without a reply after which others are asked whether the server was replaced."""

pack_command: Callable[[Any], bytes] | None
try:
    from hiredis import pack_command
except ImportError:
    pack_command = None

WITHOUT_LIBRARY_NAME: dict[str, None] = (
    {"driver_info": None}
    if hasattr(redis, "driver_info")  # from 7.2 on
    else {"lib_name": None, "lib_version": None}
)
"""Options of a connection that does not tell the server its library: that costs two commands."""


def connection_factory(
    url: str, socket_timeout: float | None = SOCKET_TIMEOUT
) -> Callable[[], Any]:
    """A function that makes connections to a server, each for one user, not yet connected.

    ``socket_timeout``: seconds; None waits for ever. Raises TypeError or ValueError for a URL that
    cannot be used. The function may raise CONNECTION_ERRORS and errors of buoy.
    """
    find_url = url_finder(url)
    if find_url is not None:
        return partial(new_connection, find_url, socket_timeout)
    pool = redis.ConnectionPool.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=socket_timeout,
        socket_connect_timeout=min(SOCKET_TIMEOUT, socket_timeout or SOCKET_TIMEOUT),
        protocol=2,
        **WITHOUT_LIBRARY_NAME,
    )
    try:
        pool.make_connection()  # raises TypeError for an unknown option
    except RedisError as error:
        raise TypeError(error_text(error)) from None
    return lambda: pool.connection_class(**pool.connection_kwargs)


def new_connection(find_url: Callable[[], str], socket_timeout: float | None) -> Any:
    """A connection to the server at its present place, not yet connected."""
    return connection_factory(find_url(), socket_timeout)()


def url_finder(url: str) -> Callable[[], str] | None:
    """A function that finds the present URL of a server that may move; None if it cannot move.

    The function may raise CONNECTION_ERRORS.
    """
    folder = folder_of(url)
    if folder is not None:
        return partial(join, folder)
    return primary_finder(url) if url.startswith("redis+sentinel:") else None


class ServerClient:
    """A client of one server; see Client."""

    def __init__(self, url: str, socket_timeout: float | None = SOCKET_TIMEOUT) -> None:
        self.url = url
        self.find_url = primary_finder(url) if url.startswith("redis+sentinel:") else None
        self.new = connection_factory(
            url, CLUSTER_NODE_TIMEOUT if self.find_url else socket_timeout
        )
        self.local = threading.local()

    def connection(self) -> Any:
        """The connection of this thread in this process, connected.

        Raises BrokerError, Unavailable among others, when there is none.
        """
        local = self.local
        if self.connected:
            if not (local.is_readable() and is_stale(local.connection)):
                return local.connection
            self.close()
        try:
            connection = self.new()
            connection.connect()
        except CONNECTION_ERRORS as error:
            raise no_connection_error(error) from error
        local.connection, local.owner = connection, os.getpid()
        local.is_readable = readability_check(socket_of(connection))
        return connection

    @property
    def connected(self) -> bool:
        """Whether this thread has a connection; the server may have closed it since."""
        return getattr(self.local, "owner", None) == os.getpid()

    def call(self, *args: RawArg) -> Any:
        return single_reply(self.calls([args]))

    def calls(self, commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        try:
            self.send(commands)
            if self.find_url is None:
                return self.receive(len(commands))
            deadline = time.monotonic() + SOCKET_TIMEOUT
            return self.receive(len(commands), deadline, self.is_replaced)
        except CONNECTION_ERRORS as error:
            self.close()
            raise no_reply_error(error) from error
        except BaseException:
            self.close()  # a reply that nobody reads would be taken for that of the next command
            raise

    def send(self, commands: Sequence[Sequence[RawArg]]) -> None:
        """The first half of ``calls``. The caller then calls ``receive`` or ``close``.

        Raises BrokerError when there is no connection, CONNECTION_ERRORS when sending fails.
        """
        connection = self.connection()
        connection.send_packed_command(pack_commands(connection, commands))

    def receive(
        self,
        count: int,
        deadline: float | None = None,
        replaced: Callable[[], bool] | None = None,
    ) -> list[Any]:
        """The second half of ``calls``: this many replies.

        Raises CONNECTION_ERRORS: a TimeoutError when the first reply has not begun by the deadline
        (``time.monotonic()``), or as soon as ``replaced`` says that another server has taken the
        place of this one.
        """
        connection = self.local.connection
        if deadline is not None:
            wait_for_reply(connection, deadline, replaced)
        replies = [read_reply(connection) for _ in range(count)]
        if any(isinstance(reply, Unavailable) for reply in replies):
            self.close()  # another server may have the name now
        return replies

    def is_replaced(self) -> bool:
        """Whether the sentinels name another server now."""
        connection = self.local.connection
        if self.find_url is None:
            return False
        return is_replaced(connection.host, connection.port, self.find_url)

    def with_timeout(self, seconds: float) -> "ServerClient":
        return self

    def group_queues(self, queues: Sequence[str]) -> list[Sequence[str]]:
        return [queues] if queues else []

    def close(self) -> None:
        if self.connected:
            self.local.connection.disconnect()
        self.local.owner = None


def wait_for_reply(connection: Any, deadline: float, replaced: Callable[[], bool] | None) -> None:
    """Wait until a reply begins; see ``ServerClient.receive`` for the errors."""
    while not connection.can_read(seconds_to_wait(deadline)):
        if time.monotonic() >= deadline or (replaced is not None and replaced()):
            raise exceptions.TimeoutError("it is silent")


def seconds_to_wait(deadline: float) -> float:
    """Seconds until the deadline or the next look for a replacement, whichever is earlier."""
    return min(REPLACEMENT_CHECK_SECONDS, max(0.0, deadline - time.monotonic()))


def pack_commands(connection: Any, commands: Sequence[Sequence[RawArg]]) -> Any:
    """The commands in the protocol of Redis; hiredis does it faster, if it is installed."""
    try:
        if pack_command is None:
            return connection.pack_commands(commands)
        return [b"".join([pack_command(tuple(command)) for command in commands])]
    except UnicodeEncodeError:  # some other program has written an id that is not UTF-8
        return pack_commands(connection, [list(map(raw_arg, command)) for command in commands])


def raw_arg(arg: RawArg) -> RawArg:
    """An argument as Redis holds it: of a text that was not UTF-8, the original bytes."""
    return arg.encode(errors="surrogateescape") if isinstance(arg, str) else arg


def socket_of(connection: Any) -> socket:
    """The socket of a connection that is connected.

    The client library has no public name for it: this is the one place that uses the private one.
    """
    found: socket = connection._sock
    return found


def readability_check(sock: socket) -> Callable[[], object]:
    """A function that tells without waiting whether the socket can be read."""
    if not hasattr(select, "poll"):  # on Windows
        return lambda: select.select([sock], [], [], 0)[0]
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return partial(poll.poll, 0)


def is_stale(connection: Any) -> bool:
    """Whether a connection with nothing outstanding cannot be used: the server has closed it, or
    something has arrived that is not a reply."""
    try:
        return bool(connection.can_read(0))
    except CONNECTION_ERRORS:
        return True


def read_reply(connection: Any) -> Any:
    """One reply, or the BrokerError by which Redis refused the command."""
    try:
        return connection.read_response()
    except ResponseError as error:
        return error_of_reply(error)
