"""buoy-aftercommit: a job enqueued inside a database transaction is pushed when that commits."""

from .block import holding
from .plugin import AfterCommit
from .push import NotPushed

__all__ = ["AfterCommit", "NotPushed", "holding"]
