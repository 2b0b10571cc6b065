"""From a URL to a client of Redis."""

import re

from ..errors import ConfigurationError
from ..text.urls import SPECIAL, OddUrl, masked, split
from .client import Client
from .cluster import SCHEMES, ClusterClient
from .server import ServerClient

DATABASE = re.compile(r"/?\d*")


def connect(url: str) -> Client:
    """A client of the Redis that the URL names; it connects with its first call.

    Raises ConfigurationError for a URL that cannot be used; its password is not shown.
    """
    scheme = url.partition("://")[0]
    try:
        match scheme:
            # The client library would silently use database 0.
            case "redis" | "rediss" if not DATABASE.fullmatch(split(url).path):
                raise OddUrl("expected the number of a database behind the host")
            case "embedded":
                return ServerClient(url)
            case "redis" | "rediss" | "unix" | "redis+sentinel" if split(url):
                return ServerClient(url)
            case _ if scheme in SCHEMES and split(url):
                return ClusterClient(url)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"BUOY_URL: expected a Redis URL, got {masked(url)!r} ({explain_error(error)})"
        ) from None
    raise ConfigurationError(
        "BUOY_URL: expected a URL that starts with redis://, rediss://, unix://, "
        f"redis+sentinel://, redis+cluster:// or embedded://, got {masked(url)!r}"
    )


def explain_error(error: Exception) -> str:
    """Why a URL cannot be used.

    Messages of the client library are not shown: they may quote a part of a password.
    """
    if isinstance(error, OddUrl):
        return str(error)
    if isinstance(error, TypeError):
        return "there is no such option behind ?, or not with such a value"
    return SPECIAL
