"""Errors of the network: time-outs, connections that are refused or reset, unknown hosts."""

import errno

from .error_kinds import loaded_classes

UNREACHABLE = {
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
}


def is_network_error(error: object) -> bool:
    """Whether the connection failed, and no server has refused the request."""
    if isinstance(error, TimeoutError | ConnectionError):
        return True
    cut = loaded_classes("socket.gaierror", "ssl.SSLEOFError", "ssl.SSLZeroReturnError")
    return isinstance(error, cut) or (isinstance(error, OSError) and error.errno in UNREACHABLE)
