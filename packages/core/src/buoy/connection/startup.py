"""The first word with Redis: what waiting can mend is waited for, what it cannot ends the start."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from ..errors import BrokerError, RedisFull, Unavailable
from ..process.logs import Log
from .backoff import Backoff
from .sentinel import misnamed

logger = Log("buoy.worker")

PATIENCE = 2.0
TLS_SCHEMES = {"redis": "rediss", "redis+cluster": "rediss+cluster"}
"""How to name a server, and the same one where it speaks TLS."""


def is_final(error: BrokerError) -> bool:
    """Whether waiting does not mend it: a wrong password, a right that is missing."""
    return not isinstance(error, Unavailable | RedisFull)


def insist(greet: Callable[[], object], url: str, rest: Callable[[float], object]) -> None:
    """Greet until Redis answers, and rest for some seconds in between; what it waits for is said
    once. Raises BrokerError for what waiting does not mend."""
    pauses = Backoff()
    while True:
        try:
            greet()
        except BrokerError as error:
            refuse_what_is_final(error, url)
            if not pauses.failures:
                logger.warning("%s; waiting for it", error)
            pauses.fail()
            rest(pauses.seconds())
            continue
        if pauses.failures:
            logger.warning("Redis is back")
        return


def refuse_what_is_final(error: BrokerError, url: str) -> None:
    """Raises BrokerError for what waiting does not mend."""
    if is_final(error):
        raise error
    reason = misnamed(url) if url.startswith("redis+sentinel:") else misspoken(url)
    if reason is not None:
        raise BrokerError(f"{error}; {reason}") from error


def misspoken(url: str) -> str | None:
    """Where TLS is spoken to a server without, or the other way round: what to write instead."""
    scheme, _, rest = url.partition("://")
    right = {**TLS_SCHEMES, **{tls: plain for plain, tls in TLS_SCHEMES.items()}}.get(scheme)
    if right is None:
        return None
    host = urlsplit(f"//{rest.rpartition('@')[2].split(',')[0]}")
    understands = speaks_tls if right in TLS_SCHEMES.values() else speaks_plainly
    with suppress(OSError, ValueError):
        address = (host.hostname or "localhost", host.port or 6379)
        with socket.create_connection(address, PATIENCE) as probe:
            if understands(probe):
                says = "speaks TLS" if understands is speaks_tls else "speaks no TLS"
                return f"it {says}: expected BUOY_URL to start with {right}://"
    return None


def speaks_plainly(probe: socket.socket) -> bool:
    """Whether Redis answers without TLS, be it to ask for a password."""
    probe.sendall(b"PING\r\n")
    return probe.recv(1) in (b"+", b"-")


def speaks_tls(probe: socket.socket) -> bool:
    """Whether somebody does at the other end."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.wrap_socket(probe).close()
    return True
