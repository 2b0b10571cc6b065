"""Long jobs under workers that stop and die: they go on where they were."""

import os
import signal
from itertools import pairwise
from typing import Any

import pytest

from buoy.plugins.redis import JobView
from tests.support.processes import EXECUTORS, Site, wait_until

from .apps.stepping import AsyncImport, Crashing, Import, Other, Patient


def rows(site: Site) -> list[int]:
    return [int(word) for word in site.words("row")]


def view_of(site: Site, id: str) -> JobView:
    view = site.app.find(id)
    assert view is not None
    return view


def cursor(site: Site, id: str) -> Any:
    """The cursor that Redis knows; -1 if it knows none."""
    found = view_of(site, id).plugin_data.get("steps", {}).get("cursor")
    return -1 if found is None else found


@pytest.mark.parametrize("executor", EXECUTORS)
def test_when_a_worker_stops_its_job_ends_soon_and_goes_on_elsewhere(
    site: Site, executor: str
) -> None:
    handle = (AsyncImport if executor == "async" else Import).enqueue()
    worker = site.worker("--executor", executor, "--grace", "60", app="stepping")
    wait_until(lambda: len(rows(site)) >= 5, what=site.logs)

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0, worker.log
    view = view_of(site, handle.id)
    assert view.attempt == 1
    kept = view.plugin_data["steps"]
    assert (kept["done"], kept["step"]) == (["fetch"], "import")
    assert kept["cursor"] == rows(site)[-1]
    assert kept["kept"] >= 2
    assert "goes on later: the worker stops" in worker.log
    site.open("enough")
    site.burst("--executor", executor, app="stepping")
    assert rows(site) == list(range(len(rows(site))))
    assert len(site.words("fetch")) == len(site.words("report")) == 1


def test_after_the_death_of_a_worker_the_job_goes_on_from_its_last_checkpoint(site: Site) -> None:
    handle = Import.enqueue()
    worker = site.worker("--executor", "thread", app="stepping")
    wait_until(lambda: cursor(site, handle.id) > 3, what=site.logs)
    worker.kill()
    reached = cursor(site, handle.id)

    next_worker = site.worker(app="stepping")
    wait_until(lambda: cursor(site, handle.id) > reached, what=site.logs)
    site.open("enough")
    site.settled()

    assert view_of_steps_is_gone(site, handle.id)
    goes_back = [new for old, new in pairwise(rows(site)) if new != old + 1]
    assert goes_back in ([], [reached + 1]), next_worker.log
    assert len(site.words("fetch")) == 1


def view_of_steps_is_gone(site: Site, id: str) -> bool:
    return site.app.find(id) is None


def test_after_the_death_of_its_process_the_job_goes_on_at_no_cost_of_an_attempt(
    site: Site,
) -> None:
    handle = Import.enqueue()
    site.worker(app="stepping")
    wait_until(lambda: cursor(site, handle.id) > 3, what=site.logs)
    os.kill(site.note("row").pid, signal.SIGKILL)
    wait_until(lambda: "crashes" in view_of(site, handle.id).plugin_data["steps"], what=site.logs)

    view = view_of(site, handle.id)

    assert view.attempt == 1
    assert view.plugin_data["steps"]["crashes"] == 1
    assert view.plugin_data["steps"]["cursor"] > 3
    site.open("enough")
    site.settled()
    goes_back = [new for old, new in pairwise(rows(site)) if new != old + 1]
    assert all(new > 3 for new in goes_back)


def test_a_job_that_crashes_again_and_again_in_a_step_fails_and_says_in_which(site: Site) -> None:
    Crashing.enqueue()
    site.burst(app="stepping")

    failure = site.failure()

    assert len(site.words("burn")) == 3
    assert len(site.words("prepare")) == 1
    assert failure["error"] == "buoy.errors.DirtyExit"
    assert str(failure["message"]).endswith(
        "; step 'burn' has crashed 3 times (its process or its worker died), and max_crashes is 2"
    )


def test_a_job_with_max_runtime_lets_others_run_and_goes_on(site: Site) -> None:
    Patient.enqueue()
    Other.enqueue()

    worker = site.burst("--executor", "inline", app="stepping")

    assert site.words("other") == [""]
    assert len(site.words("report")) == 1
    assert rows(site) == list(range(len(rows(site))))
    assert "goes on later: other jobs get the slot after max_runtime=0.2" in worker.log
