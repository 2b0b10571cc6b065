"""The functions that a job calls: steps, and loops with a cursor."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar, overload

from buoy import ConfigurationError
from buoy.plugins import expect

from .run import Run, current_run

T = TypeVar("T")
C = TypeVar("C")


def step(name: str) -> bool:
    """Begin a step: the step before is done. Returns False if an earlier run has done this one.

        if step("import"): ...

    It is done when the next step begins, or perform returns. Raises StepsError, StepsChanged,
    CrashedTooOften, ConfigurationError; GoesOnLater if the run is to end here.
    """
    run = current_run()
    live = run.begin(name)
    keep(run, run.must_keep)
    return live


async def astep(name: str) -> bool:
    """Begin a step, in ``async def perform``; see step. Awaits Redis."""
    run = current_run()
    live = run.begin(name)
    await akeep(run, run.must_keep)
    return live


def cursor() -> Any:
    """Returns where the loop of the present step goes on: the last cursor of earlier runs, or of
    this one; None at its beginning."""
    return current_run().last_cursor()


def checkpoint(cursor: Any) -> None:
    """Say that all up to this cursor is done, in a loop of your own. The run may end here.

    ``cursor`` is what JSON can hold, at most 4096 bytes. Raises StepsError for anything else, and
    GoesOnLater if the run is to end here.
    """
    run = current_run()
    run.begin_own_loop()
    keep(run, run.reach(cursor))


async def acheckpoint(cursor: Any) -> None:
    """Say that all up to this cursor is done, in ``async def perform``; see checkpoint."""
    run = current_run()
    run.begin_own_loop()
    await akeep(run, run.reach(cursor))


@overload
def each(
    rows: Callable[[C | None], Iterable[T]], /, *, cursor: Callable[[T], C]
) -> Iterator[T]: ...
@overload
def each(rows: Iterable[T], /) -> Iterator[T]: ...
def each(rows: Any, /, *, cursor: Any = None) -> Iterator[Any]:
    """Returns the rows that are still to be done, and notes the cursor behind each.

    ``rows`` is called with the last cursor, or None, and returns the rows behind it; ``cursor``
    returns the cursor of a row. Without it, rows is an iterable that is equal in each run: as many
    rows are skipped as were done. Raises as checkpoint does, between two rows.
    """
    check_source(rows, cursor, "each", Iterable)
    run = current_run()
    run.begin_loop()
    return loop(run, len(run.begun), rows, cursor)


def loop(run: Run, place: int, rows: Any, cursor: Any) -> Iterator[Any]:
    run.check_loop(place)
    count = 0 if cursor is not None else run.rows_done()
    for row in islice(rows, count, None) if cursor is None else rows(run.last_cursor()):
        yield row
        count += 1
        run.check_loop(place)
        keep(run, run.reach(count if cursor is None else cursor(row)))


@overload
def aeach(
    rows: Callable[[C | None], AsyncIterable[T]], /, *, cursor: Callable[[T], C]
) -> AsyncIterator[T]: ...
@overload
def aeach(rows: AsyncIterable[T], /) -> AsyncIterator[T]: ...
def aeach(rows: Any, /, *, cursor: Any = None) -> AsyncIterator[Any]:
    """Returns the rows that are still to be done, for ``async for``; see each."""
    check_source(rows, cursor, "aeach", AsyncIterable)
    run = current_run()
    run.begin_loop()
    return aloop(run, len(run.begun), rows, cursor)


async def aloop(run: Run, place: int, rows: Any, cursor: Any) -> AsyncIterator[Any]:
    run.check_loop(place)
    skipped = 0 if cursor is not None else run.rows_done()
    count = 0
    async for row in rows if cursor is None else rows(run.last_cursor()):
        count += 1
        if count <= skipped:
            continue
        yield row
        run.check_loop(place)
        await akeep(run, run.reach(count if cursor is None else cursor(row)))


def check_source(rows: object, cursor: object, name: str, kind: type) -> None:
    """Raise ConfigurationError unless these are rows, or a function of rows with their cursor."""
    if cursor is None:
        if callable(rows) and not isinstance(rows, kind):
            raise ConfigurationError(
                f"{name}(cursor): expected a function that returns the cursor of a row, since rows "
                "is a function, got None"
            )
        expect(isinstance(rows, kind), f"{name}(rows)", f"an {kind.__name__}", rows)
        return
    expect(callable(cursor), f"{name}(cursor)", "a function of a row", cursor)
    wanted = "with a cursor, a function that returns the rows behind that cursor"
    expect(callable(rows), f"{name}(rows)", wanted, rows)


def keep(run: Run, due: bool) -> None:
    """Keep the progress in Redis if that is due."""
    if due and run.job is not None:
        run.job.app.run_steps(run.keep_steps())


async def akeep(run: Run, due: bool) -> None:
    """Keep the progress in Redis if that is due; awaits Redis."""
    if due and run.job is not None:
        await run.job.app.arun_steps(run.keep_steps())
