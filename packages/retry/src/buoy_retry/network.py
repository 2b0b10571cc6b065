"""The network's own errors: time-outs, connections that are refused, reset or lead nowhere."""

import errno

from .groups import loaded

UNREACHABLE = {
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
}


def is_network_error(error: object) -> bool:
    """Whether the way was blocked, not the request refused."""
    if isinstance(error, TimeoutError | ConnectionError):
        return True
    cut = loaded("socket.gaierror", "ssl.SSLEOFError", "ssl.SSLZeroReturnError")
    return isinstance(error, cut) or (isinstance(error, OSError) and error.errno in UNREACHABLE)
