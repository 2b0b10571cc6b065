"""The way to the primary that sentinels name: asked anew for each connection."""

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from redis import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from ..text.urls import OddUrl, parsed

PATIENCE = 1.0
"""Seconds for one sentinel to answer; then the next one is asked."""


def primary(url: str) -> Callable[[], str]:
    """What tells the redis:// URL of the present primary.

    ``url``: redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]/SERVICE[/DATABASE]
    """
    parts = parsed(url)
    login, at, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise OddUrl("expected the name of the service behind the hosts")
    if parts.query:
        raise OddUrl("expected no options behind ?")
    watch = watchers(hosts)

    def found() -> str:
        try:
            host, port = watch.discover_master(service)
        except MasterNotFoundError:  # its words are those of programmers
            raise MasterNotFoundError(
                f"expected one of the sentinels {hosts} to name the primary of {service!r}, "
                "got no answer, or no such service"
            ) from None
        host = f"[{host}]" if ":" in host else host
        return f"redis://{login}{at}{host}:{port}/{database or 0}"

    return found


def watchers(hosts: str) -> Sentinel:
    """The sentinels, each asked only once."""
    return Sentinel(
        [address(host) for host in hosts.split(",")],
        sentinel_kwargs={
            "socket_timeout": PATIENCE,
            "socket_connect_timeout": PATIENCE,
            "retry": Retry(NoBackoff(), 0),
        },
    )


def misnamed(url: str) -> str | None:
    """Where sentinels answer and none of them knows the service: what to write instead."""
    parts = parsed(url)
    service = parts.path.strip("/").partition("/")[0]
    known = set[str]()
    for each in watchers(parts.netloc.rpartition("@")[2]).sentinels:
        with suppress(RedisError):
            known |= set(map(str, each.sentinel_masters()))
    if not known or service in known:
        return None
    return f"they know no service {service!r}: expected one of {', '.join(sorted(known))}"


def is_replaced(host: str, port: int, find: Callable[[], str]) -> bool:
    """Whether the sentinels name another server than this one."""
    try:
        parts = urlsplit(find())
    except RedisError:
        return False  # nobody knows better
    return (parts.hostname, parts.port) != (host.lower(), int(port))


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if text.count(":") else (text, "", "26379")
    return host.strip("[]"), int(port)
