"""The rows of docs/together.md that tell of deaths, with processes that are really killed."""

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from buoy_status import cancel
from tests.support.processes import Site, WorkerProcess, wait_until
from tests.together.scene import Seen
from tests.together.table import TABLE

from .apps.together import Pay, Wary

CRASHES = 1
ROWS = {row.event: row for row in TABLE}


def started(site: Site, job: Seen) -> WorkerProcess:
    """Start a worker, and wait until it runs the job."""
    before = len(site.words("began"))
    worker = site.worker("--executor", "fork", queues="payments", app="together")
    wait_until(lambda: len(site.words("began")) > before, what=site.logs)
    job.before = job.view
    return worker


def child_killed(site: Site, job: Seen) -> None:
    started(site, job)
    os.kill(site.note("began").pid, signal.SIGKILL)
    wait_until(lambda: state(job) == "delayed", what=site.logs)


def worker_killed(site: Site, job: Seen) -> None:
    worker = started(site, job)
    worker.kill()
    site.app.control.pause("payments")
    site.worker(queues="payments", app="together")  # heals, and takes nothing
    wait_until(lambda: state(job) == "queued", what=site.logs)


def workers_killed(site: Site, job: Seen) -> None:
    site.environ["BUOY_MAX_CRASHES"] = str(CRASHES)
    for _ in range(CRASHES + 1):
        started(site, job).kill()
    site.worker(queues="payments", app="together")
    wait_until(lambda: state(job) in ("delayed", "failed"), what=site.logs)


def cancelled(site: Site, job: Seen) -> None:
    started(site, job)
    assert cancel(job.id) == "running"


def state(job: Seen) -> str | None:
    view = job.view
    return None if view is None else view.state


@pytest.mark.parametrize(
    ("event", "happens", "declared"),
    [
        ("its child is killed (`DirtyExit`)", child_killed, Pay),
        ("its worker is killed, and it goes back", worker_killed, Pay),
        ("its workers die too often (`WorkerLost`)", workers_killed, Pay),
        ("its workers die too often, with `never=WorkerLost`", workers_killed, Wary),
        ("it is cancelled while it runs", cancelled, Pay),
    ],
)
def test_rows_about_deaths_hold_with_real_processes(
    site: Site, event: str, happens: Callable[[Site, Seen], None], declared: Any
) -> None:
    row = ROWS[event]
    job = Seen(site.app, declared)
    job.enqueue()
    happens(site, job)

    assert job.status() == row.status
    assert job.retry(site.words("given up")) == row.retry
    site.app.control.pause("payments")  # the next one is not to run
    assert job.claim() == row.claim
