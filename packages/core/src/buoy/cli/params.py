"""Types of arguments and options. No empty text counts as "all" or as a name."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ..errors import ConfigurationError
from ..model.names import checked_queue
from ..model.strict_json import is_utf8
from ..text.durations import UNIT_SECONDS


class Text(click.types.StringParamType):
    """A text that is not empty. An empty one mostly comes from a variable that is not set."""

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        text = str(value)
        if not text.strip():
            self.fail("expected a text, got an empty one; is a variable not set?", param, ctx)
        if not is_utf8(text):
            self.fail(f"expected text that UTF-8 can hold, got {text!r:.200}", param, ctx)
        return text


class QueueName(Text):
    """The name of one queue, without wildcards."""

    name = "queue"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        text = super().convert(value, param, ctx)
        try:
            return checked_queue(text)
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)


class File(click.Path):
    """The path of a file; it may not be empty."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not str(value).strip():
            self.fail("expected a path, got an empty one; is a variable not set?", param, ctx)
        return super().convert(value, param, ctx)


class WholeNumber(click.IntRange):
    """A whole number between two others, or not less than one."""

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            number: int = super().convert(value, param, ctx)
        except click.BadParameter:
            most = "more" if self.max is None else self.max
            wanted = f"a whole number, {self.min} {'or' if self.max is None else 'to'} {most}"
            self.fail(f"expected {wanted}, got {value!r:.200}", param, ctx)
        return number


class Choice(click.Choice):  # type: ignore[type-arg]  # click has it from 8.2 on
    """One of some words."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            known = ", ".join(map(str, self.choices))
            self.fail(f"expected one of {known}; got {value!r:.200}", param, ctx)


class Seconds(click.FloatRange):
    """A finite number of seconds, 0 or more, or more than 0. To wait for ever, leave the option
    out."""

    def __init__(self, *, min_open: bool = False) -> None:
        super().__init__(min=0, max=10**9, min_open=min_open)

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            seconds: float = super().convert(value, param, ctx)
        except click.BadParameter:
            seconds = math.nan
        if not math.isfinite(seconds):
            least = "more than 0, up" if self.min_open else "0"
            self.fail(f"expected seconds, {least} to {self.max}, got {value!r:.200}", param, ctx)
        return seconds


class Instant(Text):
    """A time in epoch seconds, from ISO 8601 or from how long ago it was (30s, 5m, 2h, 1d, 1w)."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        text = super().convert(value, param, ctx)
        try:
            if text[-1] in UNIT_SECONDS:
                ago = timedelta(seconds=float(text[:-1]) * UNIT_SECONDS[text[-1]])
                return (datetime.now(UTC) - ago).timestamp()
            return datetime.fromisoformat(text).astimezone().timestamp()
        except (ValueError, OverflowError):
            self.fail(
                "expected a time like 2026-01-31T08:00, or how long ago like 2h, "
                f"got {text!r:.200}",
                param,
                ctx,
            )


class Moment(Text):
    """A time in epoch seconds, from ISO 8601; local time unless it has a zone."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        text = super().convert(value, param, ctx)
        try:
            return datetime.fromisoformat(text).astimezone().timestamp()
        except (ValueError, OverflowError):
            self.fail(f"expected a time like 2026-01-31T08:00, got {text!r:.200}", param, ctx)


class Newer(Text):
    """A name and a number, as a tuple."""

    name = "newer"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        name, _, number = (text := super().convert(value, param, ctx)).rpartition("=")
        try:
            return name, int(number)
        except ValueError:
            self.fail(f"expected a name and a number like version=7, got {text!r:.200}", param, ctx)


class Pattern(Text):
    """A regular expression."""

    name = "regex"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        text = super().convert(value, param, ctx)
        try:
            re.compile(text)
        except (re.error, RecursionError, OverflowError) as error:
            self.fail(f"expected a regular expression, got {text!r:.200} ({error})", param, ctx)
        return text


class States(Text):
    """One or several states of jobs, with commas between them."""

    name = "states"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, tuple):
            return value
        found = [word.strip() for word in super().convert(value, param, ctx).split(",")]
        for word in found:
            if word not in STATES:
                known = ", ".join(STATES)
                self.fail(f"expected some of {known}, got {word!r:.200}", param, ctx)
        return tuple(found)


STATES = ("running", "queued", "blocked", "delayed", "failed")

TEXT, QUEUE, SECONDS, INSTANT = Text(), QueueName(), Seconds(), Instant()
COUNT = WholeNumber(0, 10**9)
"""How many items to list."""
