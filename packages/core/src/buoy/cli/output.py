"""The output of commands: a table for people, a JSON array of objects for programs."""

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
"""The most characters of a cell; longer text is cut."""
FIRST, LAST = "0001-01-01T00:00:00.000+00:00", "9999-12-31T23:59:59.999+00:00"
"""Shown for times before and after the calendar of Python."""

count_option = click.option(
    "--count", type=COUNT, default=50, show_default=True, help="The most to list; 0 lists all."
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_line(line: str, *, err: bool = False) -> None:
    """Print one line; escapes characters that are not printable."""
    click.echo(one_line(line), err=err)


def print_rows(
    rows: Iterable[Row], columns: Sequence[str] = (), *, as_json: bool = False, empty: str = ""
) -> None:
    """Print rows: as a table of these columns, or with ``as_json`` as an array of whole objects.

    ``empty``: the line to print instead of a table without rows.
    """
    rows = list(rows)
    if as_json:
        click.echo(as_array(rows))
    elif not rows:
        print_line(empty)
    else:
        cells = [[format_cell(row[column]) for column in columns] for row in rows]
        widths = [max(map(width, column)) for column in zip(columns, *cells, strict=True)]
        for line in [[*columns], *cells]:
            padded = [
                text + " " * (size - width(text)) for text, size in zip(line, widths, strict=True)
            ]
            print_line("  ".join(padded).rstrip())


def print_first_rows(
    rows: Iterable[Row], columns: Sequence[str], count: int, *, as_json: bool, empty: str
) -> None:
    """Print at most ``count`` rows (0: all) as ``show`` does, and report if there are more."""
    found = iter(rows)
    print_rows(islice(found, count or None), columns, as_json=as_json, empty=empty)
    if not as_json and next(found, None) is not None:
        print_line(f"there are more than these {count}: --count 0 shows all", err=True)


def as_array(rows: Sequence[Row]) -> str:
    """Return rows as JSON that every program can read."""
    try:
        return json.dumps(rows, indent=2, allow_nan=False)
    except (ValueError, RecursionError):
        readable = [{name: json_safe(value) for name, value in row.items()} for row in rows]
        return json.dumps(readable, indent=2, allow_nan=False)


def json_safe(value: Any) -> Any:
    """Return a value, or a text if strict JSON cannot hold it (nan, or too many levels)."""
    try:
        json.dumps(value, indent=2, allow_nan=False)
    except (ValueError, RecursionError):
        return format_json(value)
    return value


def format_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON, or a text that says why JSON cannot hold it."""
    try:
        return json.dumps(value, indent=indent)
    except (TypeError, ValueError, RecursionError) as error:
        return f"(cannot be shown: {type(error).__name__})"


def format_cell(value: Any) -> str:
    """Return a value as one printable line of at most WIDEST characters."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case str():
            text = value
        case _:
            text = format_json(value)
    line = one_line(" ".join(text[: 100 * WIDEST].split()))
    return line if len(line) <= WIDEST else line[: WIDEST - 1] + "…"


def width(line: str) -> int:
    """Return how many columns a printable line takes on a terminal."""
    if line.isascii():
        return len(line)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in line)


def format_job_count(count: int) -> str:
    """Return "1 job was" or "3 jobs were", for a sentence that ends with a participle."""
    return "1 job was" if count == 1 else f"{count} jobs were"


def format_time(seconds: float | None) -> str | None:
    """Return epoch seconds as ISO 8601 in UTC, or None for None and nan.

    A time that the calendar of Python does not have becomes its first or last moment.
    """
    if seconds is None or seconds != seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return LAST if seconds > 0 else FIRST


def report_unknown(named: Iterable[str], known: Collection[str], wanted: str) -> bool:
    """Report each name that is not known; returns whether all are known."""
    missing = sorted({*named} - {*known})
    for each in missing:
        print_line(f"{each}: expected {wanted}, but there is none", err=True)
    return not missing


def exit_unless(done: bool) -> None:
    """End the command with exit code 1 unless ``done``."""
    if not done:
        raise SystemExit(1)
