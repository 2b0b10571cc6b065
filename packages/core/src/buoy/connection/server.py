"""The way to one server: one connection a thread, and every error as one of ours.

The client library's own retries are off: a command whose reply was lost may have been executed,
and only who sent it knows whether it may be repeated.
"""

import os
import select
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from socket import socket
from typing import Any

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.retry import Retry

from ..embedded.join import folder_of, join
from ..errors import BrokerError, RedisFull, Unavailable, WrongType
from .client import UnknownScript, Word, only
from .sentinel import is_replaced, primary

SOCKET_TIMEOUT = 5.0
NODE_TIMEOUT = 2.0
"""Seconds in which one server of several lets a connection be made and a command be sent; for its
reply it has longer."""
WATCH = 0.5
"""Seconds for which a server may be silent before others are asked whether it was replaced."""

pack_command: Callable[[Any], bytes] | None
try:
    from hiredis import pack_command
except ImportError:
    pack_command = None

# What a server says when the same command may go through later, none of it executed now.
PASSING = (
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.MasterDownError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
)
PASSING_CODES = ("BUSY", "MISCONF", "NOREPLICAS", "UNBLOCKED", "max number of clients")

REFUSED = "REFUSED "
"""With this the scripts begin to say what is wrong with their words; see lua/base.lua."""

# Before redis-py 6.4 only its own client of clusters knows what these words mean.
CODES: dict[str, type[ResponseError]] = {
    "ASK": exceptions.AskError,
    "MOVED": exceptions.MovedError,
    "CLUSTERDOWN": exceptions.ClusterDownError,
    "TRYAGAIN": exceptions.TryAgainError,
}

UNNAMED: dict[str, None] = (
    {"driver_info": None}
    if hasattr(redis, "driver_info")  # from 7.2 on
    else {"lib_name": None, "lib_version": None}
)
"""Options of a connection that does not tell the server its library: that costs two commands."""

HUNG_UP = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError, TimeoutError)
"""How TLS ends when the server or the network does."""

FAULTS = (RedisError, OSError)
"""What a connection may raise."""


def connections(url: str, socket_timeout: float | None = SOCKET_TIMEOUT) -> Callable[[], Any]:
    """What makes connections to a server, each for one user, not yet connected."""
    find = finder(url)
    if find is not None:
        return partial(found, find, socket_timeout)
    pool = redis.ConnectionPool.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=socket_timeout,
        socket_connect_timeout=min(SOCKET_TIMEOUT, socket_timeout or SOCKET_TIMEOUT),
        protocol=2,
        **UNNAMED,
    )
    try:
        pool.make_connection()  # raises TypeError for an option that there is not
    except RedisError as error:
        raise TypeError(reason(error)) from None
    return lambda: pool.connection_class(**pool.connection_kwargs)


def found(find: Callable[[], str], socket_timeout: float | None) -> Any:
    """A connection to the server where it is now."""
    return connections(find(), socket_timeout)()


def finder(url: str) -> Callable[[], str] | None:
    """Where the server is at another place each time, what finds it; it may raise FAULTS."""
    folder = folder_of(url)
    if folder is not None:
        return partial(join, folder)
    return primary(url) if url.startswith("redis+sentinel:") else None


class ServerClient:
    """A way to one server."""

    def __init__(self, url: str, socket_timeout: float | None = SOCKET_TIMEOUT) -> None:
        self.url = url
        self.find = primary(url) if url.startswith("redis+sentinel:") else None
        self.new = connections(url, NODE_TIMEOUT if self.find else socket_timeout)
        self.local = threading.local()

    def connection(self) -> Any:
        """The connection of this thread in this process, connected."""
        local = self.local
        if self.connected:
            if not (local.readable() and stale(local.connection)):
                return local.connection
            self.close()
        try:
            connection = self.new()
            connection.connect()
        except FAULTS as error:
            raise unconnected(error) from error
        local.connection, local.owner = connection, os.getpid()
        local.readable = reader_of(connection._sock)
        return connection

    @property
    def connected(self) -> bool:
        """Whether this thread has a connection, as far as it knows."""
        return getattr(self.local, "owner", None) == os.getpid()

    def call(self, *words: Word) -> Any:
        return only(self.calls([words]))

    def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        try:
            self.send(commands)
            if self.find is None:
                return self.receive(len(commands))
            deadline = time.monotonic() + SOCKET_TIMEOUT
            return self.receive(len(commands), deadline, self.is_replaced)
        except FAULTS as error:
            self.close()
            raise lost(error) from error
        except BaseException:
            self.close()  # an answer that nobody reads would be taken for that of the next command
            raise

    def send(self, commands: Sequence[Sequence[Word]]) -> None:
        """The first half of a call. Whatever comes in between, the second half follows, or the
        connection is closed."""
        connection = self.connection()
        connection.send_packed_command(pack(connection, commands))

    def receive(
        self,
        count: int,
        deadline: float | None = None,
        replaced: Callable[[], bool] | None = None,
    ) -> list[Any]:
        """The second half of a call: the replies, if they begin by the deadline (monotonic), and as
        long as no other server has taken the place of this one."""
        connection = self.local.connection
        if deadline is not None:
            wait(connection, deadline, replaced)
        replies = [read(connection) for _ in range(count)]
        if any(isinstance(reply, Unavailable) for reply in replies):
            self.close()  # by its name, another server may be found
        return replies

    def is_replaced(self) -> bool:
        """Whether the sentinels name another server by now."""
        connection = self.local.connection
        return self.find is not None and is_replaced(connection.host, connection.port, self.find)

    def hurried(self, seconds: float) -> "ServerClient":
        """Itself: where there is one server, nobody else is held up by it."""
        return self

    def together(self, queues: Sequence[str]) -> list[Sequence[str]]:
        return [queues] if queues else []

    def close(self) -> None:
        if self.connected:
            self.local.connection.disconnect()
        self.local.owner = None


def wait(connection: Any, deadline: float, replaced: Callable[[], bool] | None) -> None:
    """Wait for a reply."""
    while not connection.can_read(min(WATCH, max(0.0, deadline - time.monotonic()))):
        if time.monotonic() >= deadline or (replaced is not None and replaced()):
            raise exceptions.TimeoutError("it is silent")


def pack(connection: Any, commands: Sequence[Sequence[Word]]) -> Any:
    """The commands as the server reads them; hiredis makes that in one go, if it is there."""
    try:
        if pack_command is None:
            return connection.pack_commands(commands)
        return [b"".join([pack_command(tuple(words)) for words in commands])]
    except UnicodeEncodeError:  # an id that somebody else has written, and that is no UTF-8
        return pack(connection, [[as_it_was(word) for word in words] for words in commands])


def as_it_was(word: Word) -> Word:
    """A word as Redis holds it, the bytes of one that is no UTF-8."""
    return word.encode(errors="surrogateescape") if isinstance(word, str) else word


def reader_of(sock: socket) -> Callable[[], object]:
    """What tells at once whether something can be read."""
    if not hasattr(select, "poll"):  # on Windows
        return lambda: select.select([sock], [], [], 0)[0]
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return partial(poll.poll, 0)


def stale(connection: Any) -> bool:
    """Whether the server has hung up since: nothing sent would be answered. It may also be that
    something came which is no answer."""
    try:
        return bool(connection.can_read(0))
    except FAULTS:
        return True


def read(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return refusal(error)


class Elsewhere(BrokerError):
    """Another node of the cluster has the slot, or takes it over: then it is asked ``once``."""

    def __init__(self, error: exceptions.AskError) -> None:
        super().__init__(
            f"Redis is a cluster, another node has this slot ({reason(error)}): "
            "expected BUOY_URL to start with redis+cluster://"
        )
        self.address = address_of(error.host, error.port)
        self.once = not isinstance(error, exceptions.MovedError)


def refusal(error: ResponseError) -> BrokerError:
    """What Redis said no to, as one of ours."""
    error = told_apart(error)
    text = reason(error)
    _, ours, said = text.partition(REFUSED)
    if ours:  # by a script of ours: a word in it is no code of Redis
        return BrokerError(f"a script refused {said.partition(' script:')[0]}")
    if isinstance(error, exceptions.NoScriptError):
        return UnknownScript(text)
    if isinstance(error, exceptions.AskError):
        return Elsewhere(error)
    if isinstance(error, exceptions.OutOfMemoryError) or "OOM" in text:
        return RedisFull(f"Redis is full: {text}")
    if isinstance(error, PASSING) or any(code in text for code in PASSING_CODES):
        return Unavailable(f"Redis cannot do it now: {text}", sent=False)
    return (WrongType if "WRONGTYPE" in text else BrokerError)(f"Redis refused: {text}")


def told_apart(error: ResponseError) -> ResponseError:
    code, _, rest = str(error).partition(" ")
    return CODES[code](rest) if code in CODES and type(error) is ResponseError else error


class Silent(Unavailable):
    """No answer came in time: the server hangs, or the network does."""


def lost(error: Exception) -> BrokerError:
    """Why there was no reply, as one of ours."""
    if (final := hopeless(error)) is not None:
        return final
    kind = Silent if isinstance(error, exceptions.TimeoutError) else Unavailable
    return kind(f"Redis did not answer: {reason(error)}", sent=not passes(error))


def unconnected(error: Exception) -> BrokerError:
    """Why there is no connection, as one of ours."""
    if (final := hopeless(error)) is not None:
        return final
    kind = Silent if isinstance(error, exceptions.TimeoutError) else Unavailable
    return kind(f"Redis cannot be reached: {reason(error)}", sent=False)


def passes(error: Exception) -> bool:
    return isinstance(error, PASSING) or any(code in str(error) for code in PASSING_CODES)


def hopeless(error: Exception) -> BrokerError | None:
    """What another try would not mend."""
    for each in (error, error.__cause__, error.__context__):
        if isinstance(each, AuthenticationError):
            return BrokerError(f"Redis refuses the login: {reason(each)}")
        if isinstance(each, ResponseError) and not passes(each):
            return BrokerError(f"Redis refuses the connection: {reason(each)}")
        if isinstance(each, exceptions.InvalidResponse):
            return BrokerError(f"expected a Redis server, got an answer of another: {reason(each)}")
        if isinstance(each, ssl.SSLError) and not isinstance(each, HUNG_UP):
            return BrokerError(f"Redis cannot be reached by TLS: {reason(each)}")
    return None


def reason(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__


def address_of(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
