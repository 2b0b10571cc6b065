"""Sends what the providers of the app have collected, in bounded time."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from buoy.plugins import Log

from .forks import providers

log = Log("buoy.otel")


def flush(seconds: float) -> None:
    """Have all providers export what they hold, at the same time; wait so long at most.

    A provider may take longer than the time that it is given, so each has a thread: a collector
    that hangs holds no process back.
    """
    if not seconds:
        return
    deadline = time.monotonic() + seconds
    threads = [
        threading.Thread(target=flush_one, args=(force_flush, seconds), daemon=True)
        for force_flush in flushers()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        log.warning("OpenTelemetry has not exported all within %g s: some of it is lost", seconds)


def flush_one(force_flush: Callable[[int], Any], seconds: float) -> None:
    try:
        force_flush(int(seconds * 1000))
    except Exception as error:  # noqa: BLE001 - whatever an exporter raises
        log.warning("OpenTelemetry cannot export: %s: %s", type(error).__name__, error)


def flushers() -> Iterator[Callable[[int], Any]]:
    """Yields the method of each provider that exports what it holds. Without an SDK there is
    none."""
    for provider in providers():
        if (force_flush := getattr(provider, "force_flush", None)) is not None:
            yield force_flush
