"""What can be meant by a declaration: checks, with the messages for what cannot."""

from collections.abc import Callable
from dataclasses import fields
from inspect import iscoroutinefunction, signature
from typing import Any

from buoy import ConfigurationError


def expect(right: bool, subject: str, wanted: str, got: object) -> None:
    """Raise ConfigurationError unless things are right."""
    if not right:
        raise wrong(subject, wanted, got)


def wrong(subject: str, wanted: str, got: object) -> ConfigurationError:
    return ConfigurationError(f"{subject}: expected {wanted}, got {got!r}")


def is_number(value: object) -> bool:
    """Whether it is a number that means something; NaN does not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def check_callable(value: Any, subject: str, *arguments: str) -> None:
    """Raise ConfigurationError for what could not be called, or would not be waited for: that would
    come out far from here, when a job fails."""
    wanted = f"a plain function of ({', '.join(arguments)})"
    right = callable(value) and not isinstance(value, type) and not iscoroutinefunction(value)
    expect(right, subject, wanted, value)
    try:
        signature(value).bind(*arguments)
    except TypeError as error:
        raise ConfigurationError(f"{subject}: expected {wanted}, got {value!r}: {error}") from None
    except ValueError:  # some functions written in C do not tell
        return


def check_hashable(function: Callable[..., Any], subject: str) -> None:
    try:
        hash(function)
    except TypeError as error:
        raise ConfigurationError(f"{subject}: expected an immutable value, got {error}") from None


def without_defaults(value: Any) -> str:
    """The ``repr`` of a dataclass, short: only what differs from the defaults."""
    told = [field for field in fields(value) if field.repr]
    differing = [each.name for each in told if getattr(value, each.name) != each.default]
    words = [f"{name}={getattr(value, name)!r}" for name in differing]
    return f"{type(value).__name__}({', '.join(words)})"
