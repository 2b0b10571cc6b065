"""The fake worker of buoy.testing, and the fixture that restores the registry."""

import pytest

from buoy import App, Job
from buoy.jobs.registry import registry
from buoy.model.reservation import Settlement
from buoy.testing import Clock, FakeWorker

performed: list[int] = []


class Pack(Job):
    name = "tests.fake_worker.Pack"
    queue = "parcels"

    def perform(self, number: int) -> None:
        if number < 0:
            raise ValueError(number)
        performed.append(number)


@pytest.fixture
def worker(buoy_app: App) -> FakeWorker:
    performed.clear()
    return FakeWorker(buoy_app, "parcels")


def state(app: App, id: str) -> str | None:
    view = app.find(id)
    return None if view is None else view.state


def test_a_job_that_is_taken_is_running_until_it_is_run(buoy_app: App, worker: FakeWorker) -> None:
    handle = Pack.enqueue(1)

    job = worker.take()
    while_taken = state(buoy_app, handle.id)
    settled = worker.run(job)

    assert (while_taken, settled, performed) == ("running", True, [1])
    assert buoy_app.find(handle.id) is None


def test_two_jobs_can_be_taken_and_run_in_any_order(worker: FakeWorker) -> None:
    Pack.enqueue_many([(1,), (2,)])

    first, second = worker.take(), worker.take()

    assert worker.run(second)
    assert worker.run(first)
    assert performed == [2, 1]


def test_a_job_that_raises_is_failed(buoy_app: App, worker: FakeWorker) -> None:
    handle = Pack.enqueue(-1)

    assert worker.run(worker.take())
    assert state(buoy_app, handle.id) == "failed"


def test_a_job_whose_process_is_killed_is_failed(buoy_app: App, worker: FakeWorker) -> None:
    handle = Pack.enqueue(1)

    assert worker.kill(worker.take())
    view = buoy_app.find(handle.id)
    assert view is not None
    assert (view.state, view.failure["cause"]) == ("failed", "signal 9 (SIGKILL)")
    assert performed == []


def test_a_test_may_settle_a_job_as_it_likes(buoy_app: App, worker: FakeWorker) -> None:
    handle = Pack.enqueue(1)

    assert worker.settle(Settlement.of(worker.take(), "rejected"))
    assert buoy_app.find(handle.id) is None


def test_a_lost_job_is_taken_by_another_worker_and_refused_to_the_first(
    buoy_app: App, worker: FakeWorker
) -> None:
    Pack.enqueue(1)
    job = worker.take()

    worker.lose()
    again = FakeWorker(buoy_app, "parcels", "other").take()

    assert (again.id, again.lost) == (job.id, 1)
    assert not worker.run(job)


def test_healing_queues_what_is_due(buoy_app: App, buoy_clock: Clock, worker: FakeWorker) -> None:
    handle = Pack.using(delay=60).enqueue(1)
    buoy_clock.advance(61)

    worker.heal()

    assert [view.id for view in buoy_app.monitor.peek("parcels", 0, 9)] == [handle.id]


def test_without_a_job_that_is_due_the_test_fails(worker: FakeWorker) -> None:
    with pytest.raises(AssertionError) as failed:
        worker.take()

    assert str(failed.value) == "expected a job that is due in queue 'parcels', got none"


def test_while_everything_is_paused_none_is_taken(buoy_app: App, worker: FakeWorker) -> None:
    Pack.enqueue(1)
    buoy_app.control.pause_all()

    with pytest.raises(AssertionError) as failed:
        worker.take()

    said = "expected a job that may be taken, but everything is paused (buoy pause)"
    assert str(failed.value) == said
    buoy_app.control.resume_all()
    assert worker.run(worker.take())


@pytest.mark.parametrize("number", [1, 2])
def test_a_job_class_that_a_test_declares_is_forgotten_after_it(
    buoy_registry: None, number: int
) -> None:
    assert "tests.fake_worker.Again" not in registry

    class Again(Job):
        name = "tests.fake_worker.Again"

        def perform(self) -> None: ...

    assert registry["tests.fake_worker.Again"] is Again
