"""Formats results as Markdown tables."""

from collections.abc import Iterable, Sequence

from .results import Results, Row, Table
from .statistics import Spread

ORDER = ("limit", "buoy", "peer")
NOTHING = "–"


def table_of(table: Table) -> str:
    """Returns the table of one measure: the limits, then buoy, then other systems, best first."""
    places = table.placements()
    some = any(row.promise for row in table.rows)
    limited = [place for place in places if any_limit(table, place)]
    lead, others = table.columns[0], used(table, table.columns[1:])
    heads = ["", *(f"{lead[1]}, {place}" for place in places)]
    limit = "of the limit" if table.more_is_better else "times the limit"
    heads += [f"{limit}, {place}" for place in limited]
    heads += [head for _, head in others] + ["if its worker dies"] * some
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1 - some) + ["---"] * some]
    for name in ordered(table):
        rows = [table.row(name, place) for place in places]
        first = next(row for row in rows if row)
        cells = [bold(first), *(lead_cell(table, row) for row in rows)]
        cells += [limit_cell(table, table.row(name, place)) for place in limited]
        cells += [number(first.spread(figure)) for figure, _ in others]
        lines.append(cells + [first.promise or NOTHING] * some)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def ordered(table: Table) -> list[str]:
    """Returns the names of the rows, by kind, then by the leading figure."""
    if not table.ranked:
        return list(dict.fromkeys(row.name for row in table.rows))
    place = table.placements()[0]

    def rank(row: Row) -> tuple[int, float]:
        spread = row.spread(table.lead)
        figure = spread.median if spread else 0.0
        return ORDER.index(row.kind), -figure if table.more_is_better else figure or float("inf")

    firsts = {row.name: row for row in reversed(table.rows) if row.placement == place}
    rest = {row.name: row for row in reversed(table.rows)}
    return [row.name for row in sorted((rest | firsts).values(), key=rank)]


def used(table: Table, columns: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the columns that have figures; "ran twice" only if a job did."""
    found = []
    for figure, head in columns:
        spreads = [row.spread(figure) for row in table.rows]
        if any(spread and (spread.most or figure != "ran_twice") for spread in spreads):
            found.append((figure, head))
    return found


def any_limit(table: Table, placement: str) -> bool:
    rows = (row for row in table.rows if row.placement == placement)
    return any(table.of_limit(row) is not None for row in rows)


def bold(row: Row) -> str:
    return f"**{row.name}**" if row.kind == "buoy" else row.name


def lead_cell(table: Table, row: Row | None) -> str:
    if row is None:
        return NOTHING
    if row.errors:
        return "failed"
    spread = row.spread(table.lead)
    if spread is None or len(row.samples) == 1 or spread.least == spread.most:
        return number(spread)
    least, median, most = map(format_figure, (spread.least, spread.median, spread.most))
    return f"{median} ({least}–{most})"


def limit_cell(table: Table, row: Row | None) -> str:
    part = None if row is None else table.of_limit(row)
    if part is None:
        return NOTHING
    return f"{100 * part:.0f} %" if table.more_is_better else f"{part:.1f}×"


def number(spread: Spread | None) -> str:
    return NOTHING if spread is None else format_figure(spread.median)


def format_figure(figure: float) -> str:
    """Returns the figure with three digits, or all digits before the point."""
    if figure == 0 or abs(figure) >= 100:
        return f"{figure:,.0f}"
    return (
        f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2g}" if figure < 1 else f"{figure:.2f}"
    )


def summary(results: Results) -> str:
    """Returns the short table: for each row of buoy its limit and the best comparable systems."""
    lines = [["", "", "buoy", "beside the limit", "best peer", "best peer, at least once"]]
    lines.append(["---", "---", "---:", "---:", "---:", "---:"])
    for table in results.tables:
        place = next(iter(table.placements()), "")
        for row in (row for row in table.rows if row.kind == "buoy" and row.placement == place):
            own = row.spread(table.lead)
            if own is None:
                continue
            peers = comparable(table, row)
            safe = [peer for peer in peers if peer.promise == "at least once"]
            figure = f"{format_figure(own.median)} {table.columns[0][1]}"
            cells = [table.title, f"**{row.name}**", figure, limit_cell(table, row)]
            lines.append([*cells, best(table, own, peers), best(table, own, safe)])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def comparable(table: Table, row: Row) -> list[Row]:
    """Returns the other systems that fork, if this row forks, else those that do not."""
    if not row.compared:
        return []
    return [
        peer
        for peer in table.rows
        if peer.kind == "peer" and peer.placement == row.placement and peer.forks == row.forks
    ]


def best(table: Table, own: Spread, peers: Sequence[Row]) -> str:
    """Returns the best of them, and by which factor buoy is better."""
    found = [(spread.median, peer) for peer in peers if (spread := peer.spread(table.lead))]
    if not found:
        return NOTHING
    pick = max if table.more_is_better else min
    figure, peer = pick(found, key=lambda pair: pair[0])
    times = own.median / figure if table.more_is_better else figure / own.median
    return f"{peer.name} {format_figure(figure)}: {times:.2g}×"
