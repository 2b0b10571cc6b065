"""buoy-status: tells whether a job is running, how it ended, and what it returned."""

from .cancellation import acancel, cancel
from .lookup import astatus, status
from .plugin import Status
from .run_progress import acancelled, aprogress, cancelled, progress
from .state import Progress, State
from .waiting import await_for, wait_for

__version__ = "0.1.0"
__all__ = [
    "Progress",
    "State",
    "Status",
    "acancel",
    "acancelled",
    "aprogress",
    "astatus",
    "await_for",
    "cancel",
    "cancelled",
    "progress",
    "status",
    "wait_for",
]
