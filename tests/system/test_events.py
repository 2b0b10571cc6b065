"""What app-wide plugins are told of jobs, in real workers, and what bad plugins cannot break."""

import signal
from collections import Counter

import pytest

from tests.support.processes import EXECUTORS, Site, wait_until

from .apps.watched import Unlucky, Work, WorkSoon
from .apps.watched_late import Late

APP = "tests.system.apps.watched"
WORDS = ["one", "two", "fails"]


@pytest.fixture
def watched(site: Site) -> Site:
    """A site whose workers have the plugin that writes down what it is told."""
    site.environ["BUOY_PLUGINS"] = f"{APP}:Watch"
    return site


def pids(site: Site, event: str) -> list[int]:
    return [note.pid for note in site.notes if note.event == event]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_each_run_is_told_of_once(watched: Site, executor: str) -> None:
    job = WorkSoon if executor == "async" else Work
    for word in WORDS:
        job.using(id=word).enqueue(word)
    watched.app.push("no.such.Job", queue="default", id="unknown")

    watched.burst("--executor", executor, app="watched")

    assert Counter(watched.words("after_run")) == Counter(
        ["one Done", "two Done", "fails Failed", "unknown Failed not loaded"]
    )
    assert sorted(watched.words("before_run")) == sorted(WORDS)
    assert sorted(watched.words("after_reserve")) == sorted([*WORDS, "unknown"])
    events = [note.event for note in watched.notes]
    assert (events[0], events[-1]) == ("worker_started", "worker_stopping")


def test_with_fork_each_is_told_in_its_own_process(watched: Site) -> None:
    Work.using(id="one").enqueue("one")
    Work.using(id="dies").enqueue("dies")

    worker = watched.worker(app="watched")
    nursery = worker.nursery
    watched.note("after_run", "dies Failed")
    watched.settled()
    worker.stop()

    ran, died = pids(watched, "ran")
    assert set(pids(watched, "after_reserve")) == {nursery}
    assert pids(watched, "before_run") == [ran, died]
    assert pids(watched, "after_run")[0] == ran
    settling = pids(watched, "after_run")[1]
    assert settling not in (nursery, ran, died), "another child settles what the first one left"
    # Who has answered ends beside those that come after it.
    exiting, flushed = pids(watched, "before_exit"), pids(watched, "flushed")
    assert sorted(exiting) == sorted(flushed) == sorted([ran, settling])
    assert pids(watched, "before_fork") == [nursery] * 3
    assert pids(watched, "worker_stopping") == [nursery]


def test_a_job_that_was_killed_at_its_timeout_is_told_of(watched: Site) -> None:
    Late.using(id="late").enqueue("late")

    watched.burst(app="watched_late")

    assert watched.words("shrugged") == ["late"]
    assert watched.words("after_run") == ["late Failed"]


def test_a_job_that_its_worker_takes_back_is_told_of_as_released(watched: Site) -> None:
    Unlucky.using(id="unlucky").enqueue("unlucky")
    worker = watched.worker("--grace", "0.1", app="watched")
    watched.note("ran")
    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0
    assert watched.words("after_run") == ["unlucky Released"]
    assert watched.view().queued == 1
    assert "released: " in worker.log
    assert "failed" not in worker.log


@pytest.mark.parametrize("hook", ["all", "before_exit"])
@pytest.mark.parametrize("act", ["SystemExit", "KeyboardInterrupt"])
def test_what_plugins_raise_changes_nothing(site: Site, act: str, hook: str) -> None:
    executor = "fork" if hook == "before_exit" else "inline"
    site.environ |= {"BUOY_PLUGINS": f"{APP}:Misbehaving,{APP}:Watch", "HOSTILE": f"{hook}:{act}"}
    for word in WORDS:
        Work.using(id=word).enqueue(word)

    worker = site.burst("--executor", executor, app="watched")

    assert site.words("ran") == WORDS
    assert site.words("after_run") == ["one Done", "two Done", "fails Failed"]
    assert site.failure()["message"] == "fails"
    assert worker.log.count(f"hook {site.words('misbehaves')[0]} of ") == 3


def test_a_child_may_exit_in_its_last_hook(site: Site) -> None:
    site.environ |= {"BUOY_PLUGINS": f"{APP}:Misbehaving", "HOSTILE": "before_exit:exit"}
    Work.enqueue_many([(word,) for word in WORDS])

    site.burst(app="watched")

    assert site.words("ran") == WORDS
    assert site.words("misbehaves") == ["before_exit"] * 3
    assert site.view().done == 2


def test_a_process_that_exits_within_after_run_has_died_and_the_job_runs_once(site: Site) -> None:
    site.environ |= {"BUOY_PLUGINS": f"{APP}:Misbehaving", "HOSTILE": "after_run:exit"}
    Work.enqueue("one")

    site.burst(app="watched")

    assert site.words("ran") == ["one"]
    assert site.failure()["cause"] == "exit 5 without a result"


def test_the_next_job_does_not_wait_for_a_child_that_hangs_at_its_end(site: Site) -> None:
    site.environ |= {"BUOY_PLUGINS": f"{APP}:Misbehaving", "HOSTILE": "before_exit:block"}
    Work.enqueue_many([(str(number),) for number in range(20)])

    worker = site.worker("--burst", app="watched")
    assert worker.wait() == 0

    first, *others = [note.at for note in site.notes if note.event == "ran"]
    assert len(others) == 19
    assert others[-1] - first < 38, "each of 19 is killed 2 seconds after its answer"
    assert site.view().done == 20


def test_what_children_send_at_their_end_is_not_cut_off(watched: Site) -> None:
    watched.environ["FLUSH_SECONDS"] = "0.5"
    Work.enqueue_many([(str(number),) for number in range(40)])

    watched.burst(app="watched")

    assert len(watched.words("ran")) == 40
    assert len(watched.words("flushed")) == 40, "also those of the last jobs, as the worker ends"
    exiting = most = 0
    for note in watched.notes:
        exiting += (note.event == "before_exit") - (note.event == "flushed")
        most = max(most, exiting)
    assert 2 <= most <= 33, "a bound for the processes of short jobs"


def test_jobs_that_wait_for_a_child_are_put_back_when_the_worker_stops(watched: Site) -> None:
    watched.environ["FLUSH_SECONDS"] = "0.8"  # they are killed 2 seconds after their answers
    Work.enqueue_many([(str(number),) for number in range(60)])
    worker = watched.worker("--grace", "0.2", app="watched")
    wait_until(lambda: len(watched.words("ran")) >= 32)
    worker.stop()

    ran = watched.view().done
    assert ran == len(watched.words("ran")) == len(watched.words("flushed"))
    assert watched.view().queued == 60 - ran


def test_a_plugin_that_cannot_be_imported_is_told_of_at_the_start(
    site: Site, executor: str
) -> None:
    site.environ["BUOY_PLUGINS"] = "buoy_nothing:Plugin"

    worker = site.worker("--executor", executor, app="watched")

    assert worker.wait() == 1
    assert "plugins (BUOY_PLUGINS): 'buoy_nothing:Plugin': expected a module that can be" in (
        worker.log
    )
    assert "Traceback" not in worker.log
