"""buoy-aftercommit: pushes a job that is enqueued in a database transaction when that commits."""

from .block import deferring
from .plugin import AfterCommit
from .push import NotPushed

__version__ = "0.1.0"
__all__ = ["AfterCommit", "NotPushed", "deferring"]
