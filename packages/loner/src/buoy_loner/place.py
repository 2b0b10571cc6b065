"""What makes two jobs of a class the same: they take the same place."""

from typing import Any

from buoy import ConfigurationError, Job
from buoy.model.identity import identifier

Key = str | tuple[str, ...] | None
"""The names of the arguments that count; None stands for the identifier of the job."""

PREFIX = "loner:"
"""What the claims of this plugin begin with."""


def place(job: Job, key: Key) -> str:
    """The claim of a job; raises ConfigurationError if its ``perform`` does not fit the key."""
    same = job.identifier if key is None else chosen(job, key)
    try:
        return PREFIX + identifier(job.name, [same], {})
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{job.name}: Loner(key={key!r}): expected defaults that JSON can hold, got: {error}"
        ) from None


def chosen(job: Job, key: str | tuple[str, ...]) -> dict[str, Any]:
    """The arguments of these names; what is not given has its default."""
    signature = job.accepts.whole
    if not {*names(key)} <= {*signature.parameters}:
        raise ConfigurationError(
            f"{job.name}: Loner(key={key!r}): expected names of arguments of perform{signature}"
        )
    call = signature.bind(*job.payload.args, **job.payload.kwargs)
    call.apply_defaults()
    return {name: call.arguments[name] for name in names(key)}


def names(key: str | tuple[str, ...]) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else key


def named(key: object) -> bool:
    """Whether this can be a key."""
    parts = key if isinstance(key, tuple) else (key,)
    return key is None or all(isinstance(name, str) for name in parts)
