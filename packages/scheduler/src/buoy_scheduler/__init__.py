"""Delayed and recurring jobs for buoy: each tick exactly once, by any number of daemons."""

from .delayed import Delayed
from .enqueueing import (
    aenqueue_at,
    aenqueue_in,
    aenqueue_many_at,
    aenqueue_many_in,
    enqueue_at,
    enqueue_in,
    enqueue_many_at,
    enqueue_many_in,
)
from .entry import Entry, EntryError
from .plugin import Cron
from .runtime import (
    aget_schedule,
    aremove_schedule,
    aset_schedule,
    get_schedule,
    remove_schedule,
    set_schedule,
)

__version__ = "0.1.0"
__all__ = [
    "Cron",
    "Delayed",
    "Entry",
    "EntryError",
    "aenqueue_at",
    "aenqueue_in",
    "aenqueue_many_at",
    "aenqueue_many_in",
    "aget_schedule",
    "aremove_schedule",
    "aset_schedule",
    "enqueue_at",
    "enqueue_in",
    "enqueue_many_at",
    "enqueue_many_in",
    "get_schedule",
    "remove_schedule",
    "set_schedule",
]
