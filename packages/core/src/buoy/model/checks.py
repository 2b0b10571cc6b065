"""Checks of values that users give. All errors have one form: expected …, got …."""

import math
from typing import Any

from ..errors import ConfigurationError

WORDS_FOR_TRUE = ("1", "true", "yes", "on")
WORDS_FOR_FALSE = ("0", "false", "no", "off")


def parse_switch(subject: str, text: str) -> bool:
    """True or False from a text such as ``1``, ``yes`` or ``off``; raises ConfigurationError."""
    expect(text.lower() in WORDS_FOR_TRUE + WORDS_FOR_FALSE, subject, "0 or 1", text)
    return text.lower() in WORDS_FOR_TRUE


def expect(right: bool, subject: str, wanted: str, got: object) -> None:
    """Raise ConfigurationError unless ``right``.

    ``subject``: what is wrong; ``wanted``: what is expected there; ``got``: the value.
    """
    if not right:
        raise ConfigurationError(f"{subject}: expected {wanted}, got {short_repr(got)}")


def expect_flags(owner: object, *names: str) -> None:
    """Raise ConfigurationError unless these attributes of an object, a plugin mostly, are True or
    False."""
    for name in names:
        value = getattr(owner, name)
        expect(type(value) is bool, f"{type(owner).__name__}.{name}", "True or False", value)


def expect_seconds(owner: object, name: str, most: float) -> None:
    """Raise ConfigurationError unless this attribute of an object is a number of seconds from 0 to
    ``most``."""
    value = getattr(owner, name)
    right = type(value) in (int, float) and 0 <= value <= most
    expect(right, f"{type(owner).__name__}.{name}", f"0 to {most:g} seconds", value)


def as_float(value: Any) -> float:
    """A number of any kind as a float. NaN, which is in no range, for anything else."""
    if isinstance(value, bool) or not hasattr(type(value), "__float__"):
        return math.nan
    try:
        return float(value)
    except Exception:  # noqa: BLE001 - too many digits, or its class raises
        return math.nan


def is_int(value: object) -> bool:
    """Whether a value is an int, and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def short_repr(value: object) -> str:
    """``repr`` of a value for an error message: at most 200 characters, and never an error."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - its class raises, or too many digits
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:200]}…"
