"""Jobs that run where they are enqueued, without Redis."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from buoy import App, Job
from buoy_status import (
    astatus,
    await_for,
    cancel,
    cancelled,
    inline_results,
    progress,
    status,
    wait_for,
)

from .shop import Checkout, Stubborn, fail, state_of


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    app = App("redis://127.0.0.1:1")  # nobody listens there
    monkeypatch.setattr(Job, "app", app)
    with app.inline():
        yield app


def test_the_end_of_an_inline_job_is_known_at_once(inline: App) -> None:
    handle = Checkout.enqueue(42)

    found = state_of(Checkout, 42)
    assert (found.state, found.result, found.id) == ("done", {"cart": 42}, handle.id)
    assert (
        status(handle) == status(handle.id) == wait_for(handle) == wait_for(handle.id, 5) == found
    )
    assert asyncio.run(astatus(Checkout, 42)) == asyncio.run(await_for(handle)) == found


def test_arguments_mean_the_latest_inline_job(inline: App) -> None:
    Checkout.enqueue(42)
    second = Checkout.enqueue(42)
    Checkout.enqueue(43)

    assert state_of(Checkout, 42).id == second.id
    assert status(Checkout, 44) is None
    assert status(Checkout.using(queue="slow"), 42) is None
    assert status("a") is wait_for("a") is None


def test_the_error_of_an_inline_job_is_raised_and_recorded(inline: App, inside: Any) -> None:
    for job in (Checkout, Stubborn):  # nobody will repeat it
        inside(fail)
        with pytest.raises(ValueError, match="no such card"):
            job.enqueue(42)

        assert (state_of(job, 42).state, state_of(job, 42).message) == ("failed", "no such card")


def test_progress_of_an_inline_job_is_dropped(inline: App, inside: Any) -> None:
    def work(job: Job) -> None:
        progress(job, 1, of=2)
        assert not cancelled(job)

    inside(work)
    handle = Checkout.enqueue(42)

    assert state_of(handle).progress is None
    assert cancel(handle) is None


def test_only_the_last_inline_jobs_are_kept(inline: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline_results, "MAX_RECORDS", 2)
    for number in range(3):
        Checkout.enqueue(number)

    assert status(Checkout, 0) is None
    assert state_of(Checkout, 1).state == state_of(Checkout, 2).state == "done"


def test_a_worker_in_inline_mode_records_ends_in_redis(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    from buoy.testing import drain

    handle = Checkout.enqueue(42)
    with buoy_app.inline():  # as BUOY_INLINE in the environment of all processes has it
        drain(buoy_app)

    assert state_of(handle).state == "done"
