"""Jobs that fail in every way, and are run again by real workers."""

import signal
from itertools import pairwise
from typing import Any

import pytest

from buoy.operations.views import JobView
from buoy_retry import history
from tests.support.processes import EXECUTORS, Site, wait_until

from .apps import retrying
from .apps.retrying_anywhere import Fetch, FetchSoon

APP = "retrying"


def failed(site: Site) -> JobView:
    [view] = site.app.monitor.failed(["default"])
    return view


def waits(site: Site) -> list[float]:
    """The seconds between the runs."""
    at = [note.at for note in site.notes if note.event == "began"]
    return [later - earlier for earlier, later in pairwise(at)]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("job", [Fetch, FetchSoon])
def test_every_executor_runs_a_failed_job_again(site: Site, executor: str, job: Any) -> None:
    fine = job.enqueue(1)
    worker = site.worker("--executor", executor, app="retrying_anywhere")
    site.settled()
    assert site.words("began") == ["1", "1", "2"]
    assert site.words() == ["2"]
    assert 0.1 <= waits(site)[0] < 60
    assert 0.2 <= waits(site)[1] < 60
    assert site.app.find(fine.id) is None

    job.enqueue(3)
    site.settled()
    view = failed(site)
    assert view.attempt == 3
    assert [(each.error, each.wait) for each in history(view)] == [
        ("ConnectionError", 0.2),
        ("ConnectionError", 0.2),
        ("ConnectionError", None),
    ]
    assert {each.worker for each in history(view)} == {view.failure["worker"]}
    worker.stop()


@pytest.mark.parametrize(
    ("job", "error", "message"),
    [
        (retrying.Retried, "ConnectionError", "refused"),
        (retrying.Killed, "buoy.errors.DirtyExit", "signal 9 (SIGKILL)"),
        (retrying.Leaves, "buoy.errors.DirtyExit", "exit 3 without a result"),
        (retrying.Late, "buoy.errors.JobTimeout", "longer than its timeout of 3 s"),
        (retrying.Fat, "buoy.errors.MemoryExceeded", "more than its max_memory of 96 MiB"),
    ],
)
def test_however_a_run_ends_it_is_run_again_after_the_delay(
    site: Site, job: Any, error: str, message: str
) -> None:
    job.enqueue(1)
    site.worker(app=APP)
    site.settled()
    [told] = site.words("had failed")
    assert told.startswith(f"{error}: ")
    assert message in told
    assert told.endswith(f"; again after {retrying.DELAY} s")
    assert site.words("began") == ["1", "2"]
    assert site.words() == ["2"]
    assert waits(site)[0] >= retrying.DELAY
    assert site.view().failed == 0
    assert site.words("given up") == []


@pytest.mark.parametrize("job", [retrying.Killed, retrying.Late])
def test_a_run_that_always_fails_is_given_up_once(site: Site, job: Any) -> None:
    job.enqueue(99)
    site.worker(app=APP)
    site.settled()
    view = failed(site)
    assert site.words("began") == ["1", "2", "3"]
    assert view.failure["attempt"] == 3
    assert [each.wait for each in history(view)] == [retrying.DELAY, retrying.DELAY, None]
    assert site.words("given up") == [view.failure["error"].rpartition(".")[2]]


def test_a_job_that_kills_its_worker_is_run_again(site: Site) -> None:
    site.environ["BUOY_MAX_CRASHES"] = "0"
    retrying.KillsItsWorker.enqueue(1)
    first = site.worker(app=APP)
    assert first.wait() == -signal.SIGKILL
    site.worker(app=APP)
    site.settled()
    [told] = site.words("had failed")
    assert told.startswith("buoy.errors.WorkerLost: the worker was lost 1 times")
    assert site.words("began") == ["1", "2"]
    assert site.words() == ["2"]


def test_a_job_of_a_killed_worker_keeps_its_attempts(site: Site) -> None:
    """A lost lease is no failure of the job: it is run again as the same attempt."""
    retrying.KillsItsWorker.enqueue(1)
    first = site.worker(app=APP)
    assert first.wait() == -signal.SIGKILL
    second = site.worker(app=APP)
    assert second.wait() == -signal.SIGKILL
    assert site.words("began") == ["1", "1"]


def test_a_job_puts_itself_off(site: Site) -> None:
    retrying.PutsItselfOff.enqueue()
    site.worker(app=APP)
    site.settled()
    assert site.words("began") == ["first", "again"]
    assert waits(site)[0] >= retrying.DELAY
    assert (site.view().done, site.view().failed) == (1, 0)


def test_an_alarm_that_kills_its_process_hides_no_failure(site: Site) -> None:
    retrying.AlarmIsDeadly.enqueue()
    worker = site.worker(app=APP)
    site.settled()
    assert failed(site).failure["error"] == "buoy.errors.DirtyExit"
    worker.stop()


def test_operators_see_run_and_end_what_waits(site: Site) -> None:
    site.environ["BUOY_TEST_DELAY"] = "3600"
    first = retrying.Retried.enqueue(1)
    second = retrying.Retried.enqueue(1)
    site.worker(app=APP)
    wait_until(lambda: site.view().delayed == 2)
    assert [view.state for view in site.app.monitor.delayed("default")] == ["delayed"] * 2
    assert first.id in site.run("retry")[1]
    assert site.run("retry", "now", first.id) == (0, "1 job was made due\n")
    site.note("ran", "2")
    assert site.run("retry", "cancel", "--error", "refused") == (0, "1 job was ended\n")
    site.settled()
    assert site.app.find(second.id) is None
    assert (site.view().done, site.view().failed) == (1, 0)


def test_a_job_that_is_put_back_has_not_failed(site: Site) -> None:
    handle = retrying.Patient.enqueue()
    worker = site.worker("--grace", "0", app=APP)
    site.note("began")

    worker.stop()

    assert "released: the worker stops, and the job had not ended within its grace" in worker.log
    assert "ERROR" not in worker.log
    assert site.words("given up") == []
    view = site.app.find(handle.id)
    assert view is not None
    assert (view.state, view.attempt) == ("queued", 1)
