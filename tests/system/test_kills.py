"""Processes that are killed or frozen: every job runs, and what is repeated was in hand then."""

import os
import random
import signal
from collections import Counter

import pytest

from tests.support.processes import EXECUTORS, Site, alive, children_of, holds_for, wait_until

from .apps.jobs import KillNursery, KillWorker, Note, Sleep, Wait
from .apps.misbehaving import LeavesAGrandchild


def test_a_killed_child_fails_its_job_at_once_and_no_other(site: Site) -> None:
    Wait.enqueue("killed", "gate")
    Wait.enqueue("neighbour", "gate")
    site.worker("-c", "2")
    killed = site.note("began", "killed")
    neighbour = site.note("began", "neighbour")
    os.kill(killed.pid, signal.SIGKILL)
    wait_until(lambda: list(site.app.monitor.failed()))
    failure = site.failure()
    assert failure["error"] == "buoy.errors.DirtyExit"
    assert failure["cause"] == "signal 9 (SIGKILL)"
    assert float(str(failure["seconds"])) < 600
    assert int(str(failure["peak_memory"])) > 1 << 20
    assert alive(neighbour.pid)
    site.open("gate")
    site.settled()
    assert site.words() == ["neighbour"]


def test_a_killed_nursery_is_replaced_and_its_jobs_run_again(site: Site) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker()
    first = site.note("began")
    os.kill(worker.nursery, signal.SIGKILL)
    wait_until(lambda: not alive(first.pid))
    wait_until(lambda: site.words("began") == ["running"] * 2)
    site.open("gate")
    site.settled()
    assert site.words() == ["running"]
    worker.stop()


def test_a_killed_nursery_is_missed_though_a_job_left_a_process_behind(site: Site) -> None:
    LeavesAGrandchild.enqueue()
    worker = site.worker(app="misbehaving", queues="bad")
    site.settled("bad")
    nursery = worker.nursery
    os.kill(nursery, signal.SIGKILL)
    wait_until(lambda: worker.nursery != nursery)
    worker.stop()


def test_a_killed_worker_takes_all_its_processes_with_it(site: Site) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker()
    running = site.note("began")
    nursery = worker.nursery
    worker.kill()
    wait_until(lambda: not alive(running.pid) and not alive(nursery))


def test_jobs_of_a_killed_worker_go_to_another(site: Site, executor: str) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor)
    site.note("began")
    other = site.worker("--executor", executor)
    other.wait_for_log("serves")
    worker.kill()
    wait_until(lambda: len(site.words("began")) == 2)
    site.open("gate")
    site.settled()
    assert site.words() == ["running"]


def test_jobs_of_a_killed_worker_wait_for_a_later_one(site: Site, executor: str) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor)
    site.note("began")
    worker.kill()
    site.worker("--executor", executor).wait_for_log("serves")
    wait_until(lambda: len(site.words("began")) == 2)
    site.open("gate")
    site.settled()


def test_kills_at_any_moment_lose_nothing(site: Site, executor: str) -> None:
    rows = [(str(n), 0.01) for n in range(150)]
    Sleep.enqueue_many(rows)
    options = ["-c", "2"] if executor == "fork" else []
    workers = [site.worker("--executor", executor, *options) for _ in range(2)]
    chance = random.Random(executor)
    repeats = 0
    for kill in range(6):
        more = min(len(set(site.words())) + 5, 145)
        wait_until(lambda: len(set(site.words())) > more)  # noqa: B023
        holds_for(chance.uniform(0, 0.05), lambda: True)
        victim = workers.pop(0)
        if kill % 3 == 2 and executor == "fork":
            victim.wait_for_log("serves")  # one that cannot load its app ends with an error
            os.kill(victim.nursery, signal.SIGKILL)
            victim.stop()
        else:
            victim.kill()
        repeats += 12  # in the slots, done but not said yet, fetched ahead: as long as 30 ms
        workers.append(site.worker("--executor", executor, *options))
    site.settled()
    ran = Counter(site.words())
    assert set(ran) == {word for word, _ in rows}
    assert sum(ran.values()) - len(rows) <= repeats
    assert list(site.app.monitor.failed()) == []


@pytest.mark.parametrize("executor", EXECUTORS)
def test_redis_killed_at_any_moment_loses_nothing(own_site: Site, executor: str) -> None:
    own_site.lease = 6.0  # more than a worker may be held up while the other one goes on
    rows = [(str(n), 0.01) for n in range(120)]
    Sleep.enqueue_many(rows)
    workers = [own_site.worker("--executor", executor) for _ in range(2)]
    for _ in range(3):
        more = min(len(set(own_site.words())) + 5, 115)
        wait_until(lambda: len(set(own_site.words())) > more)  # noqa: B023
        own_site.server.kill()
        own_site.server.start()
    wait_until(lambda: len(set(own_site.words())) == len(rows), what=own_site.logs)
    own_site.settled()
    ran = Counter(own_site.words())
    # A worker that lives keeps its jobs over a restart.
    assert set(ran.values()) == {1}, [word for word, times in ran.items() if times > 1]
    for worker in workers:
        worker.stop()


@pytest.mark.parametrize("executor", ["fork"])
def test_a_worker_that_was_frozen_records_nothing_for_what_it_lost(
    site: Site, executor: str
) -> None:
    Wait.enqueue("running", "gate")
    frozen = site.worker()
    first = site.note("began")
    site.worker().wait_for_log("serves")
    frozen.signal(signal.SIGSTOP)
    wait_until(lambda: len(site.words("began")) == 2)
    frozen.signal(signal.SIGCONT)
    wait_until(lambda: not alive(first.pid))
    site.open("gate")
    site.settled()
    assert site.words() == ["running"]
    assert site.view().done == 1
    frozen.wait_for_log("lost the lease")
    frozen.stop()


def test_what_a_frozen_worker_finished_too_late_is_refused(site: Site) -> None:
    Wait.enqueue("running", "gate")
    frozen = site.worker("--executor", "inline")
    site.note("began")
    site.worker("--executor", "inline").wait_for_log("serves")
    frozen.signal(signal.SIGSTOP)
    wait_until(lambda: len(site.words("began")) == 2)
    site.open("gate")
    site.settled()
    frozen.signal(signal.SIGCONT)
    wait_until(lambda: len(site.words()) == 2)
    wait_until(lambda: "lost" in frozen.log)
    assert site.view().done == 1
    frozen.stop()


@pytest.mark.parametrize("options", [["--executor", "inline"], ["-c", "3"]])
def test_a_job_that_kills_its_worker_is_given_up_and_its_neighbours_are_not(
    site: Site, options: list[str]
) -> None:
    site.lease = 0.4
    for n in range(3):
        Note.enqueue(f"before {n}")
    KillWorker.enqueue("poison")
    for n in range(3):
        Note.enqueue(f"after {n}")
    supervise(site, *options)
    assert set(site.words()) == {f"{when} {n}" for when in ("before", "after") for n in range(3)}
    assert site.words("began") == ["poison"] * 4
    failure = site.failure()
    assert failure["error"] == "buoy.errors.WorkerLost"
    assert failure["cause"] == "leases lost"
    assert "lost 4 times" in str(failure["message"])
    assert site.view().done == 6


def supervise(site: Site, *options: str) -> None:
    """Start a worker again whenever it has died, until all jobs have ended."""
    worker = site.worker(*options)
    for _ in range(10):
        wait_until(lambda: site.idle() or worker.process.poll() is not None)  # noqa: B023
        if site.idle():
            return
        worker = site.worker(*options)
    raise AssertionError(f"the jobs do not end:\n{site.logs()}")


def test_a_job_that_kills_its_nursery_is_given_up_and_its_neighbours_are_not(site: Site) -> None:
    Note.enqueue("before")
    KillNursery.enqueue("poison")
    Sleep.enqueue("neighbour", 0.3)
    Note.enqueue("after")
    worker = site.worker("-c", "2")
    site.settled()
    assert set(site.words()) == {"before", "neighbour", "after"}
    assert site.failure()["error"] == "buoy.errors.WorkerLost"
    assert site.view().done == 3
    wait_until(lambda: len(children_of(worker.pid)) == 1)
    worker.stop()
