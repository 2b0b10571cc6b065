"""Read by type checkers, never run: see tests/core/typing_cases.py."""

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple, assert_type

from buoy import App, Job
from buoy_steps import Steps, acheckpoint, aeach, astep, checkpoint, each, step


class Row(NamedTuple):
    id: int
    name: str


def rows(after: int | None) -> list[Row]:
    return []


async def arows(after: int | None) -> AsyncIterator[Row]:
    yield Row(1, "a")


class Import(Job):
    plugins = [Steps(every=1, max_crashes=5, max_runtime=60)]

    def perform(self) -> None:
        if step("import"):
            for row in each(rows, cursor=lambda row: row.id):
                assert_type(row, Row)


def options() -> None:
    Steps()
    Steps(every="1s")  # type: ignore[arg-type]
    Steps(max_crashes=None)  # type: ignore[arg-type]
    Steps(max_runtime="5m")  # type: ignore[arg-type]
    Steps(max_losses=3)  # type: ignore[call-arg]
    Steps().every = 1  # type: ignore[misc]
    App(plugins=[Steps()])


def loops() -> None:
    assert_type(each(rows, cursor=lambda row: row.id), Iterator[Row])
    assert_type(each(["a", "b"]), Iterator[str])
    each(rows)  # type: ignore[call-overload]
    each(5)  # type: ignore[call-overload]
    each(["a"], cursor="a")  # type: ignore[call-overload]
    checkpoint()  # type: ignore[call-arg]


async def aloops() -> None:
    assert_type(aeach(arows, cursor=lambda row: row.id), AsyncIterator[Row])
    assert_type(await astep("a"), bool)
    await acheckpoint(1)
    aeach(rows, cursor=lambda row: row.id)  # type: ignore[arg-type]


def naming() -> None:
    assert_type(step("a"), bool)
    step(1)  # type: ignore[arg-type]
    step()  # type: ignore[call-arg]
