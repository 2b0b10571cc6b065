"""buoy-loner: unique jobs. It deduplicates: while a job is queued or runs, the same job is not
enqueued again."""

from .claims import holder
from .plugin import Loner

__all__ = ["Loner", "holder"]
