"""buoy-status: tells whether a job is running, how it ended, and what it returned."""

from .cancellation import acancel, cancel
from .lookup import astatus, status
from .plugin import Status
from .run_progress import aprogress, cancelled, progress
from .state import Progress, State
from .waiting import async_wait, wait

__all__ = [
    "Progress",
    "State",
    "Status",
    "acancel",
    "aprogress",
    "astatus",
    "async_wait",
    "cancel",
    "cancelled",
    "progress",
    "status",
    "wait",
]
