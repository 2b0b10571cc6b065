"""Sockets that listen."""

import errno
import os
import socket

from ..errors import ConfigurationError


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens there, for a command with the options --host and --port.

    Raises ConfigurationError if nobody can listen there; it says what to do.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=100)
    except (OSError, ValueError) as error:  # ValueError: no host can have that name
        raise ConfigurationError(explain(host, port, error)) from error


def explain(host: str, port: int, error: OSError | ValueError) -> str:
    """Returns why nobody can listen there, and what to do."""
    unknown = isinstance(error, socket.gaierror | ValueError)
    code = None if unknown else getattr(error, "errno", None)
    # Python's own text for a code repeats the address.
    reason = os.strerror(code) if code else getattr(error, "strerror", None) or str(error)
    if unknown or code == errno.EADDRNOTAVAIL:
        return f"--host: expected a name or an address of this machine, got {host}: {reason}"
    return (
        f"--port: expected a free port of {host}, got {port}: {reason}; choose another --port, or "
        "end the process that has it"
    )


def address_of(host: str, listening: socket.socket) -> str:
    """Returns the address for browsers of a socket that listens on this host."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/"
