"""How commands answer: a table for people, an array of objects for programs."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from unicodedata import combining, east_asian_width

import click

from ..text.printable import one_line
from .params import COUNT

Row = dict[str, Any]

WIDEST = 60
"""Characters of a cell; longer ones are cut."""
FIRST, LAST = "0001-01-01T00:00:00.000+00:00", "9999-12-31T23:59:59.999+00:00"
"""What stands for times that are beyond the calendar."""

count_option = click.option(
    "--count", type=COUNT, default=50, show_default=True, help="How many at most; 0 for all."
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def say(line: str, *, err: bool = False) -> None:
    """Print a line, whatever is in it."""
    click.echo(one_line(line), err=err)


def show(rows: Iterable[Row], columns: Sequence[str], as_json: bool, empty: str) -> None:
    """Print rows: with ``as_json`` one array of whole objects, else the columns as a table."""
    rows = list(rows)
    if as_json:
        click.echo(as_array(rows))
    elif not rows:
        say(empty)
    else:
        cells = [[cell(row[column]) for column in columns] for row in rows]
        widths = [max(map(width, column)) for column in zip(columns, *cells, strict=True)]
        for line in [[*columns], *cells]:
            padded = [
                text + " " * (size - width(text)) for text, size in zip(line, widths, strict=True)
            ]
            say("  ".join(padded).rstrip())


def show_some(
    rows: Iterable[Row], columns: Sequence[str], count: int, *, as_json: bool, empty: str
) -> None:
    """Print rows, so many at most (0: all), and tell people when there are more. See show."""
    found = iter(rows)
    show(islice(found, count or None), columns, as_json, empty)
    if not as_json and next(found, None) is not None:
        say(f"there are more than these {count}: --count 0 shows all", err=True)


def as_array(rows: Sequence[Row]) -> str:
    """Rows as JSON, such that every program can read it."""
    try:
        return json.dumps(rows, indent=2, allow_nan=False)
    except (ValueError, RecursionError):
        readable = [{name: strict(value) for name, value in row.items()} for row in rows]
        return json.dumps(readable, indent=2, allow_nan=False)


def strict(value: Any) -> Any:
    """A value, or as a text what JSON has no numbers or not levels enough for."""
    try:
        json.dumps(value, indent=2, allow_nan=False)
    except (ValueError, RecursionError):
        return spelled(value)
    return value


def spelled(value: Any, indent: int | None = None) -> str:
    """A value as JSON, as far as that goes."""
    try:
        return json.dumps(value, indent=indent)
    except (TypeError, ValueError, RecursionError) as error:
        return f"(cannot be shown: {type(error).__name__})"


def cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case str():
            text = value
        case _:
            text = spelled(value)
    line = one_line(" ".join(text[: 100 * WIDEST].split()))
    return line if len(line) <= WIDEST else line[: WIDEST - 1] + "…"


def width(line: str) -> int:
    """How many columns a printable line takes on a terminal."""
    if line.isascii():
        return len(line)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in line)


def counted(count: int) -> str:
    """How many jobs, in words that go on with a participle."""
    return "1 job was" if count == 1 else f"{count} jobs were"


def stamp(seconds: float | None) -> str | None:
    """An instant as ISO 8601, in UTC; one beyond the calendar as its first or last moment."""
    if seconds is None or seconds != seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return LAST if seconds > 0 else FIRST


def all_known(named: Iterable[str], known: Collection[str], wanted: str) -> bool:
    """Whether all is there that was named; what is not is told."""
    missing = sorted({*named} - {*known})
    for each in missing:
        say(f"{each}: expected {wanted}, but there is none", err=True)
    return not missing


def end(done: bool) -> None:
    """End the command with 1 unless all is done that was meant."""
    if not done:
        raise SystemExit(1)
