"""Priorities beside other plugins: the table "With priorities" of docs/together.md."""

from collections.abc import Iterator

import pytest

from buoy import App, Job, Plugin
from buoy.process.stopping import stop_flag
from buoy.testing import Clock, FakeWorker, drain
from buoy_aftercommit import AfterCommit, deferring
from buoy_batch import Batch
from buoy_history import History, history
from buoy_limits import Debounce, Fair, Limit, Lonely
from buoy_loner import Loner
from buoy_retry import Retry
from buoy_scheduler.entry_format import entry_of
from buoy_scheduler.targets import job_of, resolve_target
from buoy_sealed import Sealed, new_key
from buoy_status import Status, status
from buoy_steps import Steps, each

from .rows import Table

TABLE = Table("With priorities")
KEY = new_key("one")


class Mail(Job):
    queue = "mail"

    def perform(self, to: str, how: str = "") -> str:
        if how == "fails":
            raise ValueError(to)
        return to


class Low(Mail):
    priority = "low"


def with_plugins(*plugins: Plugin) -> type[Mail]:
    """That job with these plugins."""
    name = "".join(type(plugin).__name__ for plugin in plugins)
    return type(name, (Mail,), {"plugins": [*plugins], "__module__": __name__})


def waiting(app: App) -> list[tuple[str, str]]:
    """The queued jobs in the order in which they will run, with their priorities."""
    return [(str(view.args[0]), view.priority) for view in app.monitor.peek("mail", count=100)]


def test_the_table_of_the_documentation_is_the_tested_one() -> None:
    assert TABLE.documented() == TABLE.rows


@TABLE.row("Retry", "each attempt has it; one with `front` goes before the others again")
def test_each_attempt_has_the_priority(buoy_app: App, buoy_clock: Clock) -> None:
    retried = with_plugins(Retry(limit=1, delay=5))
    retried.using(priority="high").enqueue("high", "fails")
    retried.using(front=True).enqueue("front", "fails")
    assert drain(buoy_app) == {"delayed": 2}
    Mail.enqueue_many([("a",), ("b",)])
    buoy_clock.advance(6)
    FakeWorker(buoy_app, "mail").heal()

    assert waiting(buoy_app) == [
        ("high", "high"),
        ("front", "normal"),
        ("a", "normal"),
        ("b", "normal"),
    ]


@TABLE.row("Loner", "is no part of the claim: the job that waits keeps its own")
def test_an_equal_job_of_another_priority_is_kept_out(buoy_app: App) -> None:
    lone = with_plugins(Loner())
    lone.using(priority="low").enqueue("a")

    assert lone.using(priority="high").enqueue("a").code == "claim_held"

    assert waiting(buoy_app) == [("a", "low")]


@TABLE.row(
    '`Loner(on_conflict="replace")`, Debounce', "the job that waits gets that of the new one"
)
@pytest.mark.parametrize(
    "plugin", [Loner(key="to", on_conflict="replace"), Debounce(5, key="to")], ids=repr
)
def test_the_job_that_waits_gets_the_priority_of_the_new_one(
    buoy_app: App, buoy_clock: Clock, plugin: Plugin
) -> None:
    replaced = with_plugins(plugin)
    replaced.using(priority="low").enqueue("a")
    Mail.enqueue("b")

    assert replaced.using(priority="high").enqueue("a").code == "replaced"

    buoy_clock.advance(6)
    FakeWorker(buoy_app, "mail").heal()
    assert waiting(buoy_app) == [("a", "high"), ("b", "normal")]


@TABLE.row(
    "Limit, Lonely, Fair", "a blocked job waits its turn; when it gets in, it takes its place by it"
)
@pytest.mark.parametrize("plugin", [Limit(at_once=1), Lonely(key="how"), Fair(key="how")], ids=repr)
def test_a_blocked_job_takes_its_place_when_it_gets_in(buoy_app: App, plugin: Plugin) -> None:
    limited, worker = with_plugins(plugin), FakeWorker(buoy_app, "mail")
    limited.enqueue("first")
    assert limited.using(priority="low").enqueue("second").state == "blocked"
    assert limited.using(priority="high").enqueue("third").state == "blocked"
    Mail.enqueue("other")

    worker.run(worker.take())
    assert waiting(buoy_app) == [("other", "normal"), ("second", "low")]
    for _ in range(2):
        worker.run(worker.take())
    assert waiting(buoy_app) == [("third", "high")]


@TABLE.row("Status", "is not told: `state` is `queued`, as for any job")
def test_a_status_is_that_of_any_job(buoy_app: App) -> None:
    handle = with_plugins(Status()).using(priority="high").enqueue("a")

    found = status(handle)
    assert found is not None
    assert found.state == "queued"
    assert drain(buoy_app) == {"done": 1}
    found = status(handle)
    assert found is not None
    assert found.state == "done"


@TABLE.row("History", "ends are listed in the order in which the jobs ended")
def test_ends_are_in_the_order_of_running(buoy_app: App) -> None:
    remembered = with_plugins(History())
    remembered.using(priority="low").enqueue("second")
    remembered.using(priority="high").enqueue("first")
    assert drain(buoy_app) == {"done": 2}

    assert [end.args for end in history().find()] == [["second"], ["first"]]


class Long(Mail):
    plugins = [Steps()]

    def perform(self, to: str, how: str = "") -> str:
        for row in each(range(4)):
            stop_flag.set(row == 2)
        return to


@pytest.fixture
def going_on() -> Iterator[None]:
    yield
    stop_flag.set(False)


@TABLE.row("Steps", "a job that goes on in another run goes to the end of the line of its priority")
def test_a_job_that_goes_on_goes_to_the_end_of_the_line_of_its_priority(
    buoy_app: App, going_on: None
) -> None:
    Long.using(priority="low").enqueue("long")
    worker = FakeWorker(buoy_app, "mail")
    held = worker.take()
    Low.enqueue("low")

    worker.run(held)
    worker.heal()
    Mail.enqueue("normal")

    assert waiting(buoy_app) == [("normal", "normal"), ("low", "low"), ("long", "low")]


@TABLE.row("Batch", "each member has its own, and so has each job that follows")
def test_members_and_what_follows_have_their_own(buoy_app: App) -> None:
    Mail.enqueue("other")
    with Batch(queue="mail") as batch:
        batch.on_success(Mail.using(priority="high"), "follows")
        batch.enqueue(Low, "low member")
        batch.enqueue(Mail.using(priority="high"), "high member")
    assert waiting(buoy_app) == [
        ("high member", "high"),
        ("other", "normal"),
        ("low member", "low"),
    ]
    worker = FakeWorker(buoy_app, "mail")
    for _ in range(3):
        worker.run(worker.take())
    Mail.enqueue("other")

    assert waiting(buoy_app) == [("follows", "high"), ("other", "normal")]


@TABLE.row("Scheduler", "a job has that of its class, if the daemon knows it; else it is normal")
def test_a_job_of_an_entry_has_the_priority_of_its_class(buoy_app: App) -> None:
    for number, name in enumerate([Low.name, "no.Such"]):
        fields = {"class": name, "args": [number], "every": "1h", "queue": "mail"}
        entry = entry_of("hourly", fields)
        target = resolve_target(entry, Low if name == Low.name else None)
        buoy_app.submit(job_of(entry, target))

    assert waiting(buoy_app) == [("1", "normal"), ("0", "low")]


@TABLE.row("Sealed", "is not sealed: who looks at the queue sees it")
def test_a_sealed_job_shows_its_priority(buoy_app: App) -> None:
    with_plugins(Sealed([KEY])).using(priority="high").enqueue("secret")

    assert waiting(buoy_app) == [("[sealed]", "high")]


@TABLE.row("AfterCommit", "counts from the commit on")
def test_a_job_takes_its_place_at_the_commit(buoy_app: App) -> None:
    with deferring():
        with_plugins(AfterCommit()).using(priority="high").enqueue("committed")
        Mail.using(priority="high").enqueue("at once")
        Mail.enqueue("normal")

    assert waiting(buoy_app) == [
        ("at once", "high"),
        ("committed", "high"),
        ("normal", "normal"),
    ]
