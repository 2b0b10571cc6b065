"""The chart: horizontal bars in SVG, one panel a measure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from .results import Results, Table
from .table import ordered, shown

CHARTED = ("drain", "naps", "enqueue", "bulk", "latency", "start", "memory")
COLOURS = {"limit": "#b8b8b8", "buoy": "#d9480f", "peer": "#4a6fa5"}
WIDTH, LABELS, BAR, GAP, TITLE, MARGIN = 860, 230, 14, 6, 44, 16
ROOM = WIDTH - LABELS - 2 * MARGIN - 90
"""The longest bar; beside it its figure stands."""


@dataclass(frozen=True)
class Bar:
    """One row: median, least and most."""

    name: str
    kind: str
    median: float
    least: float
    most: float


def chart_of(results: Results) -> str:
    """All panels, one below the other."""
    panels, top = [], MARGIN
    for name in CHARTED:
        table = results.table(name)
        bars = bars_of(table) if table else []
        if table and bars:
            panels.append(panel(table, bars, top))
            top += TITLE + len(bars) * (BAR + GAP) + MARGIN
    style = "text{font:12px sans-serif;fill:#222}.title{font-weight:bold;font-size:14px}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}">'
    page = f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>'
    return "\n".join([head, f"<style>{style}</style>", page, *panels, "</svg>", ""])


def bars_of(table: Table) -> list[Bar]:
    """The rows of the first placement that has figures."""
    bars = []
    placement = next(iter(table.placements()), "")
    for name in ordered(table) if table.rows else ():
        row = table.row(name, placement)
        if row and (spread := row.spread(table.lead)):
            bars.append(Bar(name, row.kind, spread.median, spread.least, spread.most))
    return sorted(bars, key=lambda bar: bar.median, reverse=table.more_is_better)


def panel(table: Table, bars: Sequence[Bar], top: int) -> str:
    placement = table.placements()[0]
    better = "more" if table.more_is_better else "less"
    title = f"{table.title}: {table.columns[0][1]}, {placement} ({better} is better)"
    longest = max(bar.most for bar in bars) or 1.0
    lines = [text(MARGIN, top + 20, title, "title")]
    for place, bar in enumerate(bars):
        lines += drawn(bar, top + TITLE - 10 + place * (BAR + GAP), ROOM / longest)
    return "\n".join(lines)


def drawn(bar: Bar, top: int, scale: float) -> Iterable[str]:
    """Its name, the bar, a line from the least to the most, and the median in figures."""
    left, middle = MARGIN + LABELS, top + BAR / 2
    end = left + bar.most * scale
    yield text(left - 8, top + BAR - 3, bar.name, anchor="end")
    yield (
        f'<rect x="{left}" y="{top}" width="{max(1.0, bar.median * scale):.1f}" height="{BAR}" '
        f'fill="{COLOURS[bar.kind]}"/>'
    )
    yield (
        f'<line x1="{left + bar.least * scale:.1f}" x2="{end:.1f}" y1="{middle}" y2="{middle}" '
        'stroke="#222"/>'
    )
    yield text(end + 6, top + BAR - 3, shown(bar.median))


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(words)}</text>'
