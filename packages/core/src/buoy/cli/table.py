"""Tables: whole, or fitted to the width of a terminal.

Where a table is too wide, first the columns with bulky values become narrower, then the others; an
ellipsis shows what is cut. If that is not enough, each row takes several lines. Ids stay whole, so
that they can be copied.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from .cells import WIDEST, Duration, Time, cut_end, cut_middle, whole_cell, width

GAP, INDENT = 2, 4
"""The spaces between columns, and before the further lines of a row. There is one space between
columns if all of them fit on one line then, and not otherwise."""
NARROW = 12
"""The width down to which a column may be cut."""
TELLING = {"message": 24, "reason": 24, "when": 24, "next": 28}
"""That width for columns of which a few words say nothing."""
KEPT = frozenset({"id", "holder", "name", "claim"})
"""Columns with names that commands take."""
BULKY = frozenset(
    {"args", "kwargs", "cause", "message", "reason", "running", "tags", "when", "worker", "text"}
)
"""Columns that get what space the others leave."""
WITH_TAILS = frozenset({"id", "class", "error", "queue", "worker", "holder", "name", "claim"})
"""Columns that are cut in the middle: their ends tell them apart."""

Style = dict[str, Any]
"""Arguments of ``click.style``."""

HEADER: Style = {"bold": True}
CHANGED: Style = {"reverse": True}
RED, YELLOW, GREEN, CYAN = ({"fg": name} for name in ("red", "yellow", "green", "cyan"))
STATES: dict[str, Style] = {
    "failed": RED,
    "gone": RED,
    "lost": RED,
    "left out": RED,
    "delayed": YELLOW,
    "blocked": YELLOW,
    "paused": YELLOW,
    "stopping": YELLOW,
    "rejected": YELLOW,
    "off": YELLOW,
    "running": GREEN,
    "done": GREEN,
    "active": GREEN,
    "queued": CYAN,
}
"""How the words of a column "state" are shown."""


@dataclass(slots=True)
class Changes:
    """The cells of the last time, to mark those that have changed since. Times and durations do not
    count: they change all the time."""

    before: dict[str, dict[str, str]] | None = None
    now: dict[str, dict[str, str]] = field(default_factory=dict)

    def next_time(self) -> None:
        """Let the cells of now be those of the last time."""
        self.before, self.now = self.now, {}

    def mark(self, row: str, column: str, value: Any, text: str) -> bool:
        """Note a cell; returns whether it has changed. ``row``: the name of the row."""
        self.now.setdefault(row, {})[column] = text
        if self.before is None or isinstance(value, Time | Duration):
            return False
        return self.before.get(row, {}).get(column) != text


@dataclass(slots=True)
class Column:
    """A column: its values, and their texts."""

    name: str
    values: list[Any]
    texts: list[str] = field(init=False)
    is_time: bool = field(init=False)

    def __post_init__(self) -> None:
        self.texts = [whole_cell(value) for value in self.values]
        self.is_time = any(isinstance(value, Time) for value in self.values)

    def use_clock(self) -> None:
        """Show times as their distance from now, with the local time."""
        self.texts = [
            value.with_clock() if isinstance(value, Time) else text
            for value, text in zip(self.values, self.texts, strict=True)
        ]

    def short_times(self) -> list[str]:
        """Returns the texts, with times as their distance from now only."""
        return [
            value.distance() if isinstance(value, Time) else text
            for value, text in zip(self.values, self.texts, strict=True)
        ]

    @property
    def natural(self) -> int:
        return max(map(width, (self.name, *self.texts)))

    @property
    def least(self) -> int:
        if self.name in KEPT:
            return self.natural
        if self.is_time:
            return max(map(width, (self.name, *self.short_times())))
        return min(self.natural, max(TELLING.get(self.name, NARROW), width(self.name)))

    def fitted(self, size: int) -> list[str]:
        """Returns the texts, none of them wider than ``size``."""
        texts = self.short_times() if self.is_time and self.natural > size else self.texts
        cut = cut_middle if self.name in WITH_TAILS else cut_end
        return [cut(text, size) for text in texts]


@dataclass(frozen=True, slots=True)
class Part:
    """One line of each row: its columns, and how wide each is shown."""

    columns: list[Column]
    widths: list[int]
    indent: int
    gap: int
    cells: list[list[str]]
    """The texts of each column, as they are shown."""


def table_lines(
    names: Sequence[str], rows: Sequence[dict[str, Any]], limit: int | None, changes: Changes | None
) -> Iterator[str]:
    """Returns the lines of a table, with styles. ``limit``: the columns of the terminal, or None
    for a whole table. ``changes``: what to mark as changed."""
    columns = [Column(name, [row[name] for row in rows]) for name in names]
    parts = whole_parts(columns) if limit is None else fitted_parts(columns, limit)
    for part in parts:
        heads = zip(part.columns, part.widths, strict=True)
        texts = [cut_end(column.name, size) for column, size in heads]
        yield line_of(part, texts, [HEADER] * len(texts))
    seen: Counter[str] = Counter()
    for n, name in enumerate(columns[0].texts):
        seen[name] += 1
        for part in parts:
            row = f"{name} {seen[name]}"
            styles = [style_of(column, n, row, changes) for column in part.columns]
            yield line_of(part, [texts[n] for texts in part.cells], styles)


def line_of(part: Part, texts: Sequence[str], styles: Sequence[Style]) -> str:
    """Returns one line of a part, without spaces at its end."""
    cells = [
        styled(text, style) + " " * max(part.gap, size + part.gap - width(text))
        for text, size, style in zip(texts, part.widths, styles, strict=True)
    ]
    return " " * part.indent + "".join(cells).rstrip()


def styled(text: str, style: Style) -> str:
    """Returns a text in its style; plain if it has none."""
    return click.style(text, **style) if style else text


def style_of(column: Column, n: int, row: str, changes: Changes | None) -> Style:
    """Returns how a cell is shown."""
    value, text = column.values[n], column.texts[n]
    style: Style = {}
    if column.name == "state":
        style = STATES.get(text, {})
    elif (column.name == "error" and value is not None) or (column.name == "failed" and value):
        style = STATES["failed"]
    elif column.name == "paused" and value:
        style = STATES["paused"]
    if changes is not None and changes.mark(row, column.name, value, text):
        return style | CHANGED
    return style


def whole_parts(columns: list[Column]) -> list[Part]:
    """Returns one part with whole cells. Very long ones do not make the column wider."""
    widths = [max(width(column.name), min(column.natural, WIDEST)) for column in columns]
    return [Part(columns, widths, 0, GAP, [column.texts for column in columns])]


def fitted_parts(columns: list[Column], limit: int) -> list[Part]:
    """Returns the parts of a table of at most ``limit`` columns of the terminal."""
    for column in columns:
        column.use_clock()
    gap = GAP
    lines = packed(columns, limit, gap)
    if len(lines) > 1:
        closer = packed(columns, limit, 1)
        gap, lines = (1, closer) if len(closer) == 1 else (gap, lines)
    return [part_of(some, INDENT if number else 0, limit, gap) for number, some in enumerate(lines)]


def part_of(columns: list[Column], indent: int, limit: int, gap: int) -> Part:
    """Returns the columns of one line, fitted to ``limit``."""
    widths = allotted(columns, limit - indent - gap * (len(columns) - 1))
    cells = [column.fitted(size) for column, size in zip(columns, widths, strict=True)]
    return Part(columns, widths, indent, gap, cells)


def packed(columns: list[Column], limit: int, gap: int) -> list[list[Column]]:
    """Returns the columns in groups that fit into a line each, when they are at their narrowest."""
    lines: list[list[Column]] = [[]]
    room = limit
    for column in columns:
        if lines[-1] and column.least > room:
            lines.append([])
            room = limit - INDENT
        lines[-1].append(column)
        room -= column.least + gap
    return lines


def allotted(columns: list[Column], room: int) -> list[int]:
    """Returns the width of each column: the narrowest, and what is left goes first to columns that
    are not bulky, then to times, then to the bulky ones."""
    widths = [min(column.least, room) for column in columns]
    plain = [n for n, each in enumerate(columns) if each.name not in BULKY and not each.is_time]
    times = [n for n, each in enumerate(columns) if each.is_time]
    bulky = [n for n, each in enumerate(columns) if each.name in BULKY and not each.is_time]
    grow(columns, plain, widths, room)
    for n in times:  # a time has two forms, and none in between
        if columns[n].natural - widths[n] <= room - sum(widths):
            widths[n] = columns[n].natural
    grow(columns, bulky, widths, room)
    return widths


def grow(columns: list[Column], which: list[int], widths: list[int], room: int) -> None:
    """Share what is left of the room among these columns; none gets more than it needs."""
    spare = room - sum(widths)
    while spare > 0 and (which := [n for n in which if widths[n] < columns[n].natural]):
        share = max(1, spare // len(which))
        for n in which:
            more = min(share, columns[n].natural - widths[n], spare)
            widths[n] += more
            spare -= more
