"""Checks of values that users give, with one form of error for all."""

import math
from typing import Any

from ..errors import ConfigurationError

ON = ("1", "true", "yes", "on")


OFF = ("0", "false", "no", "off")


def switched(subject: str, text: str) -> bool:
    """Whether a text says yes; raises ConfigurationError unless it says yes or no."""
    expect(text.lower() in ON + OFF, subject, "0 or 1", text)
    return text.lower() in ON


def expect(right: bool, subject: str, wanted: str, got: object) -> None:
    """Raise ConfigurationError, in the one form that buoy uses, unless things are right."""
    if not right:
        raise ConfigurationError(f"{subject}: expected {wanted}, got {shown(got)}")


def number(value: Any) -> float:
    """A number of any kind as a float; NaN, which is in no range, for what is none."""
    if isinstance(value, bool) or not hasattr(type(value), "__float__"):
        return math.nan
    try:
        return float(value)
    except Exception:  # noqa: BLE001 - it has too many digits, or a conversion of its own
        return math.nan


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def shown(value: object) -> str:
    """A value in an error message: short, whatever it is."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - its own, or that of an int with too many digits
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:200]}…"
