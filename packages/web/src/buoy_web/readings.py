"""What pages read of all queues and all workers, kept for a moment: the pages of an app share it,
so a dashboard costs a large installation little more than a small one."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from buoy import App
from buoy.plugins.operators import PageMonitor, page_monitor
from buoy.plugins.redis import RedisSteps

T = TypeVar("T")
SECONDS = {
    "queues": 1.0,  # what all queues hold
    "states": 1.0,  # how many jobs they have in each state
    "heads": 1.0,  # their first delayed or failed jobs
    "workers": 1.0,  # all workers
    "counts": 5.0,  # what one queue has counted
    "serving": 5.0,  # how many workers serve each queue: it changes seldom
    "doctor": 5.0,  # what is wrong: the page says when it has looked
}
"""What is kept, and for how long."""

MOST = 100
"""How many readings are kept."""


@dataclass(frozen=True)
class Kept:
    """What was read at ``read_at``, by the monotonic clock."""

    value: Any
    read_at: float


monitors: WeakKeyDictionary[App, PageMonitor] = WeakKeyDictionary()
readings: WeakKeyDictionary[App, dict[tuple[str, str], Kept]] = WeakKeyDictionary()


def read_kept(
    app: App, what: str, read: Callable[[], RedisSteps[T]], more: str = ""
) -> RedisSteps[T]:
    """Returns what ``read`` returns, or has returned lately. ``what``: one of SECONDS; ``more``
    tells readings of the same kind apart. Nobody may change what is returned."""
    known = readings.setdefault(app, {})
    found = known.get((what, more))
    if found is not None and monotonic() - found.read_at < SECONDS.get(what, 0.0):
        value: T = found.value
        return value
    if len(known) >= MOST:
        known.clear()
    began = monotonic()
    value = yield from read()
    known[what, more] = Kept(value, began)
    return value


def monitor_of(app: App) -> PageMonitor:
    """Returns what reads the jobs that pages show."""
    found = monitors.get(app)
    if found is None:
        found = monitors[app] = page_monitor(app)
    return found


def forget(app: App) -> None:
    """Let all pages read anew: something has changed."""
    readings.pop(app, None)
