"""Members of batches, and what follows them, beside other plugins: the table "With batches" of
docs/together.md. What a batch counts a job as is in the table of test_together.py."""

import logging
import re
from typing import Any

import pytest

from buoy import App, InvalidArguments, Job
from buoy.process.stopping import stop_flag
from buoy.testing import Clock, FakeWorker, drain
from buoy_batch import Batch, Progress
from buoy_history import History, history
from buoy_limits import Limit, Throttle
from buoy_loner import Loner
from buoy_retry import Retry
from buoy_sealed import Sealed, new_key
from buoy_status import Status, status
from buoy_steps import Steps, each, step
from tests.docs.blocks import Page
from tests.scheduler.conftest import Days

WORDS = ("pending", "done", "failed", "cancelled", "lost")
fail_once: list[str] = []


class Row(Job):
    queue = "rows"

    def perform(self, number: int = 0) -> None: ...


class Report(Job):
    queue = "mail"

    def perform(self, event: str = "") -> None:
        if fail_once:
            raise ValueError(fail_once.pop())


def counts(batch: Batch) -> dict[str, int]:
    progress = known(batch)
    return {word: getattr(progress, word) for word in WORDS if getattr(progress, word)}


def known(batch: Batch) -> Progress:
    progress = batch.progress()
    assert progress is not None
    return progress


def batch_of(follow: Any, *jobs: Any, words: tuple[Any, ...] = ()) -> Batch:
    """A closed batch of these jobs, and what follows their good end."""
    with Batch(queue="mail") as batch:
        batch.on_success(follow, *words)
        for job in jobs:
            batch.enqueue(job)
    return batch


class Stubborn(Report):
    plugins = [Retry(limit=1, delay=5)]


def test_retry(buoy_app: App, buoy_clock: Clock) -> None:
    """What follows is tried again on its own: the batch has ended."""
    batch = batch_of(Stubborn, Row)
    fail_once.append("the printer is away")
    assert drain(buoy_app) == {"done": 1, "delayed": 1}
    assert known(batch).state == "succeeded"
    buoy_clock.advance(6)
    assert drain(buoy_app) == {"done": 1}


class Single(Row):
    plugins = [Loner()]


class SingleReport(Report):
    plugins = [Loner()]


def test_loner(buoy_app: App, caplog: pytest.LogCaptureFixture) -> None:
    """What is kept out is no member; and what follows may be kept out."""
    Single.enqueue()
    with Batch(queue="mail") as kept_out:
        assert kept_out.enqueue(Single).state == "exists"
    assert known(kept_out).total == 0
    SingleReport.enqueue()
    batch = batch_of(SingleReport, Row)
    with caplog.at_level(logging.WARNING, "buoy"):
        drain(buoy_app, "rows")
    assert known(batch).state == "succeeded"
    assert len(buoy_app.monitor.peek("mail")) == 1
    assert "exists" in caplog.text


class Limited(Row):
    plugins = [Limit(at_once=1)]


class Rare(Row):
    plugins = [Throttle(60)]


def test_limits(buoy_app: App) -> None:
    """A blocked member is pending; one that a throttle keeps out is none."""
    batch = batch_of(Report, Limited, Limited, Rare, Rare)
    [view] = buoy_app.monitor.queues(["rows"])
    assert view.blocked == 1
    assert counts(batch) == {"pending": 3}
    drain(buoy_app, "rows")
    assert counts(batch) == {"done": 3}


class Watched(Report):
    plugins = [Status()]


def test_status(buoy_app: App) -> None:
    """What follows has a status from the moment in which it is enqueued."""
    batch_of(Watched, Row)
    assert status(Watched) is None
    drain(buoy_app, "rows")
    found = status(Watched)
    assert found is not None
    assert found.state == "queued"


class Remembered(Row):
    plugins = [History()]


def test_history(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each end is remembered; not that of a member that never came, since it was no job."""
    batch = batch_of(Report, Remembered)
    drain(buoy_app, "rows")
    with Batch(queue="mail") as stuck, monkeypatch.context() as patched:
        patched.setattr(App, "_enqueue_steps", died)
        with pytest.raises(KeyboardInterrupt):
            stuck.enqueue(Remembered)
    monkeypatch.setattr("buoy.operations.lost_members.OLD_SECONDS", -60.0)
    assert stuck.repair() == 1
    assert (counts(batch), counts(stuck)) == ({"done": 1}, {"lost": 1})
    assert [end.state for end in history().find()] == ["done"]


def died(self: object, jobs: object) -> Any:
    raise KeyboardInterrupt


class Nightly(Job):
    queue = "nights"

    def perform(self) -> None:
        batch_of(Report, Row)


def test_scheduler(buoy_app: App) -> None:
    """An entry waits for the job that fills a batch, not for the batch."""
    days = Days(buoy_app)
    entry = {"class": Nightly.name, "queue": "nights", "cron": "0 * * * *", "overlap": False}
    daemon = days.daemon(nightly=entry)
    for batches in (1, 2):
        days.pass_until(3600)
        days.step(daemon)
        assert drain(buoy_app, "nights") == {"done": 1}
        assert len(buoy_app.monitor.peek("rows")) == batches


class Follows(Row):
    def perform(self, number: int = 0) -> None:
        with self.after_success():
            Row.enqueue(1)


class Adds(Row):
    def perform(self, number: int = 0) -> None:
        with self.after_success():
            Batch().enqueue(Row)


def test_after_success(buoy_app: App) -> None:
    """Of a chain the first job is the member; what a member enqueues with its end is none."""
    chained = batch_of(Report, Row.then(Follows.using(queue="later")))
    batch = batch_of(Report, Follows)
    assert drain(buoy_app, "rows") == {"done": 3}
    assert (counts(chained), counts(batch)) == ({"done": 1}, {"done": 1})
    assert len(buoy_app.monitor.peek("later")) == 1

    Adds.enqueue()
    with pytest.raises(InvalidArguments, match="expected members that are enqueued at once"):
        drain(buoy_app, "rows", raise_errors=True)


class Long(Row):
    plugins = [Steps()]

    def perform(self, number: int = 0) -> None:
        if step("import"):
            for row in each(range(10)):
                stop_flag.set(row == 3)


def test_steps(buoy_app: App) -> None:
    """A member that goes on later, since its worker stops, is pending."""
    batch = batch_of(Report, Long)
    worker = FakeWorker(buoy_app, "rows")
    worker.run(worker.take())
    stop_flag.set(False)
    assert counts(batch) == {"pending": 1}
    drain(buoy_app, "rows")
    assert counts(batch) == {"done": 1}


SECRET = "4111-1111"


class Charge(Job):
    queue = "rows"
    plugins = [Sealed([new_key("now")])]

    def perform(self, card: str) -> None: ...


def test_sealed(buoy_app: App) -> None:
    """Arguments are sealed, also those of what follows, from the moment in which it is declared."""
    with Batch(queue="mail") as batch:
        batch.on_success(Charge, SECRET)
        batch.enqueue(Charge, SECRET)
    group = buoy_app.key("mail", f"group:{batch.id.removeprefix('mail:')}")
    for key in (group, buoy_app.key("rows", "jobs")):
        stored = b" ".join(buoy_app.command("HVALS", key))
        assert b"sealed" in stored
        assert SECRET.encode() not in stored
    assert drain(buoy_app) == {"done": 2}


def test_the_table_of_the_documentation_has_a_row_for_each_test_here() -> None:
    text = Page("docs/together.md").text().split("## With batches")[1].split("\n## ")[0]
    rows = re.findall(r"^\| \[([^]]+)\]", text, re.MULTILINE)
    tests = [name for name in globals() if name.startswith("test_")]
    assert [f"test_{row.lower().replace(' ', '_')}" for row in rows] == tests[:-1]
