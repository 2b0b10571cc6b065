"""Batches that will not be complete: `buoy doctor` tells of them, and workers mend them."""

import logging
from typing import Any

import pytest
from click.testing import CliRunner

from buoy import App
from buoy.broker.forwarding import forward
from buoy.cli import main
from buoy.operations.doctor import examine
from buoy.operations.finding import Finding
from buoy.operations.lost_members import look_after_groups
from buoy.testing import Clock, drain
from buoy_batch import Batch

from .shop import Report, Row

MINUTE, HOUR, DAY = 60.0, 3600.0, 24 * 3600.0
SUBJECTS = ("groups", "members", "queue mail")


def open_batch() -> Batch:
    batch = Batch(queue="mail")
    batch.on_success(Report, "success")
    batch.on_complete(Report, "complete")
    return batch


@pytest.fixture
def stuck(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Batch:
    """A batch whose program has died between noting its second member and enqueueing it."""
    batch = open_batch()
    batch.enqueue(Row, 1)
    with monkeypatch.context() as patched:
        patched.setattr(App, "_enqueue_steps", died)
        with pytest.raises(KeyboardInterrupt):
            batch.enqueue(Row, 2)
    batch.close()
    drain(buoy_app, "rows")
    return batch


def died(self: object, jobs: object) -> Any:
    raise KeyboardInterrupt


def beat(app: App) -> None:
    """What a worker of the home does with a heartbeat."""
    unseen = app.broker.heartbeat({"mail": []}, []).unseen
    look_after_groups(app.broker, "mail", unseen.get("mail", []))
    forward(app.broker, "mail")


def findings(app: App) -> list[Finding]:
    return [each for each in examine(app) if each.subject in SUBJECTS]


def followed(app: App) -> list[Any]:
    return [job.args[0] for job in app.monitor.peek("mail")]


def test_the_doctor_says_that_all_is_well(buoy_app: App) -> None:
    open_batch().enqueue(Row, 1)
    assert findings(buoy_app) == [
        Finding("groups", "ok", "not complete: 1; none is left open"),
        Finding("members", "ok", "each member of a group is somewhere, or has ended"),
    ]


def test_the_doctor_tells_of_members_that_never_came(
    buoy_app: App, buoy_clock: Clock, stuck: Batch
) -> None:
    buoy_clock.advance(9 * MINUTE)
    assert [each.state for each in findings(buoy_app)] == ["ok", "ok"]
    buoy_clock.advance(2 * MINUTE)
    assert findings(buoy_app)[1:] == [
        Finding(
            "queue mail",
            "wrong",
            "members of groups of jobs (batches) that never came: 1; groups that wait for them: 1",
            "workers of mail count them as lost an hour after they were noted; or do it now: buoy "
            f"batch repair {stuck.id}",
        )
    ]
    assert CliRunner().invoke(main, ["doctor"]).exit_code == 1


def test_a_worker_counts_them_as_lost_after_an_hour(
    buoy_app: App, buoy_clock: Clock, stuck: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    buoy_clock.advance(HOUR + MINUTE)
    with caplog.at_level(logging.WARNING, "buoy.worker"):
        beat(buoy_app)
        beat(buoy_app)
    progress = stuck.progress()
    assert progress is not None
    assert (progress.state, progress.done, progress.lost) == ("complete", 1, 1)
    assert followed(buoy_app) == ["complete"]
    assert [each.state for each in findings(buoy_app)] == ["ok", "ok"]
    group = stuck.id.removeprefix("mail:")
    said = [each.getMessage() for each in caplog.records if each.name == "buoy.worker"]
    assert said == [f"queue=mail group {group}: members that never came: 1"]


def test_the_doctor_tells_of_batches_that_no_worker_looks_after(
    buoy_app: App, buoy_clock: Clock
) -> None:
    batch = open_batch()
    batch.enqueue(Row.using(delay=100 * DAY), 1)
    buoy_clock.advance(2 * HOUR + MINUTE)
    [finding, _] = findings(buoy_app)
    assert finding == Finding(
        "queue mail",
        "note",
        "groups of jobs (batches) that have members for which no worker looks: 1; "
        f"{batch.id} for 2 h 1 m",
        f"start a worker: buoy worker -a MODULE -q mail; or buoy batch repair {batch.id}",
    )
    beat(buoy_app)
    assert [each.state for each in findings(buoy_app)] == ["ok", "ok"]


def test_the_doctor_tells_of_batches_that_nobody_closes(buoy_app: App, buoy_clock: Clock) -> None:
    batch = open_batch()
    batch.enqueue(Row, 1)
    buoy_clock.advance(DAY)
    batch.enqueue(Row, 2)
    drain(buoy_app, "rows")
    buoy_clock.advance(DAY - MINUTE)
    assert [each.state for each in findings(buoy_app)] == ["ok", "ok"]

    buoy_clock.advance(2 * MINUTE)
    [finding, _] = findings(buoy_app)
    assert finding == Finding(
        "queue mail",
        "note",
        "groups of jobs (batches) that are open, though all their members have ended: 1; "
        f"{batch.id} for 1 d",
        f"close it, as in Batch.by_id({batch.id!r}).close(), or buoy batch cancel {batch.id}; "
        "workers cancel it after 30 days",
    )


def test_a_batch_that_nobody_closes_is_cancelled_after_30_days(
    buoy_app: App, buoy_clock: Clock
) -> None:
    batch = open_batch()
    batch.enqueue(Row, 1)
    drain(buoy_app, "rows")
    buoy_clock.advance(30 * DAY + MINUTE)
    beat(buoy_app)
    progress = batch.progress()
    assert progress is not None
    assert (progress.state, progress.done) == ("complete", 1)
    assert followed(buoy_app) == ["complete"]


def test_a_block_that_raises_lets_no_success_follow(buoy_app: App) -> None:
    """Also if all members that the block has enqueued have ended well."""
    with pytest.raises(ZeroDivisionError):
        fill_and_raise(buoy_app)
    assert followed(buoy_app) == ["complete"]


def fill_and_raise(app: App) -> None:
    with open_batch() as batch:
        batch.enqueue(Row, 1)
        drain(app, "rows")
        raise ZeroDivisionError
