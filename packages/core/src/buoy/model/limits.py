"""The limits of jobs: those that a class declares, and those of one enqueueing."""

from collections.abc import Mapping
from typing import Any

from .checks import expect

SECONDS, WHOLE = (int, float), (int,)
LIMITS: dict[str, tuple[tuple[type, ...], int]] = {
    "timeout": (SECONDS, 10**9),
    "max_memory": (WHOLE, 2**63),
    "expires": (SECONDS, 10**10),
    "max_length": (WHOLE, 2**53),
}
"""Limit -> the types of its values, and the least value that is too large."""
OF_RUNS = ("timeout", "max_memory")
"""Those that hold while a job runs, so that they are stored with it."""


def check_limit(limit: str, value: Any, subject: str) -> None:
    """Raise ConfigurationError for a limit that is no positive number, or is too large for Redis.
    None stands for no limit."""
    kinds, most = LIMITS[limit]
    if value is None:
        return
    wanted = f"a {'whole ' * (kinds is WHOLE)}number, more than 0"
    expect(type(value) in kinds and value > 0, subject, wanted, value)
    expect(value < most, subject, f"less than {most}", value)


def is_limit(limit: str, value: Any) -> bool:
    """Whether a value is a valid limit of runs."""
    kinds, most = LIMITS[limit]
    return type(value) in kinds and bool(0 < value < most)


def limits_of_runs(given: Mapping[str, float | None]) -> dict[str, float] | None:
    """Returns the limits that are stored with a job; None if it has none of its own."""
    own = {limit: value for limit in OF_RUNS if (value := given.get(limit)) is not None}
    return own or None
