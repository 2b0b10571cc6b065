"""Workers that end after so many jobs, or with so much memory."""

import pytest

from tests.support.processes import Site, WorkerProcess, holds_for, wait_until

from .apps.hoarding import Hoard
from .apps.jobs import Note, Wait

LASTING = 3.0
"""Seconds of a lease. A worker that misses heartbeats for so long would not be told anything."""


@pytest.mark.parametrize("kind", ["fork", "inline", "thread", "async"])
def test_a_worker_ends_in_order_after_so_many_jobs(site: Site, kind: str) -> None:
    Note.enqueue_many([(f"{n}",) for n in range(500)])

    worker = site.worker("--executor", kind, "--max-jobs", "3")

    assert worker.wait() == 0
    assert "stops: " in worker.log
    assert "(--max-jobs 3)" in worker.log
    assert (site.view().done, site.view().queued) == (3, 497)


def test_a_supervisor_replaces_a_recycled_worker(site: Site) -> None:
    site.lease = 10.0  # no worker is to lose a job to the other
    Note.enqueue_many([(f"{n}",) for n in range(10)])

    supervisor = site.worker("--processes", "2", "--max-jobs", "2")

    site.settled()
    assert sorted(site.words(), key=int) == [f"{n}" for n in range(10)]
    wait_until(lambda: supervisor.log.count("(--max-jobs 2)") >= 4)
    supervisor.stop()


def test_a_worker_ends_when_it_uses_too_much_memory(site: Site) -> None:
    Hoard.enqueue(200 << 20)

    worker = site.worker("--executor", "inline", "--max-memory", "150", app="hoarding")

    assert worker.wait() == 0
    wait_until(lambda: "(--max-memory 150)" in worker.log)
    assert site.view().done == 1


def quiet(site: Site, worker: WorkerProcess) -> None:
    wait_until(site.app.monitor.workers)
    site.run("workers", "quiet")
    worker.wait_for_log("received worker command: quiet")


def test_a_paused_worker_is_recycled_only_after_a_resume(site: Site, executor: str) -> None:
    site.lease = LASTING
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor, "--max-jobs", "1")
    site.note("began")

    quiet(site, worker)
    site.open("gate")

    assert site.run("workers", "wait", "--timeout", "120") == (0, "")
    holds_for(0.5, lambda: worker.process.poll() is None, what=lambda: worker.log)
    site.run("workers", "resume")
    assert worker.wait() == 0
    assert "(--max-jobs 1)" in worker.log


def test_a_worker_that_is_paused_while_it_is_recycled_does_not_end(site: Site) -> None:
    site.lease = LASTING
    Wait.enqueue("running", "gate")
    Hoard.enqueue(200 << 20)
    app = "jobs,tests.system.apps.hoarding"
    worker = site.worker("--executor", "thread", "--max-memory", "150", app=app)
    worker.wait_for_log("(--max-memory 150)")

    quiet(site, worker)
    site.open("gate")

    assert site.run("workers", "wait", "--timeout", "120") == (0, "")
    holds_for(0.5, lambda: worker.process.poll() is None, what=lambda: worker.log)
    worker.stop()
