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
