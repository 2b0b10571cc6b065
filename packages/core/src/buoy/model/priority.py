"""Priorities of jobs in a queue."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from .checks import expect

Level = Literal["high", "normal", "low"]
NORMAL: Level = "normal"
LEVELS = ("high", "normal", "low")
"""In the order in which jobs of a queue run."""

RANKS = ("high", "low", "high front", "normal front", "low front")
"""What a queue must know of the priority of a job; nothing for a normal one. It is kept among the
claims of a job: so it goes with the job, whatever becomes of it."""
NAME = "priority"
"""What stands in the place of a claim."""


def check_level(value: object, subject: str) -> None:
    """Raise ConfigurationError for what is no priority."""
    right = type(value) is str and value in LEVELS
    expect(right, subject, '"high", "normal" or "low"', value)


def ranks(level: str, *, front: bool) -> list[list[str]]:
    """Returns what is kept among the claims; ``front``: whether it goes before others of its
    level."""
    rank = f"{level} front" if front else level
    return [[NAME, rank]] if rank in RANKS else []


def priority_in(claims: Iterable[Sequence[Any]]) -> Level:
    """Returns the priority that is kept among the claims of a job."""
    for _, until in claims:
        if until in RANKS:
            level: Level = until.partition(" ")[0]
            return level
    return NORMAL
