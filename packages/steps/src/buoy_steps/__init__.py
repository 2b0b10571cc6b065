"""Lets long jobs go on where they were: after a deploy, a crash or a failure."""

from .errors import CrashedTooOften, GoesOnLater, StepsChanged, StepsError
from .plugin import Steps
from .steps import acheckpoint, aeach, astep, checkpoint, cursor, each, step

__version__ = "0.1.0"
__all__ = [
    "CrashedTooOften",
    "GoesOnLater",
    "Steps",
    "StepsChanged",
    "StepsError",
    "acheckpoint",
    "aeach",
    "astep",
    "checkpoint",
    "cursor",
    "each",
    "step",
]
