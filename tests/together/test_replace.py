"""A job that replaces the one of its id, beside other plugins: the table "With `replace`" of
docs/together.md."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from buoy import App, Job, Plugin
from buoy.process.stopping import stop_flag
from buoy.testing import Clock, FakeWorker, drain
from buoy_aftercommit import AfterCommit, deferring
from buoy_batch import Batch
from buoy_history import History, history
from buoy_limits import Limit
from buoy_loner import Loner, holder
from buoy_retry import Retry
from buoy_sealed import Sealed, new_key
from buoy_status import Status, status
from buoy_steps import Steps, step

from .rows import Table

TABLE = Table("With `replace`")
KEY = new_key("one")
done: list[str] = []


class Report(Job):
    queue = "reports"

    def perform(self, day: str, how: str = "") -> str:
        if how == "fails":
            raise ValueError(day)
        done.append(day)
        return day


def with_plugins(*plugins: Plugin, base: type[Job] = Report) -> type[Report]:
    """That job with these plugins."""
    name = "".join(type(plugin).__name__ for plugin in plugins)
    return type(f"{base.__name__}{name}", (base,), {"plugins": [*plugins], "__module__": __name__})


def replace(job: type[Report], day: str) -> str | None:
    """Enqueue the job ``r`` again; returns the code of the handle."""
    return job.using(id="r", replace=True).enqueue(day).code


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    done.clear()
    yield
    stop_flag.set(False)


def test_the_table_of_the_documentation_is_the_tested_one() -> None:
    assert TABLE.documented() == TABLE.rows


@TABLE.row("Retry", "a job that waits for its next attempt begins anew, as a first attempt")
def test_a_job_between_two_attempts_begins_anew(buoy_app: App) -> None:
    retried = with_plugins(Retry(limit=1, delay=60))
    retried.using(id="r").enqueue("monday", "fails")
    assert drain(buoy_app) == {"delayed": 1}

    assert replace(retried, "tuesday") == "replaced"

    [view] = buoy_app.monitor.peek("reports")
    assert (view.attempt, view.args, view.plugin_data) == (1, ["tuesday"], {})
    assert drain(buoy_app) == {"done": 1}


@TABLE.row("Loner", "it holds the new claim; nothing is replaced if another job holds that")
def test_the_claim_is_exchanged_unless_it_is_held(buoy_app: App) -> None:
    lone = with_plugins(Loner())
    lone.using(id="r").enqueue("monday")
    other = lone.enqueue("tuesday")

    assert replace(lone, "tuesday") == "claim_held"
    assert replace(lone, "friday") == "replaced"

    held = [holder(lone, day) for day in ("monday", "tuesday", "friday")]
    assert held == [None, other.id, "r"]


@TABLE.row("Limit", "it needs the permits of the new arguments, and none of the first ones")
def test_a_job_exchanges_its_permits(buoy_app: App) -> None:
    limited = with_plugins(Limit(at_once=1, key="day"))
    limited.using(id="r").enqueue("monday")
    assert replace(limited, "tuesday") == "replaced"
    assert limited.enqueue("tuesday").state == "blocked"
    assert limited.enqueue("monday").state == "queued"
    assert limited.using(id="late", delay=60).enqueue("friday").state == "delayed"

    limited.using(id="late", replace=True).enqueue("monday")

    late = buoy_app.find("late")
    assert late is not None
    assert (late.state, late.args) == ("blocked", ["monday"])
    assert drain(buoy_app) == {"done": 4}


@TABLE.row("Status", "it is found by its id, by the new arguments, and by the first ones")
def test_a_status_is_found_by_id_and_by_all_arguments(buoy_app: App) -> None:
    told = with_plugins(Status())
    handle = told.using(id="r").enqueue("monday")
    replace(told, "tuesday")

    found = status(told, "tuesday")
    assert found is not None
    assert (found.id, found.state) == ("r", "queued")
    assert found == status(handle) == status(told, "monday")


@TABLE.row("History", "one end, with the new arguments")
def test_one_end_is_remembered(buoy_app: App) -> None:
    remembered = with_plugins(History())
    remembered.using(id="r").enqueue("monday")
    replace(remembered, "tuesday")
    assert drain(buoy_app) == {"done": 1}

    assert [(end.id, end.args) for end in history().find()] == [("r", ["tuesday"])]


class Stepwise(Report):
    def perform(self, day: str, how: str = "") -> str:
        if step("fetch"):
            done.append(f"fetch {day}")
        stop_flag.set(day == "monday")
        if step("write"):
            done.append(f"write {day}")
        return day


@TABLE.row("Steps", "a job that was to go on does all steps anew")
def test_a_job_that_was_to_go_on_begins_anew(buoy_app: App) -> None:
    long = with_plugins(Steps(), base=Stepwise)
    long.using(id="r").enqueue("monday")
    worker = FakeWorker(buoy_app, "reports")
    worker.run(worker.take())
    assert done == ["fetch monday"]
    stop_flag.set(False)

    assert replace(long, "tuesday") == "replaced"

    assert drain(buoy_app) == {"done": 1}
    assert done[1:] == ["fetch tuesday", "write tuesday"]


@TABLE.row("Batch", "a member remains one, and counts once")
def test_a_member_counts_once(buoy_app: App) -> None:
    with Batch(queue="reports") as batch:
        batch.enqueue(Report.using(id="r"), "monday")
    assert replace(Report, "tuesday") == "replaced"
    assert drain(buoy_app) == {"done": 1}

    progress = batch.progress()
    assert progress is not None
    assert (progress.total, progress.done, done) == (1, 1, ["tuesday"])


@TABLE.row("Sealed", "the new arguments are sealed for its id")
def test_the_new_arguments_are_sealed(buoy_app: App) -> None:
    sealed = with_plugins(Sealed([KEY]))
    sealed.using(id="r").enqueue("monday")
    assert replace(sealed, "tuesday") == "replaced"

    [view] = buoy_app.monitor.peek("reports")
    assert view.args == ["[sealed]"]
    assert drain(buoy_app) == {"done": 1}
    assert done == ["tuesday"]


@TABLE.row("AfterCommit", "it replaces at the commit; what is rolled back replaces nothing")
def test_it_replaces_at_the_commit(buoy_app: App) -> None:
    deferred = with_plugins(AfterCommit())
    deferred.using(id="r").enqueue("monday")

    def args() -> list[str]:
        return [view.args[0] for view in buoy_app.monitor.peek("reports")]

    with suppress(KeyError), deferring():
        replace(deferred, "tuesday")
        raise KeyError
    assert args() == ["monday"]
    with deferring():
        assert replace(deferred, "friday") == "deferred"
        assert args() == ["monday"]
    assert args() == ["friday"]


class Parent(Job):
    queue = "parents"

    def perform(self, day: str, how: str = "") -> None:
        self.enqueue_after_success(Report.using(id="r", replace=True), day)
        if how == "fails":
            raise ValueError(day)


@TABLE.row(
    "[jobs that follow](after-success.md)", "it replaces when the run before it has ended well"
)
def test_it_replaces_when_the_run_has_ended_well(buoy_app: App, buoy_clock: Clock) -> None:
    Report.using(id="r").enqueue("monday")
    Parent.enqueue("tuesday", "fails")
    Parent.enqueue("friday")

    assert drain(buoy_app, "parents") == {"failed": 1, "done": 1}

    [view] = buoy_app.monitor.peek("reports")
    assert (view.id, view.args) == ("r", ["friday"])
