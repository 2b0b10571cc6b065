"""Batches with processes that are really killed, and on a cluster."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from buoy import App
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
    monkeypatch.setattr("buoy.operations.lost_members.OLD_SECONDS", 3.0)
    wait_until(lambda: no_member_is_left(batch), what=site.logs)
    wait_until(lambda: {"complete", "death"} <= {*site.words("after")}, what=site.logs)

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
        # No burst: it does not wait for what a node that was slow gets later.
        site.worker(queues=",".join([*queues, "home"]), app="batched")
        wait_until(lambda: site.words("after"), what=site.logs)

        assert numbers(batch) == (12, 0, 12, 0)
        assert site.words("after") == ["success"]


# Members that never came


@pytest.fixture(params=["server", "cluster"])
def any_site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """An empty site on one server, and again on a cluster."""
    if request.param == "server":
        yield request.getfixturevalue("site")
        return
    with Cluster() as cluster:
        yield request.getfixturevalue("make_site")(cluster)


def age(site: Site, batch: Batch) -> None:
    """Let two hours pass for what a batch has noted."""
    home, _, id = batch.id.partition(":")
    members, then = site.app.key(home, f"group-open:{id}"), round((time.time() - 7200) * 1000)
    for member in site.app.command("ZRANGE", members, 0, -1):
        site.app.command("ZADD", members, "XX", then, member)
    site.app.command("ZADD", site.app.key(home, "groups"), "XX", -then, id)


DIES = """
import os
from buoy import App
from buoy_batch import Batch
from tests.system.apps.batched import After, Extra

batch = Batch(queue="home")
batch.on_complete(After, "complete")
batch.on_success(After, "success")
batch.enqueue(Extra, 1)
batch.enqueue(Extra.using(queue="others"), 2)
batch.close()
print(batch.id, flush=True)
App._enqueue_steps = lambda *_: os._exit(9)
batch.enqueue_many(Extra.using(queue="others"), [(3,), (4,)])
"""


def test_a_worker_mends_a_batch_whose_program_died_before_it_enqueued(any_site: Site) -> None:
    environ = {**os.environ, "BUOY_URL": any_site.app.settings.url}
    command = [sys.executable, "-c", DIES]
    program = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert program.returncode == 9, program.stderr
    batch = Batch.by_id(program.stdout.strip())
    # No burst: see above.
    first = any_site.worker(queues="extras,others,home", app="batched")
    wait_until(lambda: numbers(batch) == (4, 2, 2, 0), what=any_site.logs)
    first.stop()

    age(any_site, batch)
    worker = any_site.worker(queues="home", app="batched")
    wait_until(lambda: any_site.words("after"), what=any_site.logs)
    progress = batch.progress()
    assert progress is not None
    assert (progress.state, progress.done, progress.lost) == ("complete", 2, 2)
    assert any_site.words("after") == ["complete"]
    worker.wait_for_log("members that never came: 2")
    worker.stop()


def test_what_follows_lost_members_comes_once_whoever_is_killed(
    any_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(17)
    with monkeypatch.context() as patched:
        patched.setattr(App, "_enqueue_steps", died)
        batches = [stuck(str(number)) for number in range(60)]

    def pending() -> int:
        return sum(numbers(batch)[1] for batch in batches)

    while pending():
        for batch in batches:
            age(any_site, batch)
        worker, enough = any_site.worker(queues="home", app="batched"), dice.randint(1, 25)
        before = pending()
        wait_until(lambda: pending() <= max(0, before - enough), what=any_site.logs)  # noqa: B023
        worker.kill()
    any_site.worker(queues="home", app="batched")
    expected = sorted(map(str, range(60)))
    wait_until(lambda: len(followed(any_site)) >= 60, what=any_site.logs)
    assert sorted(followed(any_site)) == expected


def stuck(name: str) -> Batch:
    """A closed batch whose only member was noted, and is not enqueued."""
    batch = Batch(queue="home")
    batch.on_complete(After.using(queue="later"), name)
    batch.on_success(After.using(queue="later"), "never")
    with pytest.raises(KeyboardInterrupt):
        batch.enqueue(Extra, 1)
    batch.close()
    return batch


def died(self: object, jobs: object) -> Any:
    raise KeyboardInterrupt


def followed(site: Site) -> list[str]:
    return [view.args[0] for view in site.app.monitor.peek("later", 0, 1000)]
