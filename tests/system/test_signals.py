"""What signals do to a worker and to the jobs in its hands."""

import os
import signal
from contextlib import suppress

import pytest

from tests.support.processes import EXECUTORS, Site, WorkerProcess, alive, holds_for, wait_until

from .apps.jobs import Note, Sleep, Stubborn, Wait, WaitSoon

STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
PATIENT = "jobs,tests.system.apps.patience"
EVERY = pytest.mark.parametrize("executor", EXECUTORS)


def heard(site: Site, worker: WorkerProcess) -> None:
    """Wait until the worker says that it stops: before that, a second signal may be one with the
    first, while the worker runs on."""
    wait_until(lambda: site.states() == ["stopping"])
    assert worker.process.poll() is None


def waiting(site: Site) -> list[tuple[str, int]]:
    """The jobs that wait, in order: word and attempt."""
    return [(view.args[0], view.attempt) for view in site.app.monitor.peek("default")]


@EVERY
@pytest.mark.parametrize("stop", STOPS)
def test_an_idle_worker_ends_at_once(site: Site, executor: str, stop: signal.Signals) -> None:
    worker = site.worker("--executor", executor, "--grace", "600")
    Note.enqueue("warm")
    site.note("ran")
    worker.signal(stop)
    assert worker.wait() == 0
    assert "1 done" in worker.log
    assert site.app.monitor.workers() == []


@pytest.mark.parametrize("stop", [*STOPS, signal.SIGQUIT])
def test_a_running_job_gets_its_time_and_the_next_is_not_taken(
    site: Site, executor: str, stop: signal.Signals
) -> None:
    Wait.enqueue("running", "gate")
    Note.enqueue("next")
    worker = site.worker("--executor", executor)
    site.note("began")
    worker.signal(stop)
    holds_for(0.2, lambda: worker.process.poll() is None)
    site.open("gate")
    assert worker.wait() == 0
    assert site.words() == ["running"]
    assert waiting(site) == [("next", 1)]


def test_after_the_grace_time_jobs_are_put_back_as_they_were(site: Site) -> None:
    Stubborn.enqueue("first", "gate")
    Wait.enqueue("second", "gate")
    Note.enqueue("third")
    # The usual two seconds are not always enough to clean up; after five the worker ends.
    site.environ["PATIENCE"] = "4"
    worker = site.worker("-c", "2", "--grace", "0.3", app=PATIENT)
    wait_until(lambda: len(site.words("began")) == 2)
    running = [note.pid for note in site.notes]
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.log
    assert not any(map(alive, running))
    # Told by TERM, a job can end in order; one that does not end is killed.
    assert site.words("cleaned up") == ["second"]
    assert site.words("shrugged") == ["first"]
    assert sorted(waiting(site)[:2]) == [("first", 1), ("second", 1)]
    assert waiting(site)[2:] == [("third", 1)]
    site.open("gate")
    site.burst()
    assert sorted(site.words()) == ["first", "second", "third"]
    assert site.view().failed == 0


def test_in_the_worker_s_own_process_jobs_are_put_back_too(site: Site) -> None:
    Wait.enqueue("first", "gate")
    Note.enqueue("second")
    worker = site.worker("--executor", "inline", "--grace", "0.3")
    site.note("began")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.log
    assert waiting(site) == [("first", 1), ("second", 1)]
    assert "grace time over" in worker.log
    site.open("gate")
    site.burst("--executor", "inline")
    assert site.words() == ["first", "second"]


def test_a_batch_that_is_interrupted_loses_and_repeats_nothing(site: Site) -> None:
    Sleep.enqueue_many([(str(n), 0.002) for n in range(290)])
    # They must not all be done before the worker is told to stop, however late that is.
    Wait.enqueue("290", "gate")
    Sleep.enqueue_many([(str(n), 0.002) for n in range(291, 300)])
    worker = site.worker("--executor", "inline", "--grace", "0")
    wait_until(lambda: len(site.words()) > 30)
    worker.stop()
    assert 30 < len(site.words()) < 300
    site.open("gate")
    site.burst("--executor", "inline")
    ran = site.words()
    assert sorted(set(ran), key=int) == [str(n) for n in range(300)]
    assert len(ran) <= 301  # the one job in hand may run twice


@EVERY
def test_a_second_term_puts_back_at_once(site: Site, executor: str) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor, "--grace", "600")
    site.note("began")
    worker.signal(signal.SIGTERM)
    heard(site, worker)
    holds_for(0.2, lambda: worker.process.poll() is None)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert waiting(site) == [("running", 1)]


@EVERY
def test_a_terminal_that_goes_leaves_jobs_their_time_however_often_it_is_told(
    site: Site, executor: str
) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor)
    site.note("began")
    for _ in range(3):  # by the kernel, by the shell, by the supervisor
        os.killpg(worker.pid, signal.SIGHUP)
        holds_for(0.1, lambda: worker.process.poll() is None)
    site.open("gate")
    assert worker.wait() == 0, worker.log
    assert site.words() == ["running"]


@pytest.mark.parametrize("options", [[], ["--processes", "2"]], ids=["worker", "supervisor"])
def test_under_nohup_the_terminal_may_go(site: Site, options: list[str]) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        worker = site.worker(*options)
    finally:
        signal.signal(signal.SIGHUP, before)
    Note.enqueue("first")
    site.note("ran")
    os.killpg(worker.pid, signal.SIGHUP)
    Note.enqueue("second")
    site.note("ran", "second")
    worker.stop()
    assert worker.process.returncode == 0


def test_quit_waits_beyond_the_grace_time(site: Site, executor: str) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor, "--grace", "0")
    site.note("began")
    worker.signal(signal.SIGQUIT)
    holds_for(1.5 * site.lease, lambda: worker.process.poll() is None)
    site.open("gate")
    assert worker.wait() == 0
    assert site.words() == ["running"]


@EVERY
def test_term_after_quit_ends_the_patience(site: Site, executor: str) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor, "--grace", "0")
    site.note("began")
    worker.signal(signal.SIGQUIT)
    holds_for(0.1, lambda: worker.process.poll() is None)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert waiting(site) == [("running", 1)]


def test_a_coroutine_is_cancelled_by_term(site: Site) -> None:
    WaitSoon.enqueue("running", "gate")
    worker = site.worker("--grace", "0.5", app=PATIENT)
    site.note("began")
    worker.stop()
    assert site.words("cleaned up") == ["running"]
    assert waiting(site) == [("running", 1)]


def test_usr1_kills_the_running_jobs_and_the_worker_goes_on(site: Site) -> None:
    killed = Wait.enqueue("running", "gate")
    Note.enqueue("next")
    worker = site.worker()
    site.note("began")
    worker.signal(signal.SIGUSR1)
    site.note("ran", "next")
    site.settled()
    failure = site.failure()
    assert failure["error"] == "buoy.errors.DirtyExit"
    assert failure["cause"] == "signal 9 (SIGKILL)"
    assert "told to kill it (USR1)" in str(failure["message"])
    assert [view.id for view in site.app.monitor.failed()] == [killed.id]
    assert site.words("cleaned up") == []
    worker.stop()


@EVERY
def test_usr2_pauses_and_cont_resumes(site: Site, executor: str) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor)
    site.note("began")
    worker.signal(signal.SIGUSR2)
    site.open("gate")
    site.note("ran", "running")
    Note.enqueue("later")
    holds_for(0.5, lambda: site.words() == ["running"])
    worker.signal(signal.SIGCONT)
    site.note("ran", "later")


def tell_all(site: Site, number: signal.Signals) -> None:
    """Signal all processes at once, as a service manager does with a control group."""
    for pid in site.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def tell_group(worker: WorkerProcess, number: signal.Signals) -> None:
    """Signal the group of the worker, as a terminal does."""
    os.killpg(worker.pid, number)


@pytest.mark.parametrize("stop", STOPS)
def test_a_signal_for_all_processes_is_for_the_worker_alone(
    site: Site, executor: str, stop: signal.Signals
) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor)
    site.note("began")
    if stop == signal.SIGTERM:
        tell_all(site, stop)
    else:
        tell_group(worker, stop)
    holds_for(0.3, lambda: worker.process.poll() is None)
    site.open("gate")
    assert worker.wait() == 0
    assert site.words() == ["running"]


def test_signals_while_a_burst_of_them_arrives_are_all_heard(site: Site) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker()
    site.note("began")
    for _ in range(50):
        worker.signal(signal.SIGUSR2)
        worker.signal(signal.SIGCONT)
    # Those that wait together come in any order; so what is to be the last comes by itself.
    holds_for(0.2, lambda: True)
    worker.signal(signal.SIGCONT)
    Note.enqueue("next")
    site.open("gate")
    site.note("ran", "next")
    worker.stop()
