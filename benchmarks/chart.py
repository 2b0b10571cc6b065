"""Draws the chart: horizontal bars in SVG, one panel for each measure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from .results import Results, Row, Table
from .table import format_figure

CHARTED = ("drain", "naps", "enqueue", "bulk", "latency", "start", "memory")
APART = ("drain", "latency")
"""Here systems that fork for each job have a panel of their own: they are much slower."""
LIMIT, BUOY, SAFE, UNSAFE = "#b8b8b8", "#d9480f", "#33587f", "#a9bfd8"
LEGEND = {
    LIMIT: "limit of this machine",
    BUOY: "buoy: at least once",
    SAFE: "peer: at least once",
    UNSAFE: "peer: not run again when its worker dies",
}
WIDTH, LABELS, BAR, GAP, TITLE, MARGIN = 860, 230, 14, 6, 44, 16
ROOM = WIDTH - LABELS - 2 * MARGIN - 90
"""The length of the longest bar; its figure is on its right."""


@dataclass(frozen=True)
class Bar:
    """One row: colour, median, minimum and maximum."""

    name: str
    colour: str
    median: float
    least: float
    most: float


def chart_of(results: Results) -> str:
    """Returns the SVG with all panels, one below the other."""
    panels, top = list(legend()), TITLE
    for name in CHARTED:
        table = results.table(name)
        for heading, bars in split_panels(table) if table else ():
            panels.append(panel(heading, bars, top))
            top += TITLE + len(bars) * (BAR + GAP) + MARGIN
    style = "text{font:12px sans-serif;fill:#222}.title{font-weight:bold;font-size:14px}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}">'
    page = f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>'
    return "\n".join([head, f"<style>{style}</style>", page, *panels, "</svg>", ""])


def legend() -> Iterable[str]:
    left = MARGIN
    for colour, words in LEGEND.items():
        yield f'<rect x="{left}" y="{MARGIN}" width="{BAR}" height="{BAR}" fill="{colour}"/>'
        yield text(left + BAR + 6, MARGIN + BAR - 3, words)
        left += BAR + 30 + 7 * len(words)


def split_panels(table: Table) -> Iterator[tuple[str, list[Bar]]]:
    """Returns the panels of a table: heading and bars."""
    parts: dict[str, Sequence[Row]] = {"": table.rows}
    if table.name in APART:
        forks = [row for row in table.rows if row.forks]
        others = [row for row in table.rows if not row.forks]
        parts = {"": others, ", a process for each job": forks}
    for kind, rows in parts.items():
        if bars := bars_of(table, rows):
            yield f"{title(table)}{kind}", bars


def bars_of(table: Table, rows: Iterable[Row]) -> list[Bar]:
    """Returns the bars of the first placement, best first, without variations."""
    bars = []
    for row in rows:
        spread = row.spread(table.lead)
        if spread and row.placement == table.placements()[0] and row.compared:
            bars.append(Bar(row.name, colour_of(row), spread.median, spread.least, spread.most))
    return sorted(bars, key=lambda bar: bar.median, reverse=table.more_is_better)


def colour_of(row: Row) -> str:
    if row.kind == "peer":
        return UNSAFE if row.promise.startswith("at most") else SAFE
    return BUOY if row.kind == "buoy" else LIMIT


def title(table: Table) -> str:
    better = "more" if table.more_is_better else "less"
    place = table.placements()[0]
    return f"{table.title}: {table.columns[0][1]}, {place} ({better} is better)"


def panel(heading: str, bars: Sequence[Bar], top: int) -> str:
    longest = max(bar.most for bar in bars) or 1.0
    lines = [text(MARGIN, top + 20, heading, "title")]
    for place, bar in enumerate(bars):
        lines += draw_bar(bar, top + TITLE - 10 + place * (BAR + GAP), ROOM / longest)
    return "\n".join(lines)


def draw_bar(bar: Bar, top: int, scale: float) -> Iterable[str]:
    """Returns its name, the bar, a line from minimum to maximum, and the median."""
    left, middle = MARGIN + LABELS, top + BAR / 2
    end = left + bar.most * scale
    yield text(left - 8, top + BAR - 3, bar.name, anchor="end")
    yield (
        f'<rect x="{left}" y="{top}" width="{max(1.0, bar.median * scale):.1f}" height="{BAR}" '
        f'fill="{bar.colour}"/>'
    )
    yield (
        f'<line x1="{left + bar.least * scale:.1f}" x2="{end:.1f}" y1="{middle}" y2="{middle}" '
        'stroke="#222"/>'
    )
    yield text(end + 6, top + BAR - 3, format_figure(bar.median))


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(words)}</text>'
