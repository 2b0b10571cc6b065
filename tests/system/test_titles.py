"""What process lists show (extra buoy[titles])."""

import pytest

from tests.support.processes import Site, children_of, command_of, wait_until

from .apps.jobs import Wait

pytest.importorskip("setproctitle")


def title_of(pid: int) -> str:
    return command_of(pid).rstrip()


def test_each_process_shows_what_it_does(site: Site) -> None:
    worker = site.worker(queues="default,mail")
    wait_until(lambda: title_of(worker.pid) == "buoy worker: waits for default,mail")
    assert title_of(worker.nursery) == "buoy nursery: tests.system.apps.jobs"

    handle = Wait.enqueue("x", "gate")
    child = site.note("began").pid
    assert title_of(child) == f"buoy job: tests.system.apps.jobs.Wait {handle.id} from default"
    wait_until(lambda: title_of(worker.pid) == "buoy worker: 1 of 1 jobs from default,mail")

    site.open("gate")
    wait_until(lambda: title_of(worker.pid) == "buoy worker: waits for default,mail")
    assert children_of(worker.nursery) == []
