"""buoy-loner: of jobs that are the same, one at a time."""

from .plugin import Loner
from .store import holder

__all__ = ["Loner", "holder"]
