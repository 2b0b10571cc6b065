"""Where the next page of jobs begins, as a text in an address."""

import json
import re
from typing import Any

from buoy import ConfigurationError
from buoy.plugins.operators import Place, Position
from buoy.plugins.redis import JobView

from .queue_rows import STATES

SCORE = re.compile(r"-?(inf|[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?)")
"""A time in a sorted set, as Redis writes it."""


def cursor_of(at: Place | Position | JobView | None) -> str:
    """Returns what ``place_in`` or ``position_in`` read; "" for None."""
    if at is None:
        return ""
    if isinstance(at, JobView):
        return json.dumps([at.queue, at.state, at.id, at.detail])
    return json.dumps([decoded(each) if isinstance(each, bytes) else each for each in at])


def place_in(text: str) -> Place | None:
    """Returns the place of the last job of the page before; None for "". Raises
    ConfigurationError."""
    if not text:
        return None
    queue, state, id, detail = parts_of(text, str, str, str, str)
    if state not in STATES or not SCORE.fullmatch(detail):
        raise wrong(text)
    return Place(queue, state, encoded(id), encoded(detail))


def position_in(text: str) -> Position | None:
    """Returns where a page begins; None for "". Raises ConfigurationError."""
    if not text:
        return None
    state, queue, start = parts_of(text, str, str, int)
    if state not in STATES:
        raise wrong(text)
    return Position(state, queue, max(0, min(start, 10**12)))


def parts_of(text: str, *types: type) -> list[Any]:
    """Returns the parts of a cursor, if they are of these types, and what Redis can have."""
    try:
        parts = json.loads(text)
        encoded(json.dumps(parts, ensure_ascii=False))
    except (ValueError, RecursionError):
        raise wrong(text) from None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(types):
        raise wrong(text)
    return parts


def decoded(stored: bytes) -> str:
    return stored.decode(errors="surrogateescape")


def encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def wrong(text: str) -> ConfigurationError:
    return ConfigurationError(f"after: expected an address of this dashboard, got {text!r:.80}")
