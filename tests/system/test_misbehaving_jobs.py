"""Jobs that misbehave in every way: each fails as itself, the worker and other jobs go on."""

from typing import Any

import pytest

from buoy import Job
from tests.support.processes import Site

from .apps import misbehaving as bad

APP = "misbehaving"

# What is in the failure record: error, cause, part of the message.
RAISED: dict[type[Job], tuple[str, str, str]] = {
    bad.Fails: ("ValueError", "exception", "wrong\nin two lines"),
    bad.LeavesBySystemExit: ("SystemExit", "exception", "0"),
    bad.Interrupted: ("KeyboardInterrupt", "exception", ""),
    bad.CannotBeShown: ("Mute", "exception", "(cannot be shown: RuntimeError)"),
    bad.SaysTooMuch: ("ValueError", "exception", "characters left out"),
    bad.Recurses: ("RecursionError", "exception", "maximum recursion depth exceeded"),
    bad.AsksForTooMuch: ("MemoryError", "exception", ""),
}
DIED: dict[type[Job], tuple[str, str, str]] = {
    bad.ExitsInSilence: ("DirtyExit", "exit 0 without a result", "exit 0 without a result"),
    bad.ExitsWithThree: ("DirtyExit", "exit 3 without a result", "exit 3 without a result"),
    bad.Segfaults: ("DirtyExit", "signal 11 (SIGSEGV)", "signal 11 (SIGSEGV)"),
    bad.Aborts: ("DirtyExit", "signal 6 (SIGABRT)", "signal 6 (SIGABRT)"),
}
FINE: list[type[Job]] = [
    bad.ClosesEverything,
    bad.ClosesItsOutputs,
    bad.PrintsMuch,
    bad.LeavesAGrandchild,
    bad.LeavesAProcess,
    bad.ComesBackTwice,
    bad.LeavesAThread,
    bad.ChangesItsProcess,
]


def enqueue(*jobs: type[Job]) -> None:
    """Enqueue these, each between two that tell whether they were touched by it."""
    for job in jobs:
        doer: Any = job
        doer.using(id=job.__name__).enqueue()
        bad.Telling.enqueue(f"after {job.__name__}")


def failures(site: Site) -> dict[str, dict[str, Any]]:
    return {view.id: view.failure for view in site.app.monitor.failed(["bad"])}


def check(failures: dict[str, dict[str, Any]], wanted: dict[type[Job], Any]) -> None:
    for job, (error, cause, message) in wanted.items():
        failure = failures.pop(job.__name__)
        got = (failure["error"].rpartition(".")[2], failure["cause"])
        assert got == (error, cause), failure
        assert message in failure.get("message", "")
        assert failure["seconds"] < 60
        assert failure["peak_memory"] > 1 << 20
        assert failure["attempt"] == 1
        assert failure["worker"]
        assert len(str(failure)) < 50_000
    assert failures == {}


@pytest.mark.parametrize("slots", ["1", "3"])
def test_in_a_process_of_their_own_jobs_harm_only_themselves(site: Site, slots: str) -> None:
    enqueue(*RAISED, *DIED, *FINE)
    worker = site.worker("-c", slots, queues="bad", app=APP)
    site.settled("bad")
    assert sorted(site.words()) == sorted(
        f"after {job.__name__}" for job in [*RAISED, *DIED, *FINE]
    )
    check(failures(site), RAISED | DIED)
    assert site.view("bad").done == len(site.words()) + len(FINE)
    assert "\nTraceback" not in worker.log, "of buoy itself; those of jobs are indented"
    worker.stop()


def test_in_the_worker_s_own_process_no_exception_ends_it(site: Site) -> None:
    enqueue(*RAISED)
    site.burst("--executor", "inline", queues="bad", app=APP)
    assert site.words() == [f"after {job.__name__}" for job in RAISED]
    check(failures(site), RAISED)


def test_the_traceback_begins_with_perform(site: Site, executor: str) -> None:
    bad.Fails.enqueue()
    site.burst("--executor", executor, queues="bad", app=APP)
    [failure] = failures(site).values()
    lines = failure["traceback"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith("in perform")
    assert "wrong()" in failure["traceback"]
    assert lines[-2:] == ["ValueError: wrong", "in two lines"]
