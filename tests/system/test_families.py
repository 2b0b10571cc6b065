"""What jobs start works under every executor, and none of it outlives them."""

import os
import signal

import pytest

from tests.support.processes import EXECUTORS, Site, WorkerProcess, alive, wait_until

from .apps import families
from .apps.families import Awaits, Family, Leaves, LeavesPool
from .apps.families_limited import LeavesInTime, LeavesTooLarge

WORDS = ("same group", "other group", "orphan", "other session")


def left_by(site: Site, how: str) -> list[int]:
    """The processes that such a job has started, those first that are to end with it."""
    return [int(site.words(f"{how}: {word}")[-1]) for word in WORDS]


def check_end(site: Site, how: str) -> None:
    check_ends(site, left_by(site, how))
    site.forget_notes()


def check_ends(site: Site, left: list[int]) -> None:
    *family, apart = left
    wait_until(lambda: not any(map(alive, family)), what=site.describe)
    assert alive(apart), "it is in a session of its own"
    os.kill(apart, signal.SIGKILL)
    wait_until(lambda: not is_there(apart), what="somebody buries it")


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_a_job_has_started_ends_with_it_however_it_ends(site: Site) -> None:
    worker = site.worker("-c", "2", queues="families", app="families_limited")
    for job, how in (
        *((Leaves, how) for how in ("done", "fails", "exits", "segfaults")),
        (LeavesInTime, "waits"),
        (LeavesTooLarge, "grows"),
    ):
        job.enqueue(how)
        site.settled("families")
        check_end(site, how)
    for number in (signal.SIGUSR1, signal.SIGKILL):
        Leaves.enqueue("waits")
        running = site.note("began").pid
        if number == signal.SIGKILL:
            os.kill(running, number)
        else:
            worker.signal(number)
        site.settled("families")
        check_end(site, "waits")
    cancelled = Leaves.enqueue("waits")
    site.note("began")
    site.app.cancel(cancelled.id)
    check_end(site, "waits")
    site.settled("families")
    die_with_it(site, worker)


def die_with_it(site: Site, worker: WorkerProcess) -> None:
    """Kill the nursery, then the worker."""
    Leaves.enqueue("waits")
    site.note("began")
    left = left_by(site, "waits")
    os.kill(worker.nursery, signal.SIGKILL)
    check_ends(site, left)
    wait_until(lambda: len(site.words("began")) == 2, what=lambda: worker.log)
    left = left_by(site, "waits")
    worker.kill()
    check_ends(site, left)
    wait_until(lambda: not site.processes(), what=site.describe)


def test_a_stop_leaves_nothing(site: Site) -> None:
    worker = site.worker("--grace", "0", queues="families", app="families")
    Leaves.enqueue("waits")
    site.note("began")
    worker.stop()
    check_end(site, "waits")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_all_ways_to_start_processes_work(site: Site, executor: str) -> None:
    for how in families.WAYS:
        Family.enqueue(how)
    Awaits.enqueue()
    options = ["--executor", executor] + ["-c", "2"] * (executor != "inline")
    worker = site.worker("--burst", *options, queues="families", app="families")
    assert worker.wait() == 0, worker.log
    assert list(site.app.monitor.failed()) == [], worker.log
    assert sorted(site.words()) == sorted([*families.WAYS, "awaited"]), worker.log
    assert len(site.words("came back")) <= 1


@pytest.mark.parametrize("executor", ["inline", "thread", "async"])
def test_in_its_own_process_a_worker_ends_what_is_left_when_it_ends(
    site: Site, executor: str
) -> None:
    Leaves.enqueue("done")
    worker = site.worker("--burst", "--executor", executor, queues="families", app="families")
    assert worker.wait() == 0, worker.log
    *family, orphan, apart = left_by(site, "done")
    wait_until(lambda: not any(map(alive, family)), what=site.describe)
    for pid in (orphan, apart):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_pool_that_is_left_open_ends_with_the_worker(
    site: Site, executor: str, thread: bool
) -> None:
    LeavesPool.enqueue(thread)
    worker = site.worker("--burst", "--executor", executor, queues="families", app="families")
    assert worker.wait() == 0, worker.log
    assert site.words("ran")
    wait_until(lambda: not site.processes(), what=site.describe)


def test_a_pool_that_a_stuck_job_has_opened_ends_with_the_worker(site: Site) -> None:
    LeavesPool.enqueue(False)
    Leaves.enqueue("waits")
    options = ["--executor", "inline", "--grace", "0.2"]
    worker = site.worker(*options, queues="families", app="families")
    site.note("began")
    *_, orphan, apart = left_by(site, "waits")
    worker.stop()
    for pid in (orphan, apart):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not site.processes(), what=site.describe)
