"""Workers that run jobs beside each other in their own process."""

import random
import re
import signal
from collections import Counter
from typing import Any

import pytest

from tests.support.processes import Site, WorkerProcess, holds_for, wait_until

from .apps import concurrent as jobs
from .apps.hooks import Tell
from .apps.limits_async import LimitedSoon


@pytest.fixture(params=["thread", "async", "async with threads"])
def kind(request: pytest.FixtureRequest) -> str:
    """Threads; coroutines; and what coroutines' executor does with all other jobs."""
    return str(request.param)


def start(site: Site, kind: str, slots: int = 2, *options: str, **facts: Any) -> WorkerProcess:
    executor = ["--executor", kind.split(maxsplit=1)[0], "-c", str(slots)]
    return site.worker(*executor, *options, **{"app": "concurrent", **facts})


def waiting_job(kind: str) -> Any:
    return jobs.WaitSoon if kind == "async" else jobs.Wait


def sleeping_job(kind: str) -> Any:
    return jobs.SleepSoon if kind == "async" else jobs.Sleep


def most_at_once(site: Site) -> int:
    """How many jobs ran at the same time, at most."""
    now = most = 0
    for note in sorted(site.notes, key=lambda note: note.at):
        now += {"began": 1, "ran": -1}[note.event]
        most = max(most, now)
    return most


def waiting(site: Site) -> list[tuple[str, int]]:
    """The jobs that wait, in order: word and attempt."""
    return [(view.args[0], view.attempt) for view in site.app.monitor.peek("default")]


def failures(site: Site) -> dict[str, dict[str, Any]]:
    """What has failed, by the name of the class."""
    return {str(view.name).split(".")[-1]: view.failure for view in site.app.monitor.failed()}


def began(site: Site, count: int) -> None:
    wait_until(lambda: len(site.words("began")) == count, what=site.logs)


def test_jobs_that_wait_for_others_run_beside_each_other(site: Site, kind: str) -> None:
    words = [str(n) for n in range(100)]
    waiting_job(kind).enqueue_many([(word, "gate") for word in words])
    worker = start(site, kind, 16, "--burst")
    began(site, 16)
    holds_for(0.2, lambda: len(site.words("began")) == 16)
    site.open("gate")
    assert worker.wait() == 0
    assert sorted(site.words()) == sorted(words)
    assert len(site.words("began")) == 100
    assert most_at_once(site) == 16
    assert "100 done" in worker.log


def test_what_waits_behind_slow_jobs_is_given_back(site: Site, kind: str) -> None:
    for word in ("first", "second"):
        waiting_job(kind).enqueue(word, "gate")
    jobs.Note.enqueue_many([(str(n),) for n in range(5)])
    site.lease = 10.0  # the other worker is to take nothing that this one holds
    slow = start(site, kind)
    began(site, 2)
    wait_until(lambda: site.view().running == 2)
    # And it is not fetched again, to be given back again.
    holds_for(0.3, lambda: site.view().queued == 5)
    other = start(site, kind)
    wait_until(lambda: sorted(site.words()) == [str(n) for n in range(5)])
    site.open("gate")
    site.settled()
    for worker in (slow, other):
        worker.stop()
    assert "2 done, 2 release" in slow.log


def test_what_has_ended_is_settled_while_others_run(site: Site, kind: str) -> None:
    waiting_job(kind).enqueue("long", "gate")
    start(site, kind)
    began(site, 1)
    for n in range(5):
        sleeping_job(kind).enqueue(str(n), 0.0)
    wait_until(lambda: site.view().done == 5)
    assert site.view().running == 1
    site.open("gate")


def test_a_free_slot_is_filled_while_others_run(site: Site, kind: str) -> None:
    waiting_job(kind).enqueue("long", "gate")
    start(site, kind)
    began(site, 1)
    jobs.Sleep.enqueue_many([(str(n), 0.002) for n in range(100)])
    wait_until(lambda: site.view().done == 100, what=site.logs)
    site.open("gate")


def test_after_the_grace_time_coroutines_are_cancelled_and_put_back(site: Site) -> None:
    jobs.WaitSoon.enqueue("in order", "gate")
    jobs.Complains.enqueue("complains", "gate")
    jobs.Finishes.enqueue("finishes", "gate")
    worker = start(site, "async", 3, "--grace", "2", app="concurrent_patient")
    began(site, 3)
    jobs.Note.enqueue("next")
    worker.signal(signal.SIGTERM)
    holds_for(0.1, lambda: worker.process.poll() is None)
    assert worker.wait() == 0, worker.log
    assert site.words("cleaned up") == ["in order"]
    assert site.words("complained") == ["complains"]
    assert sorted(waiting(site)) == [("complains", 1), ("in order", 1), ("next", 1)]
    assert (site.view().done, site.view().failed) == (1, 0)
    assert "grace time over" not in worker.log
    assert "ends: 1 done, " in worker.log


@pytest.mark.parametrize(
    ("kind", "job"), [("thread", jobs.Wait), ("async", jobs.Wait), ("async", jobs.Deaf)]
)
def test_what_cannot_be_cancelled_is_put_back_and_ends_with_the_process(
    site: Site, kind: str, job: Any
) -> None:
    job.enqueue("first", "gate")
    jobs.Note.enqueue("quick")
    worker = start(site, kind, 2, "--grace", "0.2")
    began(site, 1)
    site.note("ran", "quick")
    jobs.Wait.enqueue("second", "gate")
    began(site, 2)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.log
    assert "grace time over: 2 unfinished jobs are released" in worker.log
    assert sorted(waiting(site)) == [("first", 1), ("second", 1)]
    assert site.view().done == 1
    assert site.app.monitor.workers() == []
    site.open("gate")
    assert start(site, kind, 2, "--burst").wait() == 0
    assert Counter(site.words()) == {"first": 1, "second": 1, "quick": 1}


def test_stopping_lets_jobs_end_and_takes_nothing_new(site: Site, kind: str) -> None:
    for word in ("first", "second"):
        waiting_job(kind).enqueue(word, "gate")
    worker = start(site, kind)
    began(site, 2)
    worker.signal(signal.SIGQUIT)
    jobs.Note.enqueue("next")
    holds_for(0.2, lambda: worker.process.poll() is None)
    site.open("gate")
    assert worker.wait() == 0
    assert sorted(site.words()) == ["first", "second"]
    assert waiting(site) == [("next", 1)]


def test_a_lost_coroutine_is_cancelled_and_a_lost_thread_is_not_listened_to(
    site: Site, kind: str
) -> None:
    waiting_job(kind).enqueue("running", "gate")
    site.lease = 3.0  # the second worker is to keep its own
    frozen = start(site, kind)
    began(site, 1)
    start(site, kind).wait_for_log("serves")
    frozen.signal(signal.SIGSTOP)
    wait_until(lambda: len(site.words("began")) == 2)
    frozen.signal(signal.SIGCONT)
    frozen.wait_for_log("lost the lease")
    if kind == "async":
        site.note("cleaned up", "running")
    site.open("gate")
    runs = 1 if kind == "async" else 2
    wait_until(lambda: site.words() == ["running"] * runs)
    site.settled()
    jobs.Note.enqueue_many([(str(n),) for n in range(4)])
    site.settled()
    assert (site.view().done, site.view().failed) == (5, 0)
    frozen.stop()


def test_all_jobs_of_a_killed_worker_run(site: Site, kind: str) -> None:
    rows = [(str(n), 0.02) for n in range(150)]
    chance = random.Random(kind)
    for turn in range(3):
        # Not all at once: the first could do them all before it is killed.
        sleeping_job(kind).enqueue_many(rows[50 * turn :][:50])
        victim, before = start(site, kind, 5), len(site.words())
        wait_until(lambda: len(site.words()) > before + 10)  # noqa: B023
        holds_for(chance.uniform(0, 0.03), lambda: True)
        victim.kill()
    start(site, kind, 5)
    site.settled()
    assert set(site.words()) == {word for word, _ in rows}
    assert site.view().failed == 0


@pytest.mark.parametrize("job", [jobs.Blocks, jobs.BlocksBeside])
def test_a_job_that_blocks_the_event_loop_is_named(site: Site, job: Any) -> None:
    blocking = job.enqueue(3.0)
    worker = start(site, "async")
    worker.wait_for_log(f"id={blocking.id} has blocked the event loop for ")
    [seconds] = re.findall(r"event loop for (\d\.\d) s", worker.log)
    assert 0.5 <= float(seconds) <= 3.0
    site.settled()
    jobs.SleepSoon.enqueue("awaits", 0.8)
    jobs.Sleep.enqueue("in a thread", 0.8)
    site.settled()
    assert worker.log.count("has blocked") == 1


def test_a_coroutine_that_takes_too_long_is_cancelled(site: Site) -> None:
    LimitedSoon.enqueue("late")
    assert start(site, "async", 2, "--burst", app="limits_async").wait() == 0
    failure = site.failure()
    assert (failure["error"], failure["cause"]) == ("buoy.errors.JobTimeout", "timeout")
    assert failure["message"] == "the job ran longer than its timeout of 2 s"
    assert site.words("cleaned up") == ["late"]


@pytest.mark.parametrize(
    ("executor", "app"), [("thread", "limits"), ("thread", "limits_async"), ("async", "limits")]
)
def test_a_timeout_that_cannot_be_kept_is_refused(site: Site, executor: str, app: str) -> None:
    worker = start(site, executor, app=app)
    assert worker.wait() == 1
    assert f"--executor {executor}: expected jobs without timeout, got " in worker.log
    assert "Limited" in worker.log
    assert "use --executor fork" in worker.log


@pytest.mark.parametrize("executor", ["thread", "async"])
def test_whatever_jobs_do_the_worker_goes_on(site: Site, executor: str) -> None:
    odd: list[Any] = [jobs.CancelsItself, jobs.Leaves, jobs.LeavesBeside, jobs.StopsTheLoop]
    for job in odd:
        job.enqueue()
        jobs.SleepSoon.enqueue(f"beside {job.__name__}", 0.05)
    worker = start(site, executor, 4)
    site.settled()
    jobs.SleepSoon.enqueue("after", 0.0)
    site.note("ran", "after")
    site.settled()
    assert len(site.words()) == 5
    errors = {name: failure["error"].split(".")[-1] for name, failure in failures(site).items()}
    assert errors.pop("StopsTheLoop", "RuntimeError") == "RuntimeError"  # asyncio.run cannot go on
    assert errors == {
        "CancelsItself": "CancelledError",
        "Leaves": "SystemExit",
        "LeavesBeside": "SystemExit",
    }
    worker.stop()


@pytest.mark.parametrize("executor", ["thread", "async"])
def test_what_coroutines_leave_is_cleaned_up_at_the_end(site: Site, executor: str) -> None:
    site.environ = {"PYTHONWARNINGS": "always", "PYTHONASYNCIODEBUG": "1"}
    jobs.LeavesThings.enqueue()
    worker = start(site, executor)
    site.settled()
    worker.stop()
    assert sorted(site.words("cleaned up")) == ["generator", "left"]
    assert "Warning" not in worker.log
    assert "Traceback" not in worker.log


def test_no_job_finds_what_another_has_set_in_its_context(site: Site, kind: str) -> None:
    job: Any = jobs.FindsSoon if kind == "async" else jobs.Finds
    job.enqueue_many([(str(n),) for n in range(10)])
    assert start(site, kind, 1, "--burst").wait() == 0
    assert site.words("found") == ["nothing"] * 10


@pytest.mark.parametrize("executor", ["thread", "async"])
def test_the_app_is_loaded_and_told_in_the_worker(site: Site, executor: str) -> None:
    Tell.enqueue_many([("first",), ("second",)])
    worker = start(site, executor, app="hooks")
    site.settled()
    worker.stop()
    events = [note.event for note in site.notes if note.event not in ("frozen", "parent")]
    assert events == ["imported", "worker_started", "ran", "ran", "worker_stopping"]
    assert {note.pid for note in site.notes} == {worker.pid}


def test_a_thread_that_a_job_leaves_behind_does_not_keep_the_worker(site: Site) -> None:
    jobs.Stray.enqueue("stray")
    worker = site.worker("--executor", "async", app="concurrent")
    site.note("ran")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert "1 done" in worker.log
