"""buoy_status: is a job running, did it succeed, what came out."""

from .ending import acancel, cancel
from .lookup import astatus, status
from .plugin import Status
from .running import aprogress, cancelled, progress
from .state import Progress, State
from .waiting import ended, wait

__all__ = [
    "Progress",
    "State",
    "Status",
    "acancel",
    "aprogress",
    "astatus",
    "cancel",
    "cancelled",
    "ended",
    "progress",
    "status",
    "wait",
]
