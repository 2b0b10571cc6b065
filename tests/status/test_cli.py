"""What `buoy jobs show` tells of jobs with Status, also when they have ended."""

import json
from collections.abc import Callable
from typing import Any

from click.testing import CliRunner

from buoy import App, Job
from buoy.cli import main
from buoy.testing import Clock, FakeWorker
from buoy_status import progress

from .shop import Checkout, Plain


def told(id: str) -> dict[str, Any]:
    """What the command tells of a job, as JSON; its text must be printable."""
    text = CliRunner().invoke(main, ["jobs", "show", id])
    assert text.exit_code == 0, text.output
    assert all(line.isprintable() for line in text.output.splitlines())
    [row] = json.loads(CliRunner().invoke(main, ["jobs", "show", id, "--json"]).output)
    found: dict[str, Any] = row
    return found


def test_a_job_that_ended_long_ago_is_shown_with_its_result(
    buoy_app: App,
    buoy_clock: Clock,
    worker: FakeWorker,
    inside: Callable[[Callable[[Job], Any]], None],
) -> None:
    id = Checkout.enqueue(42).id
    inside(lambda job: {"paid": "für\x1b"})
    worker.run(worker.take())
    buoy_app.command("DEL", buoy_app.key("purchasing", "ended"))

    row = told(id)

    assert (row["id"], row["state"]) == (id, "ended")
    known = row["plugins"]["status"]
    assert (known["state"], known["result"], known["attempt"]) == ("done", {"paid": "für\x1b"}, 1)
    assert known["ended_at"].endswith("+00:00")


def test_a_running_job_is_shown_with_its_progress(
    buoy_app: App, worker: FakeWorker, inside: Callable[[Callable[[Job], Any]], None]
) -> None:
    id = Checkout.enqueue(42).id
    seen = []

    def report(job: Job) -> None:
        progress(job, 3, of=4, note="packing")
        seen.append(told(id))

    inside(report)
    worker.run(worker.take())

    known = seen[0]["plugins"]["status"]["progress"]
    assert (known["done"], known["of"], known["note"]) == (3, 4, "packing")
    assert known["at"].endswith("+00:00")


def test_nothing_is_told_of_a_job_that_the_plugin_does_not_know(buoy_app: App) -> None:
    assert "status" not in told(Plain.enqueue().id)["plugins"]
    assert "status" not in told(Checkout.enqueue(1).id)["plugins"]
