"""Checks of options where they are declared, and the short ``repr`` of what was declared."""

from collections.abc import Callable
from dataclasses import fields
from inspect import iscoroutinefunction, signature
from typing import Any

from buoy import ConfigurationError
from buoy.plugins import expect


def is_number(value: object) -> bool:
    """Whether a value is an int or a float, but neither a bool nor NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def is_count(value: object) -> bool:
    """Whether a value is a whole number of 0 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def check_callable(value: Any, subject: str, *arguments: str) -> None:
    """Raises ConfigurationError unless a value can be called with these arguments and is no
    coroutine function. Without this check the mistake would show only when a job fails."""
    wanted = f"a plain function of ({', '.join(arguments)})"
    right = callable(value) and not isinstance(value, type) and not iscoroutinefunction(value)
    expect(right, subject, wanted, value)
    try:
        signature(value).bind(*arguments)
    except TypeError as error:
        raise ConfigurationError(f"{subject}: expected {wanted}, got {value!r}: {error}") from None
    except ValueError:  # some functions written in C have no signature
        return


def check_hashable(function: Callable[..., Any], subject: str) -> None:
    """Raises ConfigurationError unless a function can be a part of a hashable value."""
    try:
        hash(function)
    except TypeError as error:
        raise ConfigurationError(f"{subject}: expected an immutable value, got {error}") from None


def repr_without_defaults(value: Any) -> str:
    """Returns the ``repr`` of a dataclass with only those fields that differ from their
    defaults."""
    shown = [field for field in fields(value) if field.repr]
    changed = [each.name for each in shown if getattr(value, each.name) != each.default]
    arguments = [f"{name}={getattr(value, name)!r}" for name in changed]
    return f"{type(value).__name__}({', '.join(arguments)})"
