"""The output of commands: a table for people, a JSON array of objects for programs."""

import json
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Any

import click

from ..text.printable import one_line
from .cells import Duration, Size, Time, format_cell, format_json, format_time
from .params import COUNT
from .table import Changes, Style, styled, table_lines
from .terminal import screen_width

__all__ = [
    "Duration",
    "Row",
    "Size",
    "Time",
    "as_array",
    "count_option",
    "exit_unless",
    "format_cell",
    "format_job_count",
    "format_json",
    "format_time",
    "json_option",
    "print_first_rows",
    "print_line",
    "print_marked",
    "print_rows",
    "report_unknown",
]

Row = dict[str, Any]

count_option = click.option(
    "--count", type=COUNT, default=50, show_default=True, help="The most to list; 0 lists all."
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


TAGS = "tags"
RARE: dict[str, Any] = {TAGS: [], "priority": "normal"}
"""Columns that many apps do not use, and what they have there."""
CHANGES = "buoy.changes"
"""Where the context of a command that is repeated has its Changes."""


def print_line(line: str, *, err: bool = False, style: Style | None = None) -> None:
    """Print one line; escapes characters that are not printable. ``style``: the arguments of
    ``click.style``, for a terminal with colours."""
    click.echo(styled(one_line(line), style or {}), err=err)


def print_marked(mark: str, style: Style, line: str) -> None:
    """Print one line after a mark, such as "WRONG", that has a style on a terminal."""
    click.echo(styled(mark, style) + one_line(line))


def print_rows(
    rows: Iterable[Row], columns: Sequence[str] = (), *, as_json: bool = False, empty: str = ""
) -> None:
    """Print rows: as a table of these columns, or with ``as_json`` as an array of whole objects.

    ``empty``: the line to print instead of a table without rows. A table has a column of RARE
    only if one of its rows has something there.
    """
    rows = list(rows)
    if as_json:
        click.echo(as_array(rows))
    elif not rows:
        print_line(empty)
    else:
        shown = [
            name
            for name in columns
            if name not in RARE or any(row[name] != RARE[name] for row in rows)
        ]
        if TAGS in shown:
            rows = [row | {TAGS: ", ".join(row[TAGS]) or None} for row in rows]
        for line in table_lines(shown, rows, screen_width(), current_changes()):
            click.echo(line)


def current_changes() -> Changes | None:
    """Returns what marks changes, if the command is repeated by --watch."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(CHANGES)


def print_first_rows(
    rows: Iterable[Row],
    columns: Sequence[str],
    count: int,
    *,
    as_json: bool,
    empty: str,
    total: int | None = None,
) -> None:
    """Print at most ``count`` rows (0: all) as ``print_rows`` does, and report if there are more.

    ``total``: how many there are in all, if that is known.
    """
    found = iter(rows)
    print_rows(islice(found, count or None), columns, as_json=as_json, empty=empty)
    if as_json or not count:
        return
    if total is not None and total > count:
        print_line(f"{count} of {total}: --count 0 shows all", err=True)
    elif total is None and next(found, None) is not None:
        print_line(f"there are more than these {count}: --count 0 shows all", err=True)


def as_array(rows: Sequence[Row]) -> str:
    """Returns rows as JSON that every program can read."""
    try:
        return json.dumps(rows, indent=2, allow_nan=False)
    except (ValueError, RecursionError):
        readable = [{name: json_safe(value) for name, value in row.items()} for row in rows]
        return json.dumps(readable, indent=2, allow_nan=False)


def json_safe(value: Any) -> Any:
    """Returns a value, or a text if strict JSON cannot hold it (nan, or too many levels)."""
    try:
        json.dumps(value, indent=2, allow_nan=False)
    except (ValueError, RecursionError):
        return format_json(value)
    return value


def format_job_count(count: int) -> str:
    """Returns "1 job was" or "3 jobs were", for a sentence that ends with a participle."""
    return "1 job was" if count == 1 else f"{count} jobs were"


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
