"""The first contact of a worker or daemon with Redis.

An outage is waited for; an error that waiting cannot mend ends the start.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from ..errors import BrokerError, RedisFull, Unavailable
from ..process.logs import Log
from .backoff import Backoff
from .sentinel import unknown_service_hint

logger = Log("buoy.worker")

PROBE_TIMEOUT = 2.0
"""Seconds for finding out whether a server speaks TLS."""
TLS_SCHEMES = {"redis": "rediss", "redis+cluster": "rediss+cluster"}
"""The scheme of a URL without TLS, and the one with TLS."""


def is_permanent(error: BrokerError) -> bool:
    """Whether waiting cannot mend an error: a wrong password, a missing permission."""
    return not isinstance(error, Unavailable | RedisFull)


def wait_for_redis(greet: Callable[[], object], url: str, rest: Callable[[float], object]) -> None:
    """Call ``greet`` until it raises no BrokerError, and ``rest(seconds)`` in between.

    Logs the first outage, and the end of it. Raises BrokerError when waiting cannot mend the error.
    ``rest`` may raise to give up.
    """
    pauses = Backoff()
    while True:
        try:
            greet()
        except BrokerError as error:
            raise_if_permanent(error, url)
            if not pauses.failures:
                logger.warning("%s; waiting for it", error)
            pauses.fail()
            rest(pauses.seconds_left())
            continue
        if pauses.failures:
            logger.warning("Redis is back")
        return


def raise_if_permanent(error: BrokerError, url: str) -> None:
    """Raise BrokerError for an error that waiting cannot mend, with a hint if there is one."""
    if is_permanent(error):
        raise error
    hint = (
        unknown_service_hint(url) if url.startswith("redis+sentinel:") else tls_mismatch_hint(url)
    )
    if hint is not None:
        raise BrokerError(f"{error}; {hint}") from error


def tls_mismatch_hint(url: str) -> str | None:
    """What to write instead, if the URL asks for TLS and the server has none, or the reverse."""
    scheme, _, rest = url.partition("://")
    other = {**TLS_SCHEMES, **{tls: plain for plain, tls in TLS_SCHEMES.items()}}.get(scheme)
    if other is None:
        return None
    host = urlsplit(f"//{rest.rpartition('@')[2].split(',')[0]}")
    wants_tls = other in TLS_SCHEMES.values()
    answers = answers_with_tls if wants_tls else answers_without_tls
    with suppress(OSError, ValueError):
        address = (host.hostname or "localhost", host.port or 6379)
        with socket.create_connection(address, PROBE_TIMEOUT) as probe:
            if answers(probe):
                speaks = "speaks TLS" if wants_tls else "speaks no TLS"
                return f"it {speaks}: expected BUOY_URL to start with {other}://"
    return None


def answers_without_tls(probe: socket.socket) -> bool:
    """Whether Redis answers without TLS, if only by asking for a password; raises OSError."""
    probe.sendall(b"PING\r\n")
    return probe.recv(1) in (b"+", b"-")


def answers_with_tls(probe: socket.socket) -> bool:
    """Whether the other end speaks TLS; raises OSError if not."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.wrap_socket(probe).close()
    return True
