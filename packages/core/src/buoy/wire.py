"""The way to one server: one connection a thread, and every error as one of ours.

The client library's own retries are off: a command whose reply was lost may have been executed,
and only who sent it knows whether it may be repeated.
"""

import os
import select
import threading
from collections.abc import Callable, Sequence
from functools import partial
from socket import socket
from typing import Any

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.retry import Retry

from .embedded import folder_of, join
from .errors import BrokerError, RedisFull, Unavailable, WrongType
from .link import UnknownScript, Word, only
from .sentinel import primary

SOCKET_TIMEOUT = 5.0

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
        socket_connect_timeout=SOCKET_TIMEOUT,
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


class ServerLink:
    """A way to one server."""

    def __init__(self, url: str, socket_timeout: float | None = SOCKET_TIMEOUT) -> None:
        self.url = url
        self.new = connections(url, socket_timeout)
        self.local = threading.local()

    def connection(self) -> Any:
        """The connection of this thread in this process, connected."""
        local = self.local
        if getattr(local, "owner", None) == os.getpid():
            if not (local.readable() and stale(local.connection)):
                return local.connection
            self.close()
        try:
            connection = self.new()
            connection.connect()
        except AuthenticationError as error:
            raise BrokerError(f"Redis refuses the login: {reason(error)}") from error
        except FAULTS as error:
            raise Unavailable(f"Redis cannot be reached: {reason(error)}", sent=False) from error
        local.connection, local.owner = connection, os.getpid()
        local.readable = reader_of(connection._sock)
        return connection

    def call(self, *words: Word) -> Any:
        return only(self.calls([words]))

    def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        connection = self.connection()
        packed = pack(connection, commands)
        try:
            connection.send_packed_command(packed)
            replies = [read(connection) for _ in commands]
        except FAULTS as error:
            self.close()
            raise lost(error) from error
        except BaseException:
            self.close()  # an answer that nobody reads would be taken for that of the next command
            raise
        if any(isinstance(reply, Unavailable) for reply in replies):
            self.close()  # by its name, another server may be found
        return replies

    def together(self, queues: Sequence[str]) -> list[Sequence[str]]:
        return [queues] if queues else []

    def close(self) -> None:
        if getattr(self.local, "owner", None) == os.getpid():
            self.local.connection.disconnect()
        self.local.owner = None


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


class Elsewhere(Unavailable):
    """Another node of the cluster has the slot, or takes it over: then it is asked ``once``."""

    def __init__(self, error: exceptions.AskError) -> None:
        super().__init__(
            f"Redis is a cluster, another node has this slot ({reason(error)}): "
            "expected BUOY_URL to start with redis+cluster://",
            sent=False,
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


def lost(error: Exception) -> BrokerError:
    """Why there was no reply, as one of ours."""
    if isinstance(error, AuthenticationError):
        return BrokerError(f"Redis refuses the login: {reason(error)}")
    waits = isinstance(error, PASSING) or any(code in str(error) for code in PASSING_CODES)
    return Unavailable(f"Redis did not answer: {reason(error)}", sent=not waits)


def reason(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__


def address_of(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
