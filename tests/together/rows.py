"""Tables of docs/together.md of which each row is a test."""

from collections.abc import Callable
from typing import Any

from tests.docs.blocks import Page

Test = Callable[..., Any]


class Table:
    """A table below a heading. ``row`` enters the cells of a row; the decorated test shows it."""

    def __init__(self, heading: str) -> None:
        self.heading = heading
        self.rows: list[tuple[str, ...]] = []

    def row(self, *cells: str) -> Callable[[Test], Test]:
        self.rows.append(cells)
        return lambda test: test

    def documented(self) -> list[tuple[str, ...]]:
        """Returns the cells of the page, row by row, with links as their texts."""
        text = Page("docs/together.md").text().split(f"\n## {self.heading}\n")[1].split("\n## ")[0]
        lines = [line for line in text.splitlines() if line.startswith("|")]
        return [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in lines[2:]]
