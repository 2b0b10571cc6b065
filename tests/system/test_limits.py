"""Limits on job classes: how long a run may take, how late it may start."""

from tests.support.processes import Site, alive, wait_until

from .apps.expiring import Expiring
from .apps.jobs import Wait
from .apps.limits import Hungry, Limited, LimitedDeaf, Modest, Patient, Quick


def test_a_job_that_runs_too_long_is_told_to_end(site: Site) -> None:
    Limited.enqueue("slow")
    Quick.enqueue("next")
    site.worker(app="limits")
    site.note("ran", "next")
    site.settled()
    assert site.words("cleaned up") == ["slow"]
    failure = site.failure()
    assert failure["error"] == "buoy.errors.JobTimeout"
    assert failure["cause"] == "timeout"
    assert failure["message"] == "the job ran longer than its timeout of 3 s: ended by TERM"
    assert float(str(failure["seconds"])) > 2.0
    assert "wait_for" in str(failure["traceback"])


def test_a_job_that_holds_too_much_memory_is_killed(site: Site) -> None:
    Hungry.enqueue("hungry")
    Modest.enqueue("modest")
    site.worker(app="limits")
    hungry = site.note("began", "hungry")
    site.note("ran", "modest")
    site.settled()
    assert not alive(hungry.pid)
    failure = site.failure()
    assert failure["error"] == "buoy.errors.MemoryExceeded"
    assert failure["cause"] == "memory"
    assert int(str(failure["peak_memory"])) > 96 << 20
    assert str(failure["message"]).startswith(
        "the process of the job held more than its max_memory of 96 MiB, and was killed; "
    )


def test_a_job_that_does_not_end_when_told_is_killed(site: Site) -> None:
    LimitedDeaf.enqueue("deaf")
    Quick.enqueue("next")
    site.worker(app="limits")
    deaf = site.note("began", "deaf")
    site.note("ran", "next")
    site.settled()
    assert not alive(deaf.pid)
    assert site.words("shrugged") == ["deaf"]
    failure = site.failure()
    assert failure["error"] == "buoy.errors.JobTimeout"
    assert failure["message"] == (
        "the job ran longer than its timeout of 3 s, and was killed since TERM did not end it"
    )


def test_a_job_may_take_years(site: Site) -> None:
    Patient.enqueue("first")
    Patient.enqueue("second")
    site.worker(app="limits")
    site.note("ran", "second")
    site.settled()
    assert site.words("ran") == ["first", "second"]


def test_inline_refuses_jobs_with_a_timeout(site: Site) -> None:
    worker = site.worker("--executor", "inline", app="limits")
    assert worker.wait() == 1
    assert "expected jobs without timeout, got " in worker.log
    assert "limits.Limited" in worker.log
    assert "use --executor fork" in worker.log


def test_a_job_that_comes_too_late_is_rejected_and_counted(site: Site, executor: str) -> None:
    in_time = Expiring.using(delay=0.05).enqueue("in time")
    late = Expiring.enqueue("late")
    key = site.app.broker.keys.part("default", "queued")
    wait_until(lambda: late_by(site, late.id) > 0.1)
    assert site.app.broker.client.call("LLEN", key) == 1
    worker = site.worker("--executor", executor, app="expiring")
    site.settled()
    assert site.view().rejected == 2
    assert "rejected: expired" in worker.log
    assert site.app.find(in_time.id) is None
    Expiring.enqueue("prompt")
    site.note("ran", "prompt")
    site.settled()
    assert site.words() == ["prompt"]
    assert site.view().done == 1


def late_by(site: Site, id: str) -> float:
    """How many seconds ago a job has expired, by the clock of Redis."""
    seconds, micros = site.app.broker.client.call("TIME")
    view = site.app.find(id)
    assert view
    return int(seconds) + int(micros) / 1e6 - view.enqueued_at - Expiring.expires - 0.05


def test_what_has_started_in_time_may_be_put_back_and_run_late(site: Site) -> None:
    """Only the first start must be in time: a released or repeated job has been started."""
    Wait.enqueue("blocker", "gate")
    worker = site.worker("-c", "2", app="jobs,tests.system.apps.expiring")
    site.note("began", "blocker")
    Expiring.enqueue("beside")
    site.note("ran", "beside")
    site.open("gate")
    site.settled()
    assert site.view().rejected == 0
    worker.stop()
