"""Exclusive jobs. After a cut, the main thread of a worker is back long before its heartbeat."""

from buoy.worker.heartbeat import Heartbeat

from .exclusive import Exclusive, ExclusiveSoon

__all__ = ["Exclusive", "ExclusiveSoon"]


def retry_seconds(self: Heartbeat) -> float:
    """As if the lease were six times as long."""
    return 0.6


Heartbeat.retry_seconds = retry_seconds  # type: ignore[method-assign]
