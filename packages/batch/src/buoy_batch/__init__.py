"""Batches: many jobs as one, with jobs that follow when all have ended."""

from .batch import Batch, current_batch
from .members import BatchOver
from .progress import Progress

__version__ = "0.1.0"
__all__ = ["Batch", "BatchOver", "Progress", "current_batch"]
