"""How commands answer: a table for people, an array of objects for programs."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

Row = dict[str, Any]
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

COUNT = click.IntRange(0, 10**9)
"""How many are to be shown."""

count_option = click.option(
    "--count", type=COUNT, default=50, show_default=True, help="How many at most; 0 for all."
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def show(rows: Iterable[Row], columns: Sequence[str], as_json: bool, empty: str) -> None:
    """Print rows: with ``as_json`` one array of whole objects, else the columns as a table."""
    rows = list(rows)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo(empty)
    else:
        cells = [[cell(row[column]) for column in columns] for row in rows]
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        for line in [[*columns], *cells]:
            padded = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
            click.echo("  ".join(padded).rstrip())


def cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case str():
            text = value
        case _:
            text = json.dumps(value)
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else "?" for c in line)
    return line if len(line) <= 60 else line[:59] + "…"


def counted(count: int) -> str:
    """How many jobs, in words that go on with a participle."""
    return "1 job was" if count == 1 else f"{count} jobs were"


def stamp(seconds: float | None) -> str | None:
    """An instant as ISO 8601, in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


class Instant(click.ParamType):  # type: ignore[type-arg]  # click has it from 8.4 on
    """An instant: ISO 8601, or how long ago (30s, 5m, 2h, 1d)."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, float):
            return value
        try:
            if value[-1:] in UNITS:
                ago = timedelta(**{UNITS[value[-1]]: float(value[:-1])})
                return (datetime.now(UTC) - ago).timestamp()
            return datetime.fromisoformat(value).astimezone().timestamp()
        except (ValueError, OverflowError):
            self.fail(
                f"expected a time like 2026-01-31T08:00, or how long ago like 2h, got {value!r}",
                param,
                ctx,
            )
