"""What is told of jobs whose processes die: never what is not so."""

import os
import random
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from buoy_status import State, cancel, status, wait_for
from tests.support.processes import EXECUTORS, Site, alive, holds_for, wait_until

from .apps.statuses import Brave, Die, Heed, Work, WorkSoon

SLACK = 2.0


def told(job: Any, *args: Any) -> State[Any]:
    found = status(job, *args)
    assert found is not None
    return found


def becomes(state: str, job: Any, *args: Any) -> State[Any]:
    """Wait until the job is in this state."""
    wait_until(lambda: told(job, *args).state == state, what=lambda: told(job, *args))
    return told(job, *args)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_job_is_told_of_from_the_first_to_the_last(site: Site, executor: str) -> None:
    kind: Any = WorkSoon if executor == "async" else Work
    handle = kind.enqueue("word", "gate")
    assert told(handle).state == "queued"

    worker = site.worker("--executor", executor, app="statuses")
    site.note("began")
    running = told(kind, "word", "gate")
    assert (running.state, running.attempt) == ("running", 1)
    assert running.progress is not None
    assert running.progress.fraction == 0.5

    site.open("gate")
    ended = wait_for(handle, timeout=120)
    assert ended is not None
    assert (ended.state, ended.result) == ("done", "word")
    worker.stop()


def test_a_child_that_is_killed_leaves_no_running_job_behind(site: Site) -> None:
    handle = Work.enqueue("word", "gate")
    worker = site.worker(app="statuses")
    child = site.note("began").pid
    os.kill(child, signal.SIGKILL)

    ended = wait_for(handle, timeout=120)
    assert ended is not None
    assert (ended.state, ended.error) == ("failed", "buoy.errors.DirtyExit")
    assert ended == status(Work, "word", "gate")
    worker.stop()


def test_a_child_that_ends_itself_has_failed(site: Site) -> None:
    Die.enqueue()
    site.burst(app="statuses")

    assert (told(Die).state, told(Die).error) == ("failed", "buoy.errors.DirtyExit")


def test_a_worker_that_is_killed_leaves_a_job_that_waits_and_then_runs(
    site: Site, executor: str
) -> None:
    handle = Work.enqueue("word", "gate")
    worker = site.worker("--executor", executor, app="statuses")
    site.note("began")
    before = told(handle)
    worker.kill()

    other = site.worker("--executor", executor, app="statuses")
    wait_until(lambda: len(site.words("began")) == 2)
    running = told(handle)
    assert running.state == "running"
    # What the lost run has said is not told of this one.
    assert running.progress is not None
    assert before.progress is not None
    assert running.progress.note != before.progress.note
    site.open("gate")
    assert becomes("done", handle).result == "word"
    other.stop()


def test_a_job_of_a_dead_worker_without_another_worker_is_queued(site: Site) -> None:
    handle = Work.enqueue("word", "gate")
    worker = site.worker("--executor", "inline", app="statuses")
    site.note("began")
    worker.kill()
    site.app.control.pause("default")
    healer = site.worker(app="statuses")

    waiting = becomes("queued", handle)
    assert (waiting.attempt, waiting.progress and waiting.progress.done) == (1, 1)
    healer.stop()


def test_a_worker_that_was_frozen_says_nothing_more(site: Site) -> None:
    site.lease = 3.0  # the second worker is to keep its own
    handle = Work.enqueue("word", "gate")
    frozen = site.worker(app="statuses")
    site.note("began")
    site.worker(app="statuses").wait_for_log("serves")
    frozen.signal(signal.SIGSTOP)
    wait_until(lambda: len(site.words("began")) == 2)
    second = told(handle).progress
    frozen.signal(signal.SIGCONT)
    site.open("gate")

    ended = becomes("done", handle)
    assert ended.progress == second
    assert second is not None
    frozen.stop()


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_running_job_that_is_cancelled_ends_within_a_beat(site: Site, executor: str) -> None:
    site.lease = 3.0  # nothing but the beat tells of it, a third of a lease later at most
    job: Callable[[], Any] = {
        "fork": lambda: Work.enqueue("word", "gate"),
        "async": lambda: WorkSoon.enqueue("word", "gate"),
    }.get(executor, lambda: Heed.enqueue("word"))
    handle = job()
    worker = site.worker("--executor", executor, app="statuses")
    began = site.note("began")

    assert cancel(handle) == "running"
    assert told(handle).state == "cancelled"
    if executor == "fork":
        wait_until(lambda: not alive(began.pid))
    else:
        site.note("cancelled")

    Brave.enqueue(1)  # the worker goes on
    assert becomes("done", Brave, 1).result == 2
    assert told(handle).state == "cancelled"
    assert site.words() == []
    worker.stop()


@pytest.mark.parametrize("executor", ["fork", "thread"])
def test_kills_at_any_moment_make_no_lie(site: Site, executor: str) -> None:
    count = 120
    site.lease = 0.5
    site.environ["BUOY_MAX_CRASHES"] = "100"  # so short leases also end on a busy machine
    Brave.enqueue_many([(number,) for number in range(count)])
    watch = Watch(count)
    watcher = threading.Thread(target=watch.run, daemon=True)
    watcher.start()
    chance = random.Random(executor)
    workers = [site.worker("--executor", executor, "-c", "2", app="statuses") for _ in range(2)]
    for kill in range(6):
        holds_for(chance.uniform(0.1, 0.4), lambda: True)
        victim = workers.pop(0)
        if kill % 2 and executor == "fork" and victim.process.poll() is None:
            victim.wait_for_log("serves")  # one that cannot load its app ends with an error
            os.kill(victim.nursery, signal.SIGKILL)
            victim.stop()
        else:
            victim.kill()
        workers.append(site.worker("--executor", executor, "-c", "2", app="statuses"))

    site.settled()
    watch.over = True
    watcher.join(120.0)
    assert watch.lies == []
    assert watch.rounds > 0
    assert {told(Brave, n).result for n in range(count)} == {2 * n for n in range(count)}
    for worker in workers:
        worker.wait_for_log("serves")  # the others may have done all before it came
        worker.stop()


class Watch:
    """Asks for all jobs again and again, and notes what cannot be."""

    def __init__(self, count: int) -> None:
        self.ended: dict[int, State[Any]] = {}
        self.count, self.rounds = count, 0
        self.lies: list[str] = []
        self.over = False

    def run(self) -> None:
        while not self.over:
            for number in range(self.count):
                self.check(number, status(Brave, number))
            self.rounds += 1

    def check(self, number: int, found: State[Any] | None) -> None:
        if found is None or found.state in ("cancelled", "failed"):
            self.lies.append(f"{number}: {found}")
        elif found.ended:
            if self.ended.setdefault(number, found) != found:
                self.lies.append(f"{number}: {self.ended[number]}, then {found}")
        elif number in self.ended:
            self.lies.append(f"{number}: {found} after its end")
