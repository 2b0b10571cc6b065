"""JSON as buoy writes it: only values that come back as they are, no NaN, no spaces.

Identifiers of jobs are digests of what ``encode_canonical`` returns, and they are kept in Redis: so
what it returns must never change.
"""

import json
import math
import re
from collections.abc import Callable
from json.encoder import (  # type: ignore[attr-defined]  # the first is not in its stubs
    c_make_encoder,
    encode_basestring,
    encode_basestring_ascii,
)
from typing import Any

from .checks import short_repr

JSON_TYPES = "str, int, float, bool, None, list or dict"
MAX_DEPTH = 100
"""How many lists and dicts may be nested."""
MAX_PATH = 100
"""How many characters of the place of a value are shown: a list that contains itself is deep."""
MAX_INT = 10**4000
"""Integers have fewer digits than Python reads and writes, which is 4300."""


def make_encoder(*, ascii_only: bool, sort_keys: bool) -> Callable[[Any], str]:
    """A function that encodes values as JSON.

    ``json`` makes a new encoder in C for each value. Here it is made once, which takes a third of
    the time off; without the C encoder, the function is that of ``json``.
    """
    standard = json.JSONEncoder(
        ensure_ascii=ascii_only,
        allow_nan=False,
        check_circular=False,
        separators=(",", ":"),
        sort_keys=sort_keys,
    )
    if c_make_encoder is None:
        return standard.encode
    text = encode_basestring_ascii if ascii_only else encode_basestring
    parts = c_make_encoder(None, standard.default, text, None, ":", ",", sort_keys, False, False)
    return lambda value: "".join(parts(value, 0))


encode = make_encoder(ascii_only=False, sort_keys=False)
encode_canonical = make_encoder(ascii_only=True, sort_keys=True)


def parse_json(text: str) -> Any:
    """Returns the value of a JSON text that a person has written.

    Raises ValueError if it is no JSON, or if an object has a name twice; RecursionError if it is
    nested too deep.
    """
    return json.loads(text, object_pairs_hook=without_repeats)


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns an object of JSON; raises ValueError for a name that it has twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"expected each name once, got {twice!r:.100} twice")
    return found


class NotJson(Exception):
    """JSON would refuse or change a value; tells where it is, and what was expected."""

    def __init__(self, path: str, expected: str, got: str) -> None:
        place = path if len(path) <= MAX_PATH else f"{path[:MAX_PATH]}…"
        super().__init__(f"{place}: expected {expected}, got {got}")
        self.expected = expected


def check_json(value: Any, path: str, depth: int = 0) -> None:
    """Raise NotJson unless a value comes back from JSON as it is, with its type.

    ``path`` names the value in the error; ``depth`` counts the lists and dicts around it.
    """
    check = CHECKS.get(type(value))
    if check is None:
        raise NotJson(path, JSON_TYPES, type(value).__name__)
    check(value, path, depth)


def check_nothing(value: object, path: str, depth: int) -> None:
    """None and bool come back from JSON always."""


def check_int(value: int, path: str, depth: int) -> None:
    """Raise NotJson for an int that Python would not read again."""
    if not -MAX_INT < value < MAX_INT:
        raise NotJson(path, "an int of at most 4000 digits", "a longer one")


def check_float(value: float, path: str, depth: int) -> None:
    """Raise NotJson for infinity and NaN."""
    if not math.isfinite(value):
        raise NotJson(path, "a finite number", str(value))


def check_text(value: str, path: str, depth: int = 0) -> None:
    """Raise NotJson for a text that UTF-8 cannot hold."""
    if not is_utf8(value):
        raise NotJson(path, "text that UTF-8 can hold", ascii(value[:40]))


def check_list(items: list[Any], path: str, depth: int) -> None:
    """Raise NotJson for a list that is nested too deep, or for one of its items."""
    start = path_of_items(path, depth)
    for index, item in enumerate(items):
        check_json(item, f"{start}[{index}]", depth + 1)


def check_dict(items: dict[Any, Any], path: str, depth: int) -> None:
    """Raise NotJson for a dict that is nested too deep, or for one of its keys or values."""
    start = path_of_items(path, depth)
    for key, item in items.items():
        if type(key) is not str:
            raise NotJson(path, "str as keys", f"{type(key).__name__} {short_repr(key)}")
        check_text(key, path)
        check_json(item, f"{start}[{encode(key)}]", depth + 1)


def path_of_items(path: str, depth: int) -> str:
    """The path of the items of a list or dict, up to the bracket; raises NotJson when too deep."""
    if depth == MAX_DEPTH:
        raise NotJson(path, f"at most {MAX_DEPTH} levels of lists and dicts", "more")
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


LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]+")


def is_line(value: object) -> bool:
    """Whether a value is a text of one line, not empty, without control characters but tabs."""
    return isinstance(value, str) and bool(LINE.fullmatch(value)) and is_utf8(value)


def builtin_str(value: str) -> str:
    """A text as a ``str``, without its class: ``str()`` of an enum would be its name."""
    return str.__str__(value)


def is_utf8(value: str) -> bool:
    """Whether UTF-8 can hold a text: it cannot hold halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
