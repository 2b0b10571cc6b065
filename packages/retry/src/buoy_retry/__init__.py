"""Retries for buoy's jobs: ``plugins = [Retry(limit=5, delay=90)]``."""

from .attempts import Attempt, history
from .delay import Constant, Exponential, Linear, Listed
from .error_kinds import Group
from .errors import RetryAfter, Snooze
from .http import HTTP_ERRORS, retry_after
from .plugin import Retry
from .smtp import SMTP_ERRORS

__version__ = "0.1.0"
__all__ = [
    "HTTP_ERRORS",
    "SMTP_ERRORS",
    "Attempt",
    "Constant",
    "Exponential",
    "Group",
    "Linear",
    "Listed",
    "Retry",
    "RetryAfter",
    "Snooze",
    "history",
    "retry_after",
]
