"""Delayed and recurring jobs for buoy: each tick exactly once, by any number of daemons."""

from .delayed import Delayed, enqueue_at, enqueue_in, enqueue_many_at, enqueue_many_in
from .entry import Entry, EntryError
from .plugin import Cron
from .schedule import get_schedule, remove_schedule, set_schedule

__all__ = [
    "Cron",
    "Delayed",
    "Entry",
    "EntryError",
    "enqueue_at",
    "enqueue_in",
    "enqueue_many_at",
    "enqueue_many_in",
    "get_schedule",
    "remove_schedule",
    "set_schedule",
]
