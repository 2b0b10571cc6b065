"""Encrypts the arguments and results of jobs."""

from .keys import new_key
from .plugin import Sealed

__version__ = "0.1.0"
__all__ = ["Sealed", "new_key"]
