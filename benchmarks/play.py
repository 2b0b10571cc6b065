"""Plays all cases, round by round: what disturbs a machine for a while disturbs them all."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .measure import Case, Measure
from .processes import Wrong
from .results import Row, Table


@dataclass(frozen=True)
class Part:
    """One case and the row of its samples."""

    table: Table
    case: Case
    row: Row


def play(plan: Sequence[tuple[Measure, Sequence[Case]]], rounds: int) -> list[Table]:
    """A case that fails is told of, kept as such, and not tried again."""
    parts, tables = [], []
    for measure, cases in plan:
        table = Table.of(measure)
        tables.append(table)
        for case in cases:
            row = Row.of(case)
            table.rows.append(row)
            parts.append(Part(table, case, row))
    try:
        for number in range(rounds):
            for part in parts:
                if not part.row.errors and not (part.case.once and number):
                    played(part, number)
    except KeyboardInterrupt:
        print("stopped; what is known by now is kept", file=sys.stderr)
    return tables


def played(part: Part, number: int) -> None:
    started, case = time.monotonic(), part.case
    try:
        figures = case.play()
    except Exception as error:  # noqa: BLE001 - it must not cost the others their figures
        told = str(error) if isinstance(error, Wrong) else repr(error)
        part.row.errors.append(told)
        said = f"FAILED: {told}"
    else:
        part.row.samples.append(figures)
        said = f"{figures[part.table.lead]:,.4g}"
    took = time.monotonic() - started
    where = f"{part.table.name} · {case.row} · {case.placement.name}"
    print(f"{number + 1}  {where}: {said}  ({took:.1f} s)", file=sys.stderr, flush=True)
