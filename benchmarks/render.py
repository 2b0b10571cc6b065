"""Writes the results into pages, so that no figure is typed by hand."""

import re
from collections.abc import Collection
from pathlib import Path

from .chart import chart_of
from .results import Results
from .subject import ROOT
from .table import summary, table_of

PAGE = ROOT / "docs" / "performance.md"
CHART = "performance.svg"
MARKED = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
MISSING = "*Not measured yet: `make bench`, then `python -m benchmarks --render FILE`.*"


def report(results: Results) -> str:
    """Returns a page with all tables."""
    parts = ["# Results", about(results), "## In short", summary(results)]
    for table in results.tables:
        parts += [f"## {table.title}", table.text, table_of(table)]
    if errors := list(results.errors()):
        parts += ["## What failed", *(f"```\n{error}\n```" for error in errors)]
    return "\n\n".join(parts) + "\n"


def about(results: Results) -> str:
    """Returns where, when and with which versions the figures were measured."""
    facts = dict(results.about)
    versions = ", ".join(f"{name} {number}" for name, number in facts.pop("versions").items())
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    return "\n".join([*lines, f"- versions: {versions}"])


def fill(page: str, results: Results, only: Collection[str] = ()) -> str:
    """Returns the page with new text between its marks, or between some of them only."""

    def filled(mark: re.Match[str]) -> str:
        if only and mark[2] not in only:
            return mark[0]
        apart = f"{measured_apart(results)}\n\n" if only else ""
        return f"{mark[1]}\n{apart}{figures(mark[2], results)}\n\n{mark[3]}"

    return MARKED.sub(filled, page)


def measured_apart(results: Results) -> str:
    """Returns when and where some figures of a page were measured, apart from the others."""
    facts = results.about
    return f"Measured apart from the others: {facts['measured']}, {facts['machine']}."


def figures(name: str, results: Results) -> str:
    """Returns the text for a mark: a measure, or "about", "summary" or "chart"."""
    if name == "about":
        return about(results)
    if name == "summary":
        return summary(results)
    if name == "chart":
        return f"![The figures as bars]({CHART})"
    table = results.table(name)
    return f"{table.text}\n\n{table_of(table)}" if table and table.rows else MISSING


def render(results: Results, page: Path = PAGE, only: Collection[str] = ()) -> None:
    """Write the tables into the page, and the chart beside it; or only the tables of some
    measures."""
    page.write_text(fill(page.read_text(), results, only))
    if not only:
        (page.parent / CHART).write_text(chart_of(results))
