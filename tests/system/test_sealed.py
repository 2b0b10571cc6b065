"""Sealed jobs in workers of each kind: what they get, and what is left in Redis and logs."""

import pytest

from buoy import Job
from buoy_sealed import new_key
from buoy_status import status
from tests.support.processes import EXECUTORS, Site

from .apps.sealed import AsyncSecret, Paged, Secret

SECRET = "4111-1111-1111-1111"


@pytest.fixture(autouse=True)
def keys(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key("2026-11")
    site.environ["BUOY_SEALED_KEYS"] = key
    monkeypatch.setenv("BUOY_SEALED_KEYS", key)


def stored(site: Site) -> str:
    """Returns all that lies in Redis, as it lies there."""
    command = site.app.command
    command("CONFIG", "SET", "rdbcompression", "no")
    found = "\n".join(str(command("DUMP", key)) for key in command("KEYS", "*"))
    assert '["[sealed]"]' in found
    return found


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("job", [Secret, AsyncSecret], ids=["function", "coroutine"])
def test_each_executor_opens_what_it_runs(site: Site, executor: str, job: type[Secret]) -> None:
    well, failed = job.enqueue(SECRET), job.enqueue(SECRET, "fail")

    worker = site.burst("--executor", executor, app="sealed")

    state = status(well)
    assert state is not None, worker.log
    assert state.result == f"{SECRET} True"
    view = Job.app.find(failed.id)
    assert view is not None, worker.log
    assert (view.attempt, view.failure["message"]) == (2, "[sealed]")
    for text in (worker.log, stored(site)):
        assert SECRET not in text
    assert "ValueError: [sealed]" in worker.log


def test_a_process_that_was_killed_leaves_nothing(site: Site) -> None:
    id = Secret.enqueue(SECRET, "die").id

    worker = site.burst(app="sealed")

    view = Job.app.find(id)
    assert view is not None, worker.log
    assert (view.attempt, view.shown_args) == (2, ["[sealed]"])
    assert view.failure["cause"] == "signal 9 (SIGKILL)"
    assert SECRET not in worker.log + stored(site)


def test_a_process_that_was_killed_in_a_loop_leaves_a_sealed_cursor(site: Site) -> None:
    Paged.enqueue(SECRET)

    site.worker(app="sealed")
    site.note("row", "2")
    left = stored(site)
    site.open("end")
    site.settled()

    assert site.words("row") == ["0", "1", "1", "2"]
    assert site.words("known") == ["[sealed]"] * 2
    assert SECRET not in left + site.logs()


def test_commands_show_and_edit_without_telling(site: Site) -> None:
    id = Secret.enqueue(SECRET).id
    shown = site.run("jobs", "show", id)[1]
    assert "[sealed]" in shown
    code, told = site.run("jobs", "edit", id, "-a", "tests.system.apps.sealed", "--args", '["new"]')
    assert code == 0, told
    assert SECRET not in shown + told

    site.burst(app="sealed")
    state = status(id)
    assert state is not None
    assert state.result == "new True"
    assert "new True" not in site.run("jobs", "show", id)[1]
