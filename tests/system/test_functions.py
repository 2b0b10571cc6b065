"""Functions that are jobs, under each executor: their run, their arguments, limits of one job."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.support.processes import Site

from .apps.functions import Order, heed, look, look_soon, wait_long, wait_soon

ORDER = Order(date(2026, 11, 30), Decimal("2.50"))


@pytest.mark.parametrize("kind", ["fork", "inline", "thread", "async"])
def test_functions_know_their_job_in_tasks_and_threads_and_get_what_they_declare(
    site: Site, kind: str
) -> None:
    handles = [job.enqueue(ORDER, number) for number in range(4) for job in (look, look_soon)]

    site.burst("--executor", kind, *(() if kind == "inline" else ("-c", "4")), app="functions")

    assert {note.event for note in site.notes} == {"knows"}, site.logs()
    assert sorted(site.words("knows")) == sorted(f"{handle.id} 1" for handle in handles)


@pytest.mark.parametrize("kind", ["fork", "inline", "thread", "async"])
def test_a_job_that_asks_knows_at_once_that_it_was_cancelled(site: Site, kind: str) -> None:
    """By the core alone; also in a process, which would be killed a moment later."""
    site.lease = 600.0  # the next heartbeat is far away
    id = heed.enqueue().id
    worker = site.worker("--executor", kind, app="functions")
    site.note("began")

    assert site.app.cancel(id) == "running"

    site.note("cancelled")
    worker.stop()
    assert site.app.failures.count() == 0


def test_a_limit_of_one_job_is_kept_and_the_others_have_none(site: Site) -> None:
    limited = wait_long.using(timeout=3).enqueue("late")
    free = wait_long.enqueue("open")
    site.open("open")

    site.burst(app="functions")

    [failed] = site.app.failures.find()
    assert (failed.id, failed.failure and failed.failure["message"]) == (
        limited.id,
        "the job ran longer than its timeout of 3 s: ended by TERM",
    )
    assert site.app.find(free.id) is None


@pytest.mark.parametrize(
    ("kind", "job", "limits", "message"),
    [
        ("inline", wait_long, {"timeout": 5}, "expected a job without timeout, got one with using("
         "timeout=...): a job in the worker's own process cannot be stopped by force; let a worker "
         "with --executor fork serve its queue, and retry it"),
        ("async", wait_soon, {"max_memory": 10**8}, "expected a job without max_memory, got one "
         "with using(max_memory=...): a job in the worker's own process cannot be stopped by "
         "force; let a worker with --executor fork serve its queue, and retry it"),
        ("async", wait_soon, {"timeout": 0.2}, "the job ran longer than its timeout of 0.2 s"),
    ],
    ids=["inline", "memory", "async"],
)  # fmt: skip
def test_a_limit_that_cannot_be_kept_fails_the_job(
    site: Site, kind: str, job: Any, limits: dict[str, float], message: str
) -> None:
    job.using(**limits).enqueue("late")

    site.burst("--executor", kind, app="functions")

    assert site.failure()["message"] == message
