"""Remembers how jobs have ended."""

from .ended_jobs import EndedJobs, history
from .plugin import History
from .record import EndedJob

__version__ = "0.1.0"
__all__ = ["EndedJob", "EndedJobs", "History", "history"]
