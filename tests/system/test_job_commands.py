"""`buoy jobs` and `buoy failed` beside workers that run."""

import json
from typing import Any

from tests.support.processes import Site, alive, wait_until

from .apps.jobs import Note, Wait


def shown(site: Site, id: str) -> dict[str, Any]:
    code, said = site.run("jobs", "show", id, "--json")
    assert code == 0, said
    [facts] = json.loads(said)
    found: dict[str, Any] = facts
    return found


def test_a_running_job_is_shown_and_cancelled(site: Site) -> None:
    id = Wait.enqueue("one", "gate").id
    worker = site.worker()
    child = site.note("began").pid

    facts = shown(site, id)
    assert (facts["state"], facts["args"]) == ("running", ["one", "gate"])
    assert str(worker.pid) in facts["worker"]
    assert facts["running_since"] >= facts["enqueued_at"]
    code, said = site.run("jobs", "list", "--state", "running")
    assert (code, id in said) == (0, True)

    code, said = site.run("jobs", "cancel", id)

    assert (code, said) == (
        0,
        f"{id}: cancelled, it was running; its worker ends the run at its next heartbeat\n",
    )
    wait_until(lambda: not alive(child))
    assert shown(site, id)["state"] == "ended"
    assert site.words() == []
    worker.stop()


def test_what_failed_for_its_arguments_runs_when_they_are_edited(site: Site) -> None:
    id = site.app.push(Note.name, [], queue="default").id
    worker = site.worker()
    wait_until(lambda: site.view().failed)
    assert "missing 1 required positional argument" in shown(site, id)["failure"]["message"]

    code, said = site.run("jobs", "edit", id, "--args", "[1, 2]", "-a", "tests.system.apps.jobs")
    assert (code, "too many positional arguments" in said) == (1, True)
    code, said = site.run("jobs", "edit", id, "--args", '["edited"]')
    assert code == 0, said
    assert site.run("jobs", "retry", id) == (0, f"{id}: queued\n")

    site.note("ran", "edited")
    worker.stop()


def test_failures_are_retried_in_a_queue_that_another_worker_serves(site: Site) -> None:
    ids = [site.app.push("nobody.Knows", [n], queue="default").id for n in range(30)]
    worker = site.burst()
    assert site.view().failed == 30, worker.log

    code, said = site.run("failed", "retry", "--match", "^buoy.errors.UnknownJob", "--to", "other")

    assert (code, said) == (0, "30 jobs were queued in other\n")
    site.burst(queues="other")
    assert sorted(view.id for view in site.app.failures.find(queue="other")) == sorted(ids)
    assert site.app.failures.count(queue="default") == 0
    assert site.run("failed", "summary", "--queue", "other")[1].splitlines()[-1] == "30 failed jobs"
