"""What a codec is, and what it says of a value that does not fit."""

from collections.abc import Callable
from typing import Any, Protocol

from ...text.safe import summarize_error, type_name

JSON_VALUES = (str, int, float, type(None), list, dict)
"""Types of what JSON holds."""

TEXT, NUMBER, BOOL, NULL, LIST, OBJECT = (
    "text",
    "a number",
    "true or false",
    "null",
    "a list",
    "an object",
)
ANY = frozenset({TEXT, NUMBER, BOOL, NULL, LIST, OBJECT})
"""The forms that JSON has. A union is told apart by them."""


class Codec(Protocol):
    """How the values of one type are stored. Plugins bring their own: see the hook ``codec_for``.

    What either method raises is shown to whoever enqueues the job, or becomes its failure.
    """

    def encode(self, value: Any, /) -> Any:
        """Returns JSON (str, int, float, bool, None, list, dict) for a value."""

    def decode(self, stored: Any, /) -> Any:
        """Returns the value that ``encode`` has made this JSON of."""


class Mismatch(Exception):
    """A value is not of the declared type, or cannot be stored; tells where it is within the
    argument. The value itself is not shown, since it may be one that nobody is to see."""

    def __init__(self, wanted: str, got: str) -> None:
        super().__init__(wanted, got)
        self.wanted, self.got, self.path = wanted, got, ""

    def within(self, step: str) -> "Mismatch":
        """Returns the error as seen from outside, where the value lies at ``step``."""
        self.path = step + self.path
        return self

    def __str__(self) -> str:
        return f"{self.path}: expected {self.wanted}, got {self.got}".removeprefix(": ")


class Known:
    """A codec of buoy. It takes a value of the declared type, or its form in JSON."""

    plain = False
    """Whether both forms are the same, so that nothing is to be done."""

    def __init__(self, name: str, forms: frozenset[str]) -> None:
        self.name, self.forms = name, forms

    def holds(self, value: Any) -> bool:
        """Whether a value is of the declared type, as far as its class tells."""
        raise NotImplementedError

    def encode(self, value: Any) -> Any:
        """Returns JSON for a value; raises Mismatch."""
        raise NotImplementedError

    def decode(self, stored: Any) -> Any:
        """Returns the value for JSON; raises Mismatch."""
        raise NotImplementedError

    def wrong(self, value: Any) -> Mismatch:
        """Returns the error for a value of another type."""
        return Mismatch(self.name, type_name(type(value)))


def guarded(call: Callable[..., Any], value: Any, wanted: str) -> Any:
    """Returns the result of code of users for a value; raises Mismatch with the error of that."""
    try:
        return call(value)
    except Mismatch:
        raise
    except RecursionError:
        raise Mismatch(wanted, "one that contains itself, or is too deep") from None
    except Exception as error:
        raise Mismatch(wanted, f"{type_name(type(value))} ({summarize_error(error)})") from error


class Foreign(Known):
    """The codec of a plugin."""

    def __init__(self, codec: Codec, name: str) -> None:
        super().__init__(name, ANY)
        self.codec = codec

    def holds(self, value: Any) -> bool:
        return value is not None

    def encode(self, value: Any) -> Any:
        return guarded(self.codec.encode, value, self.name)

    def decode(self, stored: Any) -> Any:
        return guarded(self.codec.decode, stored, self.name)
