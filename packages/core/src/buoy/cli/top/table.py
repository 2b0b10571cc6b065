"""A table of ``buoy top``: fitted to its width, and with a cursor that stays on its row."""

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import DataTable

from ..table import Column, allotted, style_of
from .rows import TopRow

PADDING, BORDER, SCROLLBAR = 2, 2, 2
"""The columns of the terminal that these take: a column's padding, the border, the scrollbar."""


class TopTable(DataTable[Text]):
    """Shows rows in these columns. Where there is no room for all, the last ones are left out."""

    def __init__(self, id: str, columns: Sequence[str]) -> None:
        super().__init__(id=id, cursor_type="row")
        self.names = columns
        self.top_rows: list[TopRow] = []
        self.border_title = id
        self.drawn: tuple[list[int], list[list[str]]] | None = None

    @property
    def current(self) -> TopRow | None:
        """The row under the cursor."""
        place = self.cursor_row
        return self.top_rows[place] if 0 <= place < len(self.top_rows) else None

    def show(self, rows: list[TopRow], title: str) -> None:
        """Show these rows; the cursor stays on its row, or on its line if that row is gone."""
        before, line = self.current, self.cursor_row
        top, self.top_rows = self.scroll_y, rows
        self.border_title = title
        is_new = self.draw()
        keys = [row.key for row in rows]
        if rows and is_new:
            kept = before is not None and before.key in keys
            line = keys.index(before.key) if kept and before else min(line, len(rows) - 1)
            self.move_cursor(row=line, scroll=False)
            self.scroll_to(y=top, animate=False)

    def draw(self) -> bool:
        """Draw the rows if their texts, or the width of the terminal, are others than before;
        returns whether they are."""
        columns = [Column(name, [row.cells[name] for row in self.top_rows]) for name in self.names]
        inside = self.size.width or self.app.size.width - BORDER  # before it is laid out
        room = max(inside, 20) - SCROLLBAR
        while len(columns) > 1 and sum(each.least + PADDING for each in columns) > room:
            columns.pop()
        for column in columns:
            column.use_clock()
        widths = allotted(columns, room - PADDING * len(columns))
        cells = [column.fitted(size) for column, size in zip(columns, widths, strict=True)]
        if self.drawn == (widths, cells):
            return False
        self.drawn = (widths, cells)
        self.clear(columns=True)
        for column, size in zip(columns, widths, strict=True):
            self.add_column(Text(column.name), width=size, key=column.name)
        for n in range(len(self.top_rows)):
            texts = [
                Text(texts[n], style=style_of(column, n, "", None).get("fg", ""))
                for column, texts in zip(columns, cells, strict=True)
            ]
            self.add_row(*texts)
        return True
