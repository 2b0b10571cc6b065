"""Which jobs count as the same job: those that ask for the same claim."""

from typing import Any

from buoy import ConfigurationError, Job
from buoy.plugins import arguments_of, identifier_of

Key = str | tuple[str, ...] | None
"""The names of the arguments that are compared; with None the identifiers of the jobs are."""

PREFIX = "loner:"
"""Every claim of this plugin begins with it."""


def claim_of(job: Job, key: Key) -> str:
    """Returns the name of the claim that a job needs: equal for two jobs that count as the same.

    Raises ConfigurationError when ``perform`` has no argument of a name in ``key``, or when a
    default that counts cannot be written as JSON.
    """
    compared = job.identifier if key is None else key_arguments(job, key)
    try:
        return PREFIX + identifier_of(job, compared)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{job.name}: Loner(key={key!r}): expected defaults that JSON can hold, got: {error}"
        ) from None


def key_arguments(job: Job, key: str | tuple[str, ...]) -> dict[str, Any]:
    """Returns the arguments that ``key`` names, by name; an argument that is not given has its
    default. Raises ConfigurationError when ``perform`` has no such argument."""
    arguments = arguments_of(job)
    if not {*names_in(key)} <= {*arguments}:
        raise ConfigurationError(
            f"{job.name}: Loner(key={key!r}): expected names of arguments of perform "
            f"({', '.join(arguments)})"
        )
    return {name: arguments[name] for name in names_in(key)}


def names_in(key: str | tuple[str, ...]) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else key


def is_key(value: object) -> bool:
    """Whether a value can be a key: None, a name, or a tuple of names."""
    parts = value if isinstance(value, tuple) else (value,)
    return value is None or all(isinstance(name, str) for name in parts)
