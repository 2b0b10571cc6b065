"""Runs all cases in rounds, so that a disturbance of the machine affects all of them."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .measure import Case, Measure
from .processes import MeasurementError
from .results import Row, Table


@dataclass(frozen=True)
class Part:
    """One case and the row for its samples."""

    table: Table
    case: Case
    row: Row


def run_cases(plan: Sequence[tuple[Measure, Sequence[Case]]], rounds: int) -> list[Table]:
    """Returns the tables. A case that fails is printed, recorded in its row, and not run again."""
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
                    run_case(part, number)
    except KeyboardInterrupt:
        print("stopped; the results so far are kept", file=sys.stderr)
    return tables


def run_case(part: Part, number: int) -> None:
    started, case = time.monotonic(), part.case
    try:
        figures = case.run()
    except Exception as error:  # noqa: BLE001 - the other cases must still run
        reason = str(error) if isinstance(error, MeasurementError) else repr(error)
        part.row.errors.append(reason)
        outcome = f"FAILED: {reason}"
    else:
        part.row.samples.append(figures)
        outcome = f"{figures[part.table.lead]:,.4g}"
    took = time.monotonic() - started
    where = f"{part.table.name} · {case.row} · {case.placement.name}"
    print(f"{number + 1}  {where}: {outcome}  ({took:.1f} s)", file=sys.stderr, flush=True)
