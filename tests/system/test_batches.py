"""Batches with processes that are really killed, and on a cluster."""

import random
from collections.abc import Callable

import pytest

from buoy_batch import Batch
from tests.support.cluster import Cluster
from tests.support.processes import EXECUTORS, Site, wait_until

from .apps.batched import After, Extra, Part

QUEUES = "parts,extras,home"


def fill(count: int) -> Batch:
    with Batch(queue="home") as batch:
        batch.on_complete(After, "complete")
        batch.on_success(After, "success")
        batch.on_death(After, "death")
        batch.enqueue_many(Part, [(number,) for number in range(count)])
        batch.enqueue(Extra, -1)
    return batch


def numbers(batch: Batch) -> tuple[int, int, int, int]:
    progress = batch.progress()
    assert progress is not None
    return progress.total, progress.pending, progress.done, progress.failed


def no_member_is_left(batch: Batch) -> bool:
    """Whether all have ended. Members that never came are counted as lost."""
    batch.repair()
    return numbers(batch)[1] == 0


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_batch_is_complete_under_every_executor(site: Site, executor: str) -> None:
    batch = fill(10)
    site.burst("--executor", executor, queues=QUEUES, app="batched")

    assert numbers(batch) == (12, 0, 11, 1)
    assert sorted(site.words("after")) == ["complete", "death"]


@pytest.mark.parametrize("executor", ["fork", "thread"])
def test_each_member_counts_once_whoever_is_killed(
    site: Site, executor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that a killed run has noted, and not enqueued any more, is lost: repair tells."""
    batch, dice = fill(60), random.Random(16)
    options, served = ("--executor", executor, "-c", "2"), {"queues": QUEUES, "app": "batched"}
    for _ in range(6):
        worker = site.worker(*options, **served)
        enough = len(site.words("part")) + dice.randint(1, 8)
        wait_until(
            lambda: len(site.words("part")) >= enough or not site.app.monitor.peek("parts"),  # noqa: B023
            what=site.logs,
        )
        worker.kill()
    site.worker(*options, **served)
    monkeypatch.setattr("buoy_batch.members.OLD_SECONDS", 3.0)
    wait_until(lambda: no_member_is_left(batch), what=site.logs)
    wait_until(lambda: "complete" in site.words("after"), what=site.logs)

    progress = batch.progress()
    assert progress is not None
    total, pending, done, failed = numbers(batch)
    assert (pending, failed, done) == (0, 6, total - 6 - progress.lost)
    assert total >= 67  # a member whose worker is killed may add its member again
    assert sorted({*site.words("after")}) == ["complete", "death"]


def test_a_program_that_dies_leaves_an_open_batch_that_can_be_closed(site: Site) -> None:
    batch = Batch(queue="home")
    batch.on_complete(After, "complete")
    batch.enqueue(Part, 1)
    site.burst(queues=QUEUES, app="batched")
    assert site.words("after") == []

    Batch.by_id(batch.id).close()
    site.burst(queues=QUEUES, app="batched")
    assert site.words("after") == ["complete"]


def test_members_on_all_nodes_of_a_cluster(make_site: Callable[..., Site]) -> None:
    with Cluster() as cluster:
        site = make_site(cluster)
        queues = [f"queue{n}" for n in range(6)]
        with Batch(queue="home") as batch:
            batch.on_success(After, "success")
            for queue in queues:
                batch.enqueue_many(Extra.using(queue=queue), [(1,), (2,)])
        site.burst(queues=",".join([*queues, "home"]), app="batched")

        assert numbers(batch) == (12, 0, 12, 0)
        assert site.words("after") == ["success"]
