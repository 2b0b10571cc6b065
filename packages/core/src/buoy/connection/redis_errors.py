"""Errors of the client library and replies of Redis, translated into the errors of buoy."""

import ssl

from redis import exceptions
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from ..errors import BrokerError, RedisFull, Unavailable, WrongType
from .client import UnknownScript

CONNECTION_ERRORS = (RedisError, OSError)
"""What a connection of the client library may raise."""

# Redis has executed nothing of the command; the command may succeed later.
TRANSIENT_ERRORS = (
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.MasterDownError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
)
TRANSIENT_CODES = ("BUSY", "MISCONF", "NOREPLICAS", "UNBLOCKED", "max number of clients")

SCRIPT_REFUSAL = "REFUSED "
"""A script of buoy begins an error with this when its arguments are wrong; see lua/base.lua."""

# Before redis-py 6.4 only its own cluster client turned these codes into exceptions.
ERROR_CLASSES: dict[str, type[ResponseError]] = {
    "ASK": exceptions.AskError,
    "MOVED": exceptions.MovedError,
    "CLUSTERDOWN": exceptions.ClusterDownError,
    "TRYAGAIN": exceptions.TryAgainError,
}

TLS_HANGUPS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError, TimeoutError)
"""How a TLS connection ends when the server or the network ends it."""


class SlotMoved(BrokerError):
    """Another node of the cluster has the slot of a command, or is taking it over.

    ``address`` is that node (without a host: the host of the node that replied). With ``once``
    only this command goes there, after ASKING; without it the slot has moved for good.
    """

    def __init__(self, error: exceptions.AskError) -> None:
        super().__init__(
            f"Redis is a cluster, another node has this slot ({error_text(error)}): "
            "expected BUOY_URL to start with redis+cluster://"
        )
        self.address = format_address(error.host, error.port)
        self.once = not isinstance(error, exceptions.MovedError)


class RedisTimeout(Unavailable):
    """No connection or no reply came in time: the server hangs, or the network does."""


def error_of_reply(error: ResponseError) -> BrokerError:
    """The error of buoy for a reply by which Redis refused a command."""
    error = with_exact_class(error)
    text = error_text(error)
    _, by_script, refusal = text.partition(SCRIPT_REFUSAL)
    if by_script:  # its text may hold a word that looks like a code of Redis
        return BrokerError(f"a script refused {refusal.partition(' script:')[0]}")
    if isinstance(error, exceptions.NoScriptError):
        return UnknownScript(text)
    if isinstance(error, exceptions.AskError):
        return SlotMoved(error)
    if isinstance(error, exceptions.OutOfMemoryError) or "OOM" in text:
        return RedisFull(f"Redis is full: {text}")
    if isinstance(error, TRANSIENT_ERRORS) or any(code in text for code in TRANSIENT_CODES):
        return Unavailable(f"Redis cannot do it now: {text}", sent=False)
    return (WrongType if "WRONGTYPE" in text else BrokerError)(f"Redis refused: {text}")


def with_exact_class(error: ResponseError) -> ResponseError:
    """The error with the class that newer client libraries give it; see ERROR_CLASSES."""
    code, _, rest = str(error).partition(" ")
    known = code in ERROR_CLASSES and type(error) is ResponseError
    return ERROR_CLASSES[code](rest) if known else error


def no_reply_error(error: Exception) -> BrokerError:
    """The error of buoy for an exception that came in place of a reply."""
    if (final := permanent_error(error)) is not None:
        return final
    kind = RedisTimeout if isinstance(error, exceptions.TimeoutError) else Unavailable
    return kind(f"Redis did not answer: {error_text(error)}", sent=not is_transient(error))


def no_connection_error(error: Exception) -> BrokerError:
    """The error of buoy for an exception that came in place of a connection."""
    if (final := permanent_error(error)) is not None:
        return final
    kind = RedisTimeout if isinstance(error, exceptions.TimeoutError) else Unavailable
    return kind(f"Redis cannot be reached: {error_text(error)}", sent=False)


def is_transient(error: Exception) -> bool:
    """Whether Redis refused a command, executed nothing of it, and may accept it later."""
    if isinstance(error, TRANSIENT_ERRORS):
        return True
    return any(code in str(error) for code in TRANSIENT_CODES)


def permanent_error(error: Exception) -> BrokerError | None:
    """The error of buoy for an exception that further tries would not mend; None for others."""
    for each in (error, error.__cause__, error.__context__):
        if isinstance(each, AuthenticationError):
            return BrokerError(f"Redis refuses the login: {error_text(each)}")
        if isinstance(each, ResponseError) and not is_transient(each):
            return BrokerError(f"Redis refuses the connection: {error_text(each)}")
        if isinstance(each, exceptions.InvalidResponse):
            text = error_text(each)
            return BrokerError(f"expected a Redis server, got an answer of another: {text}")
        if isinstance(each, ssl.SSLError) and not isinstance(each, TLS_HANGUPS):
            return BrokerError(f"Redis cannot be reached by TLS: {error_text(each)}")
    return None


def error_text(error: BaseException) -> str:
    """The message of an exception without a full stop at its end; its class if it is empty."""
    return str(error).rstrip(".") or type(error).__name__


def format_address(host: str, port: int) -> str:
    """``HOST:PORT``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
