"""Retries for buoy's jobs: ``plugins = [Retry(limit=5, delay=90)]``."""

from .attempts import Attempt, history
from .delay import Constant, Exponential, Linear, Steps
from .errors import Again, RetryAfter
from .groups import Group
from .http import HTTP_ERRORS, retry_after
from .plugin import Retry
from .smtp import SMTP_ERRORS

__all__ = [
    "HTTP_ERRORS",
    "SMTP_ERRORS",
    "Again",
    "Attempt",
    "Constant",
    "Exponential",
    "Group",
    "Linear",
    "Retry",
    "RetryAfter",
    "Steps",
    "history",
    "retry_after",
]
