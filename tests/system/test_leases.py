"""Leases that are lost and given again: no worker doubles or drops a run, or is robbed of one."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from buoy.executor.fork.executor import Fork
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation
from buoy.worker.worker import wait_readable
from tests.support.processes import APPS, RECORD, Site, WorkerProcess, holds_for, wait_until
from tests.support.proxy import Proxy

from .apps.exclusive import Exclusive, ExclusiveSoon
from .apps.jobs import Note, Wait

LEASE = 3.0
"""A worker that is held up for a second or two on a busy machine keeps it."""
LONG_LEASE = 5.0
"""With this one a worker misses most moments of contact."""
MOMENT = 0.1
"""Seconds of contact between two outages or jumps."""


@contextmanager
def cut_off(proxy: Proxy) -> Iterator[None]:
    proxy.refuse()
    proxy.drop()
    yield
    proxy.resume()


@pytest.mark.parametrize(
    ("executor", "app"),
    [("fork", "exclusive"), ("thread", "deaf"), ("async", "deaf")],
)
def test_jobs_that_come_back_to_the_worker_that_runs_them_run_to_their_end(
    site: Site, executor: str, app: str
) -> None:
    """It is cut off for longer than its lease, and who heals the queue has no free slot."""
    job = ExclusiveSoon if executor == "async" else Exclusive
    site.lease = LEASE
    words = ["a", "b", "c", "d"]
    options = ("--executor", executor, "-c", "12")
    Wait.enqueue("busy", "gate")
    site.worker("-c", "1").wait_for_log("serves")
    site.note("began", "busy")
    with Proxy(site.server.url) as proxy:
        worker = site.worker(*options, app=app, url=proxy.url)
        for word in words:
            job.enqueue(word, 2 * LEASE)
        for word in words:
            site.note("began", word)
        with cut_off(proxy):
            wait_until(lambda: site.view().queued == 4)
        wait_until(lambda: set(site.words()) == set(words), what=site.logs)
        wait_until(lambda: site.view().done == 4, what=site.logs)
        began = Counter(site.words("began"))
        assert began == dict.fromkeys(words, 2) | {"busy": 1}
        assert site.words("beside itself") == []
        assert worker.log.count("lost the lease") == 4
        assert site.app.broker.client.call("HLEN", "buoy:{default}:crashes") == 0
        worker.stop()
    site.open("gate")
    site.settled()
    assert site.view().failed == 0


def test_a_forked_run_begins_when_the_older_one_of_its_job_is_gone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RECORD, str(site.record))
    fork = Fork([f"{APPS}.exclusive"], slots=2)
    fork.start()
    try:
        for number in range(10):
            payload = Payload(Exclusive.name, ["one", 60.0], {}, "id").encoded()
            run = Reservation("id", str(number), "mail", payload)
            if number:
                fork.abandon([run._replace(token=str(number - 1))])
            fork.start_jobs([run])
            while len(site.words("began")) <= number:
                wait_readable(fork.files(), 0.01)
                assert all(each.token != run.token for each in fork.take_finished())
    finally:
        fork.close()
    assert site.words("beside itself") == []


def in_hand(site: Site, *options: str, app: str = "jobs", slots: int = 4) -> list[WorkerProcess]:
    """Workers, each with a job that it keeps until the gate opens."""
    workers = []
    for word in ("first", "second", "third"):
        Wait.enqueue(word, "gate")
        workers.append(site.worker(*options, "-c", str(slots), app=app))
        workers[-1].wait_for_log("serves")
        site.note("began", word)
    return workers


def nothing_was_taken(site: Site, workers: list[WorkerProcess]) -> None:
    """The jobs run on where they ran, and end there."""
    holds_for(site.lease / 2, lambda: len(site.words("began")) == 3, what=site.logs)
    site.open("gate")
    site.settled()
    assert sorted(site.words()) == ["first", "second", "third"]
    assert site.view().done == 3
    for worker in workers:
        worker.stop()
        assert "lost the lease" not in worker.log


@pytest.mark.parametrize(("times", "leases"), [(2, 1.3), (5, 0.45)])
def test_outages_that_follow_each_other_take_no_job(
    own_site: Site, times: int, leases: float
) -> None:
    own_site.lease = LONG_LEASE
    workers = in_hand(own_site)
    for _ in range(times):
        own_site.server.kill()
        time.sleep(leases * LONG_LEASE)
        own_site.server.start()
        time.sleep(MOMENT)

    nothing_was_taken(own_site, workers)


@pytest.mark.parametrize("leases", [[2.0, 2.0], [-20.0, 20.0, 20.0], [0.8] * 4, [0.4] * 8], ids=str)
def test_a_clock_of_redis_that_steps_ahead_again_and_again_takes_no_job(
    site: Site, leases: list[float]
) -> None:
    site.lease = LONG_LEASE
    workers = in_hand(site, "--executor", "thread", app="jumping")
    ahead = 0.0
    for step in leases:
        ahead += step * LONG_LEASE
        file = site.folder / "shift.new"
        file.write_text(str(round(1000 * ahead)))
        file.replace(site.folder / "shift")
        time.sleep(MOMENT)

    nothing_was_taken(site, workers)


def test_a_worker_that_only_looks_in_runs_what_a_dead_one_had(site: Site) -> None:
    site.lease = 2.0
    Wait.enqueue("lost", "gate")
    Note.enqueue("queued")
    worker = site.worker()
    site.note("began", "lost")
    worker.kill()
    wait_until(lambda: not site.processes(), what="the end of its job")
    site.open("gate")
    time.sleep(site.lease)

    site.burst()

    assert sorted(site.words()) == ["lost", "queued"]
    assert site.idle()


def test_a_worker_that_only_looks_in_does_not_wait_for_those_that_live(site: Site) -> None:
    site.lease = 600.0
    workers = in_hand(site, slots=1)
    Note.enqueue("more")

    site.burst()

    assert (site.words(), site.words("began")) == (["more"], ["first", "second", "third"])
    site.open("gate")
    site.settled()
    for worker in workers:
        worker.stop()
