"""Crashes are counted for each step, and cost no attempt until there are too many of them."""

import pytest

from buoy import App, Job, JobTimeout
from buoy.model.reservation import Reservation
from buoy.plugins.redis import JobView
from buoy.testing import FakeWorker, drain
from buoy_retry import Retry
from buoy_steps import Steps, each, step

from .shop import seen


class Fragile(Job):
    """Begins two steps, of which the second has a loop, and keeps each cursor at once."""

    plugins = [Steps(every=0.1, max_crashes=2)]

    def perform(self) -> None:
        if step("prepare"):
            seen.append("prepare")
        if step("burn"):
            for row in each(range(3)):
                seen.append(row)
        if step("clean"):
            seen.append("clean")


class Retried(Fragile):
    plugins = [Retry(3, delay=0), Steps(every=0.1, max_crashes=0)]


class Behind(Fragile):
    plugins = [Steps(every=0.1, max_crashes=0), Retry(3, delay=0)]


def view_of(app: App, id: str) -> JobView:
    view = app.find(id)
    assert view is not None
    return view


def run_into(job: Reservation, at: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a job up to this point as a worker does that dies there: nothing is settled."""

    class Dies(BaseException):
        pass

    class Seen(list[object]):
        def append(self, what: object) -> None:
            super().append(what)
            if what == at:
                raise Dies

    from buoy.jobs.run import load_run, perform
    from buoy.jobs.run_events import tell_begun

    known = load_run(job)
    tell_begun(job, known)
    monkeypatch.setattr("tests.steps.test_crashes.seen", Seen(seen))
    with pytest.raises(Dies):
        perform(known)


def test_workers_that_die_in_a_step_are_counted_and_the_job_fails_by_the_step(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = Fragile.enqueue()
    for _ in range(3):
        worker = FakeWorker(buoy_app)
        run_into(worker.take(), 1, monkeypatch)
        worker.lose()
    monkeypatch.undo()

    drain(buoy_app)

    view = view_of(buoy_app, handle.id)
    assert view.failure["message"] == (
        "step 'burn' has crashed 3 times (its process or its worker died), and max_crashes is 2"
    )
    assert view.failure["error"] == "buoy_steps.errors.CrashedTooOften"
    buoy_app.failures.retry(handle.id)
    assert drain(buoy_app) == {"done": 1}


def test_a_crash_in_the_next_step_counts_anew(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = Fragile.enqueue()
    for at in ("prepare", "prepare", 1):
        worker = FakeWorker(buoy_app)
        run_into(worker.take(), at, monkeypatch)
        worker.lose()
    monkeypatch.undo()

    assert drain(buoy_app) == {"done": 1}
    assert buoy_app.find(handle.id) is None


class Tough(Fragile):
    plugins = [Steps(max_crashes=9)]


def test_a_job_that_lost_too_many_workers_goes_on_if_its_step_may_crash_more_often(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = Tough.enqueue()
    for _ in range(4):
        worker = FakeWorker(buoy_app)
        run_into(worker.take(), 1, monkeypatch)
        worker.lose()
    monkeypatch.undo()
    worker = FakeWorker(buoy_app)

    assert worker.run(worker.take())  # the core asks what becomes of it, and does not run it

    view = view_of(buoy_app, handle.id)
    assert (view.state, view.attempt) == ("queued", 1)
    assert view.plugin_data["steps"]["crashes"] == 4
    assert drain(buoy_app) == {"done": 1}


@pytest.mark.parametrize("job", [Retried, Behind])
def test_a_crash_above_the_limit_is_left_to_retry_wherever_it_stands(
    buoy_app: App, job: type[Fragile]
) -> None:
    handle = job.enqueue()
    worker = FakeWorker(buoy_app)

    worker.kill(worker.take())

    view = view_of(buoy_app, handle.id)
    assert (view.state, view.attempt) == ("queued", 2)
    assert drain(buoy_app) == {"done": 1}


def test_crashes_of_the_first_step_are_counted_too(buoy_app: App) -> None:
    handle = Fragile.enqueue()
    for _ in range(3):
        worker = FakeWorker(buoy_app)
        worker.kill(worker.take())

    view = view_of(buoy_app, handle.id)

    assert (view.state, view.attempt) == ("failed", 1)
    assert view.failure["message"] == (
        "signal 9 (SIGKILL); the first step has crashed 3 times (its process or its worker died), "
        "and max_crashes is 2"
    )


@pytest.mark.parametrize("job", [Retried, Behind])
def test_a_timeout_is_a_failure(buoy_app: App, job: type[Fragile]) -> None:
    handle = job.enqueue()
    worker = FakeWorker(buoy_app)

    worker.kill(worker.take(), JobTimeout("too long"))

    view = view_of(buoy_app, handle.id)
    assert (view.state, view.attempt) == ("queued", 2)
