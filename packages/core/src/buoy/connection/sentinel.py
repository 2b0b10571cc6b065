"""Finding the primary server that sentinels name: they are asked for each new connection."""

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from redis import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from ..text.urls import OddUrl, parse_url

SENTINEL_TIMEOUT = 1.0
"""Seconds that one sentinel has to answer before the next one is asked."""


def primary_finder(url: str) -> Callable[[], str]:
    """A function that asks the sentinels for the primary, and returns its redis:// URL.

    ``url``: redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]/SERVICE[/DATABASE]. Raises
    OddUrl for another URL. The function raises RedisError when no sentinel names a primary.
    """
    parts = parse_url(url)
    login, at, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise OddUrl("expected the name of the service behind the hosts")
    if parts.query:
        raise OddUrl("expected no options behind ?")
    sentinels = sentinels_of(hosts)

    def find_primary() -> str:
        try:
            host, port = sentinels.discover_master(service)
        except MasterNotFoundError:  # its message says nothing to a user
            raise MasterNotFoundError(
                f"expected one of the sentinels {hosts} to name the primary of {service!r}, "
                "got no answer, or no such service"
            ) from None
        host = f"[{host}]" if ":" in host else host
        return f"redis://{login}{at}{host}:{port}/{database or 0}"

    return find_primary


def sentinels_of(hosts: str) -> Sentinel:
    """The client of the sentinels at ``HOST[:PORT],HOST[:PORT]``; it asks each of them once."""
    return Sentinel(
        [sentinel_address(host) for host in hosts.split(",")],
        sentinel_kwargs={
            "socket_timeout": SENTINEL_TIMEOUT,
            "socket_connect_timeout": SENTINEL_TIMEOUT,
            "retry": Retry(NoBackoff(), 0),
        },
    )


def unknown_service_hint(url: str) -> str | None:
    """What to write instead, if sentinels answer and none of them knows the service; else None."""
    parts = parse_url(url)
    service = parts.path.strip("/").partition("/")[0]
    known = set[str]()
    for each in sentinels_of(parts.netloc.rpartition("@")[2]).sentinels:
        with suppress(RedisError):
            known |= set(map(str, each.sentinel_masters()))
    if not known or service in known:
        return None
    return f"they know no service {service!r}: expected one of {', '.join(sorted(known))}"


def is_replaced(host: str, port: int, find: Callable[[], str]) -> bool:
    """Whether the sentinels name another server than this one; False if none of them answers."""
    try:
        parts = urlsplit(find())
    except RedisError:
        return False
    return (parts.hostname, parts.port) != (host.lower(), int(port))


def sentinel_address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST[:PORT]``; raises ValueError for a port that is no number."""
    host, _, port = text.rpartition(":") if text.count(":") else (text, "", "26379")
    return host.strip("[]"), int(port)
