"""What jobs do that nobody expects of them: nothing is lost, and each row is done at least once."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from buoy import App, Job, Terminated
from buoy.process.stopping import stop_flag
from buoy.testing import FakeWorker, drain
from buoy_limits import Limit
from buoy_loner import Loner
from buoy_retry import Retry
from buoy_steps import GoesOnLater, Steps, aeach, astep, checkpoint, cursor, each

from .shop import numbers, seen

act: list[Callable[[], object]] = []


class Acting(Job):
    """Does in a run what a test says."""

    plugins = [Steps(every=0.1)]

    def perform(self) -> None:
        act[0]()


def stop_at(wanted: object) -> Iterator[object]:
    """Yields 0, 1, 2, 3; the worker stops while the job does that row."""
    for row in range(4):
        stop_flag.set(row == wanted)
        yield row


def run(app: App, what: Callable[[], object], queue: str = "default") -> None:
    """Run the next job with a worker of its own, which stops if the job says so."""
    act[:] = [what]
    worker = FakeWorker(app, queue)
    worker.run(worker.take())
    stop_flag.set(False)


def view_of(app: App, id: str) -> Any:
    view = app.find(id)
    assert view is not None
    return view


def test_a_bare_except_does_not_make_a_job_done_that_goes_on_later(buoy_app: App) -> None:
    id = Acting.enqueue().id

    def swallowing() -> None:
        try:
            for row in each(stop_at(1)):
                seen.append(row)
        except BaseException:  # noqa: BLE001 - that is the point
            seen.append("swallowed")

    run(buoy_app, swallowing)
    assert view_of(buoy_app, id).plugin_data["steps"]["cursor"] == 2
    run(buoy_app, lambda: seen.extend(each(range(4))))

    assert seen == [0, 1, "swallowed", 2, 3]
    assert buoy_app.find(id) is None


def test_the_end_of_a_run_cleans_up_behind_the_row_that_is_done(buoy_app: App) -> None:
    Acting.enqueue()

    def with_cleanup() -> None:
        try:
            seen.extend(each(stop_at(0)))
        except GoesOnLater as later:
            seen.append(str(later))
            raise
        finally:
            seen.append("cleaned")

    run(buoy_app, with_cleanup)

    assert seen[1:] == ["step 'perform' goes on later: the worker stops", "cleaned"]


def test_a_generator_is_read_again_and_its_first_rows_are_skipped(buoy_app: App) -> None:
    Acting.enqueue()
    run(buoy_app, lambda: seen.extend(row for row in each(stop_at(1))))
    run(buoy_app, lambda: seen.extend(each(row for row in range(4))))

    assert [*dict.fromkeys(seen)] == [0, 1, 2, 3]


def test_a_loop_that_is_left_early_has_not_done_that_row(buoy_app: App) -> None:
    id = Acting.enqueue().id

    def leaving() -> None:
        for row in each(range(9)):
            if row == 3:
                break
        raise ValueError

    run(buoy_app, leaving)

    assert view_of(buoy_app, id).plugin_data["steps"]["cursor"] == 3


@pytest.mark.parametrize("how", ["cursor()", "rows"])
def test_a_cursor_that_a_job_changes_is_not_kept_before_it_says_so(buoy_app: App, how: str) -> None:
    id = Acting.enqueue().id

    def change(after: Any) -> list[Any]:
        after["page"] = 99
        raise ValueError

    def first() -> None:
        checkpoint({"page": 1})
        raise ValueError

    run(buoy_app, first)
    buoy_app.failures.retry(id)
    second = {
        "cursor()": lambda: change(cursor()),
        "rows": lambda: [*each(change, cursor=lambda row: row)],
    }
    run(buoy_app, second[how])

    assert view_of(buoy_app, id).plugin_data["steps"]["cursor"] == {"page": 1}


def test_a_transaction_that_is_cut_off_is_done_again_and_a_whole_one_is_not(
    buoy_app: App, tmp_path: Path
) -> None:
    """TERM that comes in the middle of a row, when the grace time is over."""
    account = sqlite3.connect(tmp_path / "shop.db", check_same_thread=False)
    account.execute("CREATE TABLE paid (number INTEGER PRIMARY KEY, runs INTEGER)")
    id = Acting.enqueue().id

    def pay(dies_at: int) -> None:
        for number in each(numbers, cursor=lambda row: row):
            with account:
                account.execute("INSERT INTO paid VALUES (?, 1)", [number])
                if number == dies_at:
                    raise Terminated("the worker stops")

    run(buoy_app, lambda: pay(3))
    found = account.execute("SELECT count(*) FROM paid").fetchone()
    assert found == (3,)
    assert view_of(buoy_app, id).plugin_data["steps"]["cursor"] == 2
    buoy_app.failures.retry(id)
    run(buoy_app, lambda: pay(-1))

    assert account.execute("SELECT count(*), sum(runs) FROM paid").fetchone() == (6, 6)
    account.close()


async def arows() -> AsyncIterator[int]:
    for row in range(3):
        yield row
        stop_flag.set(row == 0 and len(seen) == 1)


async def behind(after: int | None) -> AsyncIterator[int]:
    for row in range((after or 10) + 1, 15):
        yield row


class Async(Job):
    plugins = [Steps()]

    async def perform(self) -> None:
        if await astep("count"):
            async for row in aeach(arows()):
                seen.append(row)
        if await astep("page"):
            async for row in aeach(behind, cursor=lambda row: row):
                seen.append(row)
                stop_flag.set(row == 12)


def test_coroutines_skip_and_go_on_as_functions_do(buoy_app: App) -> None:
    Async.enqueue()
    for _ in range(3):
        worker = FakeWorker(buoy_app)
        worker.run(worker.take())
        stop_flag.set(False)

    assert [*dict.fromkeys(seen)] == [0, 1, 2, 11, 12, 13, 14]
    assert drain(buoy_app) == {}


class TestBesideOthers:
    """With Limit, Loner and Retry, a job that goes on later."""

    def test_it_gives_others_its_permit_and_gets_it_again(self, buoy_app: App) -> None:
        class One(Job):
            queue = "imports"
            plugins = [Steps(), Limit(at_once=1)]

            def perform(self, name: str) -> None:
                for row in each(stop_at(1) if not seen else range(4)):
                    seen.append((name, row))

        first, second = One.enqueue("a"), One.enqueue("b")
        assert view_of(buoy_app, second.id).state == "blocked"
        run(buoy_app, list, "imports")

        assert view_of(buoy_app, first.id).state == "blocked"
        assert view_of(buoy_app, second.id).state == "queued"
        assert drain(buoy_app, "imports") == {"done": 2}
        assert set(seen) == {(name, row) for name in "ab" for row in range(4)}
        assert len(seen) == 8

    def test_it_keeps_its_claim_and_its_attempts(self, buoy_app: App) -> None:
        class Only(Job):
            queue = "imports"
            plugins = [Retry(1, delay=0), Loner(), Steps()]

            def perform(self) -> None:
                for row in each(stop_at(len(seen)) if len(seen) < 3 else range(4)):
                    seen.append(row)

        id = Only.enqueue().id
        for _ in range(3):
            run(buoy_app, list, "imports")
            assert Only.enqueue().holder == id
            assert view_of(buoy_app, id).attempt == 1

        assert drain(buoy_app, "imports") == {"done": 1}
        assert seen == [0, 1, 2, 3]
        assert Only.enqueue().state == "queued"
