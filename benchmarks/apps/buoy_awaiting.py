"""The jobs of buoy, enqueued by a program that awaits."""

from collections.abc import Awaitable, Callable

from .buoy_app import Mark


def enqueue(kind: str) -> Callable[[int], Awaitable[object]]:
    return Mark.aenqueue
