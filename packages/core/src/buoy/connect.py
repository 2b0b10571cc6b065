"""From a URL to Redis."""

import re

from .cluster import ClusterLink
from .errors import ConfigurationError
from .link import Link
from .wire import ServerLink


def connect(url: str) -> Link:
    """A link to what the URL names."""
    scheme = url.partition("://")[0]
    try:
        match scheme:
            case "redis" | "rediss" | "unix" | "embedded" | "redis+sentinel":
                return ServerLink(url)
            case "redis+cluster":
                return ClusterLink(url)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"BUOY_URL: expected a Redis URL, got {masked(url)!r} ({error})"
        ) from None
    raise ConfigurationError(
        "BUOY_URL: expected a URL that starts with redis://, rediss://, unix://, "
        f"redis+sentinel://, redis+cluster:// or embedded://, got {masked(url)!r}"
    )


def masked(url: str) -> str:
    """The URL without its password."""
    return re.sub(r":[^:@/]*@", ":***@", url)
