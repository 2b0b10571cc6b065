"""buoy-sentry: sends the errors, traces and cron check-ins of jobs to Sentry."""

from .plugin import Sentry

__version__ = "0.1.0"
__all__ = ["Sentry"]
