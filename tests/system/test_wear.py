"""Workers that end after so many jobs, or with so much memory."""

import pytest

from tests.support.processes import Site, wait_until

from .apps.hoarding import Hoard
from .apps.jobs import Note


@pytest.mark.parametrize("kind", ["fork", "inline", "thread", "async"])
def test_a_worker_ends_in_order_after_so_many_jobs(site: Site, kind: str) -> None:
    Note.enqueue_many([(f"{n}",) for n in range(500)])

    worker = site.worker("--executor", kind, "--max-jobs", "3")

    assert worker.wait() == 0
    assert "stops: " in worker.log
    assert "(--max-jobs 3)" in worker.log
    assert (site.view().done, site.view().waiting) == (3, 497)


def test_a_supervisor_replaces_it(site: Site) -> None:
    Note.enqueue_many([(f"{n}",) for n in range(10)])

    supervisor = site.worker("--processes", "2", "--max-jobs", "2")

    site.settled()
    assert sorted(site.words(), key=int) == [f"{n}" for n in range(10)]
    wait_until(lambda: supervisor.log.count("(--max-jobs 2)") >= 4)
    supervisor.stop()


def test_a_worker_ends_when_it_holds_too_much(site: Site) -> None:
    Hoard.enqueue(200 << 20)

    worker = site.worker("--executor", "inline", "--max-memory", "150", app="hoarding")

    assert worker.wait() == 0
    wait_until(lambda: "(--max-memory 150)" in worker.log)
    assert site.view().done == 1
