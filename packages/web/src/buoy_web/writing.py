"""How values are written on pages: texts, times, durations, sizes, JSON."""

import json
import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from buoy.plugins.redis import JobView
from buoy.plugins.text import one_line

from .search import format_word

MOST_SHOWN = 100_000
"""Characters of one text on a page; JSON has all of it."""
ON_ONE_LINE = json.JSONEncoder(ensure_ascii=False)
PLAIN = re.compile(r"[ !#-%(-;=?-~]{0,1000}").fullmatch
"""Finds texts that HTML shows as they are, as most are."""
WEB = re.compile(r"https?://[^\s/]")
FAR = 253_402_300_799
"""The last second that Python's calendar knows."""


def shown(value: Any) -> Any:
    """Returns what an expression of a template writes: characters that cannot be seen, or that turn
    the direction of writing, are escaped as in Python (``\\x1b``). Markup stays as it is."""
    if isinstance(value, Markup):
        return value
    if type(value) is str and value.isprintable() and len(value) <= MOST_SHOWN:
        return value
    text = short(value if isinstance(value, str) else as_text(value), MOST_SHOWN)
    if text.isprintable():
        return text
    return "\n".join(one_line(line.expandtabs(4)) for line in text.split("\n"))


def as_html(value: Any) -> str:
    """Returns a value as a page shows it, as HTML."""
    return value if type(value) is str and PLAIN(value) else escape(shown(value))


def arguments(job: JobView, most: int) -> str:
    """Returns the arguments of a job as a call has them; at most so many characters."""
    named = [f"{name}={short_json(value)}" for name, value in job.shown_kwargs.items()]
    return short(", ".join([*map(short_json, job.shown_args), *named]), most)


def word(value: str, key: str) -> str:
    """Returns a word of the filter language."""
    return format_word(key, ":", value)


def web_address(value: Any) -> str:
    """Returns an address for a link, if it is one that leads to a web page; else ""."""
    return value if isinstance(value, str) and WEB.match(value) else ""


def as_text(value: Any) -> str:
    try:
        return str(value)
    except (ValueError, RecursionError):
        return TOO_LARGE


TOO_LARGE = "(too deep, or too large a number, to be shown)"


def exact(text: str) -> Markup:
    """Returns a text for the value of a field that a form sends back: nothing is escaped but for
    HTML."""
    return escape(text.encode(errors="replace").decode())


def short(text: str, most: int) -> str:
    """Returns at most so many characters of a text, and how many there are if it is cut."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def time_tag(seconds: float | None) -> Markup:
    """Returns a time (epoch seconds) as an element: how long ago, with the exact time in it."""
    return Markup(time_element(seconds))  # noqa: S704 - digits, words


def time_element(seconds: float | None) -> str:
    """Returns what ``time_tag`` does, as HTML."""
    if not seconds or not 0 < seconds < FAR:
        return "–"
    away = seconds - time.time()
    text = f"in {duration(away)}" if away > 0 else f"{duration(-away)} ago"
    at = iso(seconds)
    return f'<time datetime="{at}" title="{at}">{text}</time>'


@lru_cache(1000)
def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
"""Seconds and name of each unit, and of the next smaller one."""


def duration(seconds: float | None) -> str:
    """Returns seconds as people say them, as in "3 h 5 min" or "12 ms"."""
    if seconds is None or not abs(seconds) < FAR:
        return "–"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms" if seconds > 0 else "0 s"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    for unit, name, smaller, word in UNITS:
        if seconds >= unit:
            whole, rest = divmod(int(seconds), unit)
            rest //= smaller
            return f"{whole} {name} {rest} {word}" if rest else f"{whole} {name}"
    raise AssertionError


def size(number: float | None) -> str:
    """Returns bytes as people say them, as in "12 MB"."""
    if number is None or not 0 <= number < 10**18:
        return "–"
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if number >= 10 or unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def count(number: int) -> Markup:
    """Returns a number with spaces between thousands; they do not break."""
    return Markup(f"{number:,}".replace(",", "\u202f"))  # noqa: S704 - digits and spaces


def rate(jobs: float) -> str:
    """Returns jobs a minute as people say them; at least two digits of small ones."""
    if not jobs:
        return "–"
    return f"{jobs:.1f}" if jobs < 10 else count(round(jobs))


def short_json(value: Any) -> str:
    """Returns a value as JSON on one line; as text if JSON cannot hold it."""
    try:
        return str(value) if type(value) is int else ON_ONE_LINE.encode(value)
    except (TypeError, ValueError, RecursionError):
        return as_text(value)


def pretty_json(value: Any) -> str:
    """Returns a value as JSON on several lines; as text if JSON cannot hold it."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return as_text(value)
