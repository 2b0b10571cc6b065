"""From a URL to Redis."""

import re
from urllib.parse import urlsplit

from .cluster import SCHEMES, ClusterLink
from .errors import ConfigurationError
from .link import Link
from .wire import ServerLink

DATABASE = re.compile(r"/?\d*")
NO_SECRETS = "a port and a database are numbers; percent-encode what is special in a password"


def connect(url: str) -> Link:
    """A link to what the URL names."""
    scheme = url.partition("://")[0]
    try:
        match scheme:
            # The client library would take database 0 for it.
            case "redis" | "rediss" if not DATABASE.fullmatch(urlsplit(url).path):
                raise ValueError("expected the number of a database behind the host")
            case "redis" | "rediss" | "unix" | "embedded" | "redis+sentinel":
                return ServerLink(url)
            case _ if scheme in SCHEMES:
                return ClusterLink(url)
    except (ValueError, TypeError) as error:
        # What was taken for a port, and is none, may be a part of the password.
        secret = "@" in url and not isinstance(error, TypeError)
        reason = NO_SECRETS if secret else error
        raise ConfigurationError(
            f"BUOY_URL: expected a Redis URL, got {masked(url)!r} ({reason})"
        ) from None
    raise ConfigurationError(
        "BUOY_URL: expected a URL that starts with redis://, rediss://, unix://, "
        "redis+sentinel://, redis+cluster://, rediss+cluster:// or embedded://, "
        f"got {masked(url)!r}"
    )


def masked(url: str) -> str:
    """The URL without its password."""
    return re.sub(r"://([^:@/]*):.*@", r"://\1:***@", url)
