"""Jobs that follow others, beside other plugins: the table "With jobs that follow" of
docs/together.md."""

from typing import Any

import pytest

from buoy import App, Call, InvalidArguments, Job, Plugin
from buoy.testing import Clock, FakeWorker, drain
from buoy_aftercommit import AfterCommit, deferring
from buoy_batch import Batch
from buoy_history import History, history
from buoy_limits import Limit
from buoy_loner import Loner, holder
from buoy_retry import Retry
from buoy_scheduler.entry_format import entry_of
from buoy_scheduler.targets import job_of, resolve_target
from buoy_sealed import Sealed, new_key
from buoy_status import Status, status
from buoy_steps import Steps, step

from .rows import Table

TABLE = Table("With jobs that follow")
KEY = new_key("one")
followers: list[Any] = []
"""What the next parent enqueues after its success."""
fails: list[str] = []
"""An element lets the next parent fail."""


class Pack(Job):
    queue = "warehouse"

    def perform(self, order: str, how: str = "") -> str:
        if how == "fails":
            raise ValueError(order)
        return order


class Charge(Job):
    queue = "payments"

    def perform(self, order: str = "a") -> str:
        for follower in followers:
            self.enqueue_after_success(follower, order)
        if fails:
            raise ValueError(fails.pop())
        return order


@pytest.fixture(autouse=True)
def fresh() -> None:
    followers.clear()
    fails.clear()


def with_plugins(*plugins: Plugin, base: type[Any] = Pack) -> Any:
    """That job with these plugins."""
    name = "".join(type(plugin).__name__ for plugin in plugins)
    return type(f"{base.__name__}{name}", (base,), {"plugins": [*plugins], "__module__": __name__})


def charge(
    app: App, *jobs: type[Any] | Call[..., Any], order: str = "a", fail: bool = False
) -> None:
    """Run a parent that enqueues these after its success."""
    followers[:], fails[:] = jobs, ["no"] * fail
    Charge.enqueue(order)
    assert drain(app, "payments") == {"failed" if fail else "done": 1}


def packed(app: App) -> list[tuple[str, str]]:
    return [(str(view.args[0]), view.priority) for view in app.monitor.peek("warehouse")]


def test_the_table_of_the_documentation_is_the_tested_one() -> None:
    assert TABLE.documented() == TABLE.rows


@TABLE.row(
    "[Retry](../packages/retry/README.md)",
    "each attempt of the parent begins its list anew",
    "it is tried again on its own; the parent is not",
)
def test_parent_and_follower_are_tried_again_on_their_own(buoy_app: App, buoy_clock: Clock) -> None:
    parent = with_plugins(Retry(limit=1, delay=5), base=Charge)
    followers[:], fails[:] = [with_plugins(Retry(limit=1, delay=5))], ["no"]
    parent.enqueue("a")
    assert drain(buoy_app, "payments") == {"delayed": 1}
    assert packed(buoy_app) == []
    buoy_clock.advance(6)
    assert drain(buoy_app, "payments") == {"done": 1}
    assert packed(buoy_app) == [("a", "normal")]

    followers[:] = []
    worker = FakeWorker(buoy_app, "warehouse")
    worker.kill(worker.take())
    [later] = buoy_app.monitor.delayed("warehouse")
    assert (later.attempt, buoy_app.monitor.delayed("payments")) == (2, [])


@TABLE.row(
    "[Loner](../packages/loner/README.md)",
    "holds no claim; an equal job may be enqueued",
    "it is kept out if an equal job holds the claim; the log of the worker says so",
)
def test_it_holds_its_claim_from_then_on(buoy_app: App, caplog: pytest.LogCaptureFixture) -> None:
    lone = with_plugins(Loner())
    charge(buoy_app, lone, fail=True)
    assert holder(lone, "a") is None
    charge(buoy_app, lone)
    first = holder(lone, "a")
    assert first is not None
    charge(buoy_app, lone)

    assert packed(buoy_app) == [("a", "normal")]
    assert any(f"is kept out of queue warehouse: exists {first}" in it for it in caplog.messages)


@TABLE.row(
    '`Loner(on_conflict="replace")`, `replace=True`',
    "replaces nothing",
    "the job that waits gets its arguments",
)
@pytest.mark.parametrize("by_id", [False, True])
def test_it_replaces_the_job_that_waits_then(buoy_app: App, by_id: bool) -> None:
    lone = with_plugins(Loner(key="how", on_conflict="replace"))
    job: Any = Pack.using(id="p", replace=True) if by_id else lone
    job.enqueue("before")
    charge(buoy_app, job, order="no", fail=True)
    assert packed(buoy_app) == [("before", "normal")]

    charge(buoy_app, job, order="after")

    assert packed(buoy_app) == [("after", "normal")]


@TABLE.row(
    "[priorities](priorities.md)",
    "has no place in a queue",
    "it takes its place by its own, whatever its parent has",
)
def test_it_takes_its_place_by_its_own_priority(buoy_app: App) -> None:
    Pack.using(priority="low").enqueue("low")
    Pack.enqueue("normal")

    charge(buoy_app, Pack.using(priority="high"), Pack, Pack.using(front=True), order="new")

    assert packed(buoy_app) == [
        ("new", "high"),
        ("new", "normal"),
        ("normal", "normal"),
        ("new", "normal"),
        ("low", "low"),
    ]


@TABLE.row(
    "[Limits](../packages/limits/README.md)",
    "takes no permit",
    "it waits in line for its permit, as any job",
)
def test_it_waits_in_line_for_its_permit(buoy_app: App) -> None:
    limited = with_plugins(Limit(at_once=1))
    charge(buoy_app, limited, fail=True)
    assert limited.enqueue("first").state == "queued"

    charge(buoy_app, limited, order="second")

    [queue] = [each for each in buoy_app.monitor.queues() if each.name == "warehouse"]
    assert (queue.queued, queue.blocked) == (1, 1)
    assert drain(buoy_app, "warehouse") == {"done": 2}


@TABLE.row("[Status](../packages/status/README.md)", "`status(handle)` is None", "as for any job")
def test_its_status_begins_then(buoy_app: App) -> None:
    told = with_plugins(Status())
    charge(buoy_app, told, fail=True)
    assert status(told, "a") is None

    charge(buoy_app, told)

    found = status(told, "a")
    assert found is not None
    assert found.state == "queued"


@TABLE.row(
    "[History](../packages/history/README.md)",
    "is not remembered",
    "its end is remembered, as that of any job",
)
def test_its_end_is_remembered(buoy_app: App) -> None:
    remembered = with_plugins(History())
    charge(buoy_app, remembered, fail=True)
    charge(buoy_app, remembered, order="b")
    assert drain(buoy_app, "warehouse") == {"done": 1}

    assert [(end.state, end.args) for end in history().find()] == [("done", ["b"])]


@TABLE.row(
    "[Batch](../packages/batch/README.md)",
    "cannot be a member: `InvalidArguments`",
    "what follows a member is none, and the batch does not wait for it",
)
def test_what_follows_a_member_is_no_member(buoy_app: App) -> None:
    followers[:] = [Pack]
    with Batch(queue="payments") as batch:
        batch.on_complete(Pack.using(priority="high"), "complete")
        batch.enqueue(Charge, "a")
    assert drain(buoy_app, "payments") == {"done": 1}

    assert packed(buoy_app) == [("complete", "high"), ("a", "normal")]
    progress = batch.progress()
    assert progress is not None
    assert (progress.total, progress.pending) == (1, 0)


class FillsBatch(Job):
    queue = "payments"

    def perform(self) -> None:
        with self.after_success(), pytest.raises(InvalidArguments, match="enqueued at once"):
            Batch(queue="payments").enqueue(Pack, "a")


def test_a_member_cannot_wait_for_the_success_of_a_run(buoy_app: App) -> None:
    FillsBatch.enqueue()

    assert drain(buoy_app, "payments") == {"done": 1}


@TABLE.row(
    "[Scheduler](../packages/scheduler/README.md)",
    "with `overlap=False`, the next tick waits for the parent",
    "the next tick does not wait for it",
)
def test_an_entry_waits_for_the_parent_only(buoy_app: App) -> None:
    fields = {"class": Charge.name, "args": ["a"], "every": "1h", "overlap": False}
    entry = entry_of("hourly", fields)
    target = resolve_target(entry, Charge)
    followers[:] = [Pack]

    def fire() -> str:
        return buoy_app.submit(job_of(entry, target)).state

    assert [fire(), fire()] == ["queued", "exists"]
    assert drain(buoy_app, "payments") == {"done": 1}
    assert fire() == "queued"
    [view] = buoy_app.monitor.peek("warehouse")
    assert view.plugin_data == {}


class AsksFirst(Charge):
    """Asks for one follower in a step that is done once, and for one in the last step."""

    def perform(self, order: str = "a") -> str:
        if step("first"):
            self.enqueue_after_success(Pack, f"first {order}")
        if step("last"):
            self.enqueue_after_success(Pack, f"last {order}")
            if fails:
                raise ValueError(fails.pop())
        return order


@TABLE.row(
    "[Steps](../packages/steps/README.md)",
    "what a run has asked for is lost if the job goes on in another: so ask in the last step",
    "it has steps of its own",
)
def test_what_an_earlier_run_has_asked_for_is_not_enqueued(
    buoy_app: App, buoy_clock: Clock
) -> None:
    long = with_plugins(Steps(), Retry(limit=1, delay=5), base=AsksFirst)
    fails[:] = ["no"]
    long.enqueue("a")
    assert drain(buoy_app, "payments") == {"delayed": 1}
    buoy_clock.advance(6)
    assert drain(buoy_app, "payments") == {"done": 1}

    assert packed(buoy_app) == [("last a", "normal")]


@TABLE.row("[Sealed](../packages/sealed/README.md)", "sealed, also in a chain", "as for any job")
def test_its_arguments_are_sealed(buoy_app: App) -> None:
    sealed = with_plugins(Sealed([KEY]))
    Charge.then(sealed, "secret").enqueue("b")
    [parent] = buoy_app.monitor.peek("payments")
    assert "secret" not in parent.raw
    assert drain(buoy_app, "payments") == {"done": 1}
    charge(buoy_app, sealed)

    assert packed(buoy_app) == [("[sealed]", "normal")] * 2
    assert drain(buoy_app, "warehouse") == {"done": 2}


class Commits(Charge):
    def perform(self, order: str = "a") -> str:
        try:
            with deferring():
                self.enqueue_after_success(followers[0], order)
                if order == "rolled back":
                    raise KeyError
        except KeyError:
            pass
        return order


@TABLE.row(
    "[AfterCommit](../packages/aftercommit/README.md)",
    "waits for its transaction, too; dropped if that is rolled back",
    "as for any job",
)
def test_it_waits_for_the_transaction_too(buoy_app: App) -> None:
    followers[:] = [with_plugins(AfterCommit())]
    for order in ("rolled back", "committed"):
        Commits.enqueue(order)
    assert drain(buoy_app, "payments") == {"done": 2}

    assert packed(buoy_app) == [("committed", "normal")]
