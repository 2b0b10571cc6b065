"""JSON as buoy writes it: strict types, no NaN, no spaces."""

import json
import math
from collections.abc import Callable
from json.encoder import (  # type: ignore[attr-defined]  # the first is not in its stubs
    c_make_encoder,
    encode_basestring,
    encode_basestring_ascii,
)
from typing import Any

PLAIN = "str, int, float, bool, None, list or dict"
MAX_DEPTH = 100
MAX_INT = 10**4000
"""Python refuses to read or write integers of more than 4300 digits."""


def encoder(*, ascii_only: bool, sort_keys: bool) -> Callable[[Any], str]:
    """What makes JSON of values. The library's own makes a new encoder for each value; where that
    is written in C it is made once, here, and is then a third faster."""
    plain = json.JSONEncoder(
        ensure_ascii=ascii_only,
        allow_nan=False,
        check_circular=False,
        separators=(",", ":"),
        sort_keys=sort_keys,
    )
    if c_make_encoder is None:
        return plain.encode
    text = encode_basestring_ascii if ascii_only else encode_basestring
    parts = c_make_encoder(None, plain.default, text, None, ":", ",", sort_keys, False, False)
    return lambda value: "".join(parts(value, 0))


encode = encoder(ascii_only=False, sort_keys=False)
canonical = encoder(ascii_only=True, sort_keys=True)


class NotPlain(Exception):
    """A value that JSON would refuse or change: where it is, and what was expected."""

    def __init__(self, path: str, expected: str, got: str) -> None:
        super().__init__(f"{path}: expected {expected}, got {got}")


def check_plain(value: Any, path: str, depth: int = 0) -> None:
    """Raise NotPlain unless the value comes back from JSON as it is."""
    check = CHECKS.get(type(value))
    if check is None:
        raise NotPlain(path, PLAIN, type(value).__name__)
    check(value, path, depth)


def check_nothing(value: object, path: str, depth: int) -> None:
    """None and bool are always plain."""


def check_int(value: int, path: str, depth: int) -> None:
    if not -MAX_INT < value < MAX_INT:
        raise NotPlain(path, "an int of at most 4000 digits", "a longer one")


def check_float(value: float, path: str, depth: int) -> None:
    if not math.isfinite(value):
        raise NotPlain(path, "a finite number", str(value))


def check_text(value: str, path: str, depth: int = 0) -> None:
    if not is_text(value):
        raise NotPlain(path, "text that UTF-8 can hold", ascii(value[:40]))


def check_list(items: list[Any], path: str, depth: int) -> None:
    start = opened(path, depth)
    for index, item in enumerate(items):
        check_plain(item, f"{start}[{index}]", depth + 1)


def check_dict(items: dict[Any, Any], path: str, depth: int) -> None:
    start = opened(path, depth)
    for key, item in items.items():
        if type(key) is not str:
            raise NotPlain(path, "str as keys", f"{type(key).__name__} {key!r}")
        check_text(key, path)
        check_plain(item, f"{start}[{encode(key)}]", depth + 1)


def opened(path: str, depth: int) -> str:
    """The path up to the bracket that names an item."""
    if depth == MAX_DEPTH:
        raise NotPlain(path, f"at most {MAX_DEPTH} levels of lists and dicts", "more")
    return path if depth else f"{path}, "


CHECKS: dict[type, Callable[[Any, str, int], None]] = {
    type(None): check_nothing,
    bool: check_nothing,
    int: check_int,
    float: check_float,
    str: check_text,
    list: check_list,
    dict: check_dict,
}


def is_line(value: object) -> bool:
    """Whether it is a text that is not empty, on one line, and without control characters but
    tabs."""
    if not isinstance(value, str) or not value or not is_text(value):
        return False
    return not any(
        (letter < " " and letter != "\t") or letter in "\x7f\x85\u2028\u2029" for letter in value
    )


def plain_str(value: str) -> str:
    """The letters of a text, whatever its class makes of ``str()``: an enum gives its name."""
    return str.__str__(value)


def is_text(value: str) -> bool:
    """Whether UTF-8 can hold it: not so the halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
