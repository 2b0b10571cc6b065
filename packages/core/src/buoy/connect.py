"""From a URL to Redis: one connection a thread, and every error as one of ours.

The client library's own retries are off: a command whose reply was lost may have been executed,
and only who sent it knows whether it may be repeated.
"""

import os
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.retry import Retry

from .errors import BrokerError, ConfigurationError, RedisFull, Unavailable
from .scripts import Script

Word = str | bytes | int | float
Act = tuple[Script, Sequence[str], Sequence[Word]]
SOCKET_TIMEOUT = 5.0
REDIRECTIONS = 5

# What a server says when the same command may go through later, none of it executed now.
PASSING = (
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.MasterDownError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
)
PASSING_CODES = ("BUSY", "MISCONF", "NOREPLICAS", "UNBLOCKED", "max number of clients")


FAULTS = (RedisError, OSError)
"""What a connection may raise."""


class Link(Protocol):
    """A way to a Redis, for any number of threads."""

    def call(self, *words: Word) -> Any:
        """Send one command, once, and return its reply (texts as bytes)."""

    def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """Send commands in one round trip; a refused one has its exception in place of a reply."""

    def together(self, queues: Sequence[str]) -> list[Sequence[str]]:
        """Queues in groups such that one script may look at all queues of a group."""

    def close(self) -> None:
        """Close the connection of this thread."""


def connections(url: str, socket_timeout: float | None = SOCKET_TIMEOUT) -> Callable[[], Any]:
    """What makes connections to a server, each for one user, not yet connected."""
    pool = redis.ConnectionPool.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=socket_timeout,
        socket_connect_timeout=SOCKET_TIMEOUT,
        protocol=2,
        driver_info=None,
    )
    return lambda: pool.connection_class(**pool.connection_kwargs)


class ServerLink:
    """A way to one server."""

    def __init__(self, url: str, socket_timeout: float | None = SOCKET_TIMEOUT) -> None:
        self.url = url
        self.new = connections(url, socket_timeout)
        self.local = threading.local()

    def connection(self) -> Any:
        """The connection of this thread in this process, connected."""
        if getattr(self.local, "owner", None) == os.getpid():
            return self.local.connection
        connection = self.new()
        try:
            connection.connect()
        except AuthenticationError as error:
            raise BrokerError(f"Redis refuses the login: {reason(error)}") from error
        except FAULTS as error:
            raise Unavailable(f"Redis cannot be reached: {reason(error)}", sent=False) from error
        self.local.connection, self.local.owner = connection, os.getpid()
        return connection

    def call(self, *words: Word) -> Any:
        return only(self.calls([words]))

    def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        connection = self.connection()
        try:
            connection.send_packed_command(connection.pack_commands(commands))
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


def read(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return refusal(error)


class ClusterLink:
    """A way to a cluster: a link to each node, and where the slots are."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.parts = urlsplit(url.replace("redis+cluster:", "redis:", 1))
        login, at, self.seed = self.parts.netloc.rpartition("@")
        self.login = login + at
        self.nodes: dict[str, ServerLink] = {}
        self.slots: dict[int, str] = {}
        self.node(self.seed)

    def node(self, address: str) -> ServerLink:
        url = self.parts._replace(netloc=self.login + address).geturl()
        return self.nodes.get(address) or self.nodes.setdefault(address, ServerLink(url))

    def learn(self) -> dict[int, str]:
        """Ask the nodes, one after the other, who serves which slot."""
        error = None
        for address in (self.seed, *self.nodes):
            try:
                ranges = self.node(address).call("CLUSTER", "SLOTS")
            except Unavailable as unavailable:
                error = unavailable
                continue
            host = address.rpartition(":")[0] or address
            slots: dict[int, str] = {}
            for first, last, (own, port, *_), *_ in ranges:
                slots |= dict.fromkeys(
                    range(first, last + 1), f"{(own or b'').decode() or host}:{port}"
                )
            return slots
        raise error or Unavailable("Redis cannot be reached", sent=False)

    def call(self, *words: Word) -> Any:
        return only(self.calls([words]))

    def calls(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        slots = self.slots = self.slots or self.learn()
        there: dict[str, list[int]] = {}
        for number, words in enumerate(commands):
            there.setdefault(slots.get(slot_of(words), self.seed), []).append(number)
        replies: dict[int, Any] = {}
        for address, numbers in there.items():
            answers = self.ask(address, [commands[number] for number in numbers])
            replies |= zip(numbers, answers, strict=True)
        return [self.follow(words, replies[number]) for number, words in enumerate(commands)]

    def ask(self, address: str, commands: Sequence[Sequence[Word]]) -> list[Any]:
        try:
            return self.node(address).calls(commands)
        except Unavailable as error:
            self.slots = {}
            return [error] * len(commands)

    def follow(self, words: Sequence[Word], reply: Any) -> Any:
        """The reply of the node that the slot has moved to, if it has."""
        for _ in range(REDIRECTIONS):
            if not isinstance(reply, Elsewhere):
                break
            asking = [["ASKING"]] if reply.once else []
            self.slots = self.slots if reply.once else {}
            reply = self.ask(reply.address, [*asking, words])[-1]
        return reply

    def together(self, queues: Sequence[str]) -> list[Sequence[str]]:
        return [[queue] for queue in queues]

    def close(self) -> None:
        for node in list(self.nodes.values()):
            node.close()


def slot_of(words: Sequence[Word]) -> int:
    """The slot of a command: of its first key."""
    position = 3 if words[0] in ("EVAL", "EVALSHA") else 1
    return int(key_slot(str(words[position]).encode())) if len(words) > position else 0


def connect(url: str) -> Link:
    """A link to what the URL names."""
    scheme = url.partition("://")[0]
    try:
        match scheme:
            case "redis" | "rediss" | "unix":
                return ServerLink(url)
            case "redis+cluster":
                return ClusterLink(url)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"BUOY_URL: expected a Redis URL, got {masked(url)!r} ({error})"
        ) from None
    raise ConfigurationError(
        "BUOY_URL: expected a URL that starts with redis://, rediss://, unix:// or "
        f"redis+cluster://, got {masked(url)!r}"
    )


def masked(url: str) -> str:
    """The URL without its password."""
    return re.sub(r":[^:@/]*@", ":***@", url)


def run_scripts(link: Link, acts: Sequence[Act]) -> list[Any]:
    """Run scripts in one round trip, or two when the server does not know one of them yet.

    A refused one has its exception in place of a reply.
    """
    replies = link.calls([["EVALSHA", s.sha, len(k), *k, *a] for s, k, a in acts])
    unknown = [n for n, reply in enumerate(replies) if isinstance(reply, UnknownScript)]
    if unknown:
        whole = [acts[n] for n in unknown]
        again = link.calls([["EVAL", s.text, len(k), *k, *a] for s, k, a in whole])
        for n, reply in zip(unknown, again, strict=True):
            replies[n] = reply
    return replies


def run_script(link: Link, script: Script, keys: Sequence[str], *args: Word) -> Any:
    """Run one script and return its reply."""
    return only(run_scripts(link, [(script, keys, args)]))


def accepted(replies: list[Any]) -> list[Any]:
    """The replies, if none of them is a refusal."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def only(replies: list[Any]) -> Any:
    """The one reply, if it is no refusal."""
    return accepted(replies)[0]


class UnknownScript(BrokerError):
    """The server was restarted, or is another one: it must be sent the script's text."""


class Elsewhere(Unavailable):
    """Another node of the cluster has the slot, or takes it over: then it is asked ``once``."""

    def __init__(self, error: exceptions.AskError) -> None:
        super().__init__(
            f"Redis is a cluster, another node has this slot ({reason(error)}): "
            "expected BUOY_URL to start with redis+cluster://",
            sent=False,
        )
        self.address = f"{error.host}:{error.port}"
        self.once = not isinstance(error, exceptions.MovedError)


def refusal(error: ResponseError) -> BrokerError:
    """What Redis said no to, as one of ours."""
    text = reason(error)
    if isinstance(error, exceptions.NoScriptError):
        return UnknownScript(text)
    if isinstance(error, exceptions.AskError):
        return Elsewhere(error)
    if isinstance(error, exceptions.OutOfMemoryError) or "OOM" in text:
        return RedisFull(f"Redis is full: {text}")
    if isinstance(error, PASSING) or any(code in text for code in PASSING_CODES):
        return Unavailable(f"Redis cannot do it now: {text}", sent=False)
    return BrokerError(f"Redis refused: {text}")


def lost(error: Exception) -> BrokerError:
    """Why there was no reply, as one of ours."""
    if isinstance(error, AuthenticationError):
        return BrokerError(f"Redis refuses the login: {reason(error)}")
    waits = isinstance(error, PASSING) or any(code in str(error) for code in PASSING_CODES)
    return Unavailable(f"Redis did not answer: {reason(error)}", sent=not waits)


def reason(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__
