"""buoy-loner: unique jobs. It deduplicates: while a job is queued or runs, the same job is not
enqueued again."""

from .claims import aholder, holder
from .plugin import Loner

__version__ = "0.1.0"
__all__ = ["Loner", "aholder", "holder"]
