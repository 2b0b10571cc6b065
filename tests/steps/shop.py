"""A job with steps, whose rows are numbers."""

from collections.abc import Callable, Iterator

from buoy import Job
from buoy_steps import Steps, cursor, each, step

seen: list[object] = []
"""What the runs of a test have done."""
on_row: list[Callable[[int], object]] = []
"""Called with each row, if there is something."""


def numbers(after: int | None) -> Iterator[int]:
    yield from range(0 if after is None else after + 1, 6)


class Import(Job):
    queue = "imports"
    plugins = [Steps(every=1000)]  # no cursor is kept in the middle of a step, on a slow machine

    def perform(self, file: str) -> None:
        if step("fetch"):
            seen.append(f"fetch {file}")
        if step("import"):
            for row in each(numbers, cursor=lambda row: row):
                for call in on_row:
                    call(row)
                seen.append(row)
        if step("report"):
            seen.append(f"report, {cursor()}")
