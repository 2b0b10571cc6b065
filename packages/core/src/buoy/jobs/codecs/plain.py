"""Types whose values JSON holds as they are."""

from typing import Any

from .codec import ANY, BOOL, JSON_VALUES, LIST, NULL, NUMBER, OBJECT, TEXT, Known, Mismatch


class Plain(Known):
    """Values of these types are stored as they are."""

    plain = True

    def __init__(self, kinds: tuple[type, ...], name: str, form: str) -> None:
        super().__init__(name, frozenset({form}))
        self.kinds = kinds

    def holds(self, value: Any) -> bool:
        return isinstance(value, self.kinds)

    def encode(self, value: Any) -> Any:
        if not self.holds(value):
            raise self.wrong(value)
        return value

    def decode(self, stored: Any) -> Any:
        return self.encode(stored)


class Choice(Plain):
    """One of these values: ``Literal``."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        super().__init__((), " or ".join(map(repr, values)), TEXT)
        self.values = values
        self.forms = frozenset(form for each in values if (form := form_of(each)))

    def holds(self, value: Any) -> bool:
        return any(type(each) is type(value) and each == value for each in self.values)

    def wrong(self, value: Any) -> Mismatch:
        return Mismatch(self.name, f"another {type(value).__name__}")


class AnyJson(Known):
    """Any JSON. ``reason`` says why nothing else can be stored there."""

    plain = True

    def __init__(self, reason: str = "") -> None:
        super().__init__("any JSON", ANY)
        self.reason = reason

    def holds(self, value: Any) -> bool:
        return True

    def encode(self, value: Any) -> Any:
        if self.reason and not isinstance(value, JSON_VALUES):
            raise Mismatch("JSON", f"{super().wrong(value).got}; {self.reason}")
        return value

    def decode(self, stored: Any) -> Any:
        return stored


ANYTHING = AnyJson()
PLAIN: dict[Any, Known] = {
    str: Plain((str,), "str", TEXT),
    int: Plain((int,), "int", NUMBER),
    float: Plain((float, int), "float", NUMBER),
    bool: Plain((bool,), "bool", BOOL),
    None: Plain((type(None),), "None", NULL),
    type(None): Plain((type(None),), "None", NULL),
    list: Plain((list,), "list", LIST),
    dict: Plain((dict,), "dict", OBJECT),
    Any: ANYTHING,
    object: ANYTHING,
}
"""Annotation -> its codec."""


def form_of(value: Any) -> str | None:
    """Returns the form of a value that is JSON itself; None for anything else."""
    known = PLAIN.get(type(value))
    return None if known is None else next(iter(known.forms))
