"""What process lists show (extra buoy[titles])."""

from pathlib import Path

import pytest

from tests.support.processes import Site, children_of, command_of, wait_until

from .apps.jobs import Wait

pytest.importorskip("setproctitle")


def title_of(pid: int) -> str:
    return command_of(pid).rstrip()


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().rstrip()


def test_each_process_shows_what_it_does(site: Site) -> None:
    worker = site.worker(queues="default,mail")
    wait_until(lambda: title_of(worker.pid) == "buoy worker: waits for default,mail")
    nursery = worker.nursery  # it may load the app yet
    wait_until(lambda: title_of(nursery) == "buoy nursery: tests.system.apps.jobs")

    handle = Wait.enqueue("x", "gate")
    child = site.note("began").pid
    assert [name_of(pid) for pid in (worker.pid, nursery, child)] == [
        "buoy-worker",
        "buoy-nursery",
        "buoy-job",
    ]
    assert title_of(child) == f"buoy job: tests.system.apps.jobs.Wait {handle.id} from default"
    wait_until(lambda: title_of(worker.pid) == "buoy worker: 1 of 1 jobs from default,mail")

    site.open("gate")
    wait_until(lambda: title_of(worker.pid) == "buoy worker: waits for default,mail")
    wait_until(lambda: children_of(nursery) == [], what="the burial of the child")


def test_no_fork_warns_of_threads_that_there_are_not(site: Site) -> None:
    """From Python 3.12 on a fork looks for threads, and may be misled by the name of a process."""
    worker = site.worker("--log-format", "json", queues="default")

    Wait.enqueue("x", "gate")
    site.note("began")
    site.open("gate")
    worker.stop()

    assert all(line.startswith("{") for line in worker.log.splitlines()), worker.log
