"""Under which key jobs are counted together."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from buoy import ConfigurationError, Job
from buoy.plugins import (
    REDACTED,
    arguments_of,
    encode_json,
    expect,
    identifier_of,
    is_sealed,
)

Key = str | tuple[str, ...] | Callable[[Mapping[str, Any]], object] | None
"""The names of arguments, or a function that returns what is to be compared of the arguments, by
their names, as JSON has them."""

LONGEST = 80
"""How many characters of a value a key shows."""


def check_key(key: object, subject: str) -> None:
    """Raise ConfigurationError for what cannot be the key of a limit."""
    parts = key if isinstance(key, tuple) else (key,)
    is_key = key is None or callable(key) or all(isinstance(name, str) for name in parts)
    expect(is_key, subject, "the name of an argument, a tuple of names, or a function", key)


def key_of(job: Job, key: Key, kind: str, name: str | None) -> str:
    """Returns the key under which a job is counted: ``KIND:NAME ARGUMENT=VALUE …``.

    People read it, so it shows short values, and a digest of others: of those that nobody is to
    see, too. Raises ConfigurationError when ``perform`` has no argument of a name in ``key``, when
    a function raises an error, or when JSON cannot hold a value.
    """
    head, values = f"{kind}:{job.name if name is None else name}", compared(job, key, kind)
    try:
        text = " ".join([head, *(text_of(job, *pair) for pair in values.items())])
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{job.name}: {kind}(key={key!r}): expected values that JSON can hold, got: {error}"
        ) from None
    return text


def compared(job: Job, key: Key, kind: str) -> Mapping[str, Any]:
    """Returns what is compared of the arguments of a job, each value by its name."""
    if key is None:
        return {}
    arguments = arguments_of(job)
    if callable(key):
        return {"key": answer_of(job, key, kind, arguments)}
    names = (key,) if isinstance(key, str) else key
    if not {*names} <= {*arguments}:
        raise ConfigurationError(
            f"{job.name}: {kind}(key={key!r}): expected names of arguments of perform "
            f"({', '.join(arguments)})"
        )
    return {name: arguments[name] for name in names}


def answer_of(
    job: Job, key: Callable[[Mapping[str, Any]], object], kind: str, arguments: Mapping[str, Any]
) -> object:
    """Returns what a function makes of the arguments of a job. It gets a copy, so that it changes
    none. Raises ConfigurationError for any error of it."""
    try:
        return key(deepcopy(dict(arguments)))
    except Exception as error:
        raise ConfigurationError(
            f"{job.name}: {kind}(key={key!r}): expected a function that takes all arguments by "
            f"their names and returns what is compared, got {type(error).__name__}: {error!s:.200}"
        ) from error


def text_of(job: Job, name: str, value: Any) -> str:
    """Returns a value as a part of a key: one that is equal for equal values."""
    if isinstance(value, str | int | None) and is_shown(job, name):
        text = encode_json(value)
        if len(text) <= LONGEST:
            return f"{name}={text}"
    return f"{name}=#{identifier_of(job, value)}"


def is_shown(job: Job, name: str) -> bool:
    """Whether people may see an argument of a job. What a function returns may be made of all
    arguments, so all must be shown."""
    if is_sealed(job):
        return False
    shown = arguments_of(job, shown=True)
    hidden = {each for each, value in shown.items() if value == REDACTED}
    return name not in hidden if name in shown else not hidden
