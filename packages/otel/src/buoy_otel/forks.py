"""What a forked process must not share with the one that has forked it: open connections.

The SDK starts its threads again in a forked process, but its exporters keep their connections. Two
processes that speak over one connection at once garble what they say. So a forked process forgets
the connections of its exporters, and opens its own when it exports.
"""

import os
from typing import Any

from opentelemetry import _logs, metrics, trace

LIBRARIES = ("opentelemetry", "requests")
"""Objects of these libraries are searched for connections; exporters keep theirs in them."""
CONTAINERS = (list, tuple)

forgotten: list[Any] = []
"""Connections of other processes. They are kept, since closing them takes locks that a thread of
the other process may have held at the fork."""


def providers() -> tuple[object, object, object]:
    """Returns the providers that the app has set up; placeholders where it has none."""
    return trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()


def forget_connections() -> None:
    """Let the exporters of this process open new connections."""
    for manager in connection_managers():
        forgotten.append(manager.pools)
        manager.pools = type(manager.pools)()


def connection_managers() -> list[Any]:
    """Returns urllib3's managers of connections that the providers reach, which are in attributes
    that each version of an exporter calls otherwise."""
    found: list[Any] = []
    seen: set[int] = set()
    left: list[Any] = list(providers())
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if "pools" in (attributes := attributes_of(one)) and is_of(one, ("urllib3",)):
            found.append(one)
        elif is_of(one, LIBRARIES):
            left += attributes.values()
        if isinstance(one, dict):
            left += one.values()
        elif type(one) in CONTAINERS:
            left += one
    return found


def attributes_of(one: object) -> dict[str, Any]:
    """Returns the attributes that an object keeps in its ``__dict__``."""
    return dict(vars(one)) if hasattr(one, "__dict__") else {}


def is_of(one: object, libraries: tuple[str, ...]) -> bool:
    """Whether the class of an object is of one of these libraries."""
    return type(one).__module__.partition(".")[0] in libraries


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_connections)
