"""The results of a run, as values and as JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .measure import Case, Figures, Measure
from .statistics import Spread
from .subject import Kind


@dataclass
class Row:
    """A row of a table in one placement, with one sample for each round."""

    name: str
    kind: Kind
    placement: str
    promise: str = ""
    forks: bool = False
    compared: bool = True
    limit: str = ""
    samples: list[Figures] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, case: Case) -> "Row":
        return cls(
            name=case.row,
            kind=case.kind,
            placement=case.placement.name,
            promise=case.promise,
            forks=case.forks,
            compared=case.compared,
            limit=case.limit,
        )

    def spread(self, figure: str) -> Spread | None:
        """Returns this figure over all rounds; None without samples."""
        return Spread.of(sample[figure] for sample in self.samples if figure in sample)


@dataclass
class Table:
    """The results of one measure."""

    name: str
    title: str
    text: str
    columns: list[tuple[str, str]]
    """Figure and heading; the first is the leading figure."""
    more_is_better: bool
    ranked: bool = True
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, measure: Measure) -> "Table":
        columns = [(column.figure, column.head) for column in measure.columns]
        return cls(
            name=measure.name,
            title=measure.title,
            text=measure.text,
            columns=columns,
            more_is_better=measure.more_is_better,
            ranked=measure.ranked,
        )

    @property
    def lead(self) -> str:
        return self.columns[0][0]

    def placements(self) -> list[str]:
        return list(dict.fromkeys(row.placement for row in self.rows))

    def row(self, name: str, placement: str) -> Row | None:
        found = (row for row in self.rows if (row.name, row.placement) == (name, placement))
        return next(found, None)

    def of_limit(self, row: Row) -> float | None:
        """Returns the leading figure of a row, divided by that of its limit."""
        limit = self.row(row.limit, row.placement)
        own, most = row.spread(self.lead), limit and limit.spread(self.lead)
        if not own or not most or not own.median or not most.median:
            return None
        return own.median / most.median


@dataclass
class Results:
    """The results of one run."""

    about: dict[str, Any]
    """When, where, with which versions and options."""
    tables: list[Table] = field(default_factory=list)

    def table(self, name: str) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)

    def errors(self) -> Iterable[str]:
        for table in self.tables:
            for row in table.rows:
                yield from (f"{table.name}: {row.name}: {error}" for error in row.errors)

    def is_whole(self) -> bool:
        """Whether each row has figures, so that nothing failed and the run was not stopped."""
        return all(row.samples and not row.errors for table in self.tables for row in table.rows)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Results":
        found = json.loads(path.read_text())
        tables = [
            Table(**{**table, "rows": [Row(**row) for row in table["rows"]]})
            for table in found["tables"]
        ]
        return cls(found["about"], tables)
