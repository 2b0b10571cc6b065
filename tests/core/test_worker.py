import pytest

from buoy import App, Job
from buoy.executor import limits
from buoy.executor.inline import Inline
from buoy.worker.queue_list import QueueList
from buoy.worker.recycling import RecycleLimits
from buoy.worker.worker import Worker


class Small(Job):
    def perform(self) -> None: ...


@pytest.fixture
def worker(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker that is worn after two jobs."""
    monkeypatch.setattr(limits, "registry", {})  # classes of other tests have limits
    serving = QueueList.parse("default")
    executor = Inline()
    executor.start()
    return Worker(buoy_app.broker, executor, serving, wear=RecycleLimits(max_jobs=2))


def test_a_worn_worker_ends_without_a_rest(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    Small.enqueue_many([()] * 3)
    rests: list[bool] = []
    rest = worker.rest

    def noticed() -> None:
        rests.append(worker.stopped_at is not None)
        rest()

    monkeypatch.setattr(worker, "rest", noticed)
    worker.run()

    assert worker.hand.counts == {"done": 2}
    assert True not in rests


def test_jobs_that_were_put_back_do_not_wear_it(worker: Worker) -> None:
    with worker.wake:
        worker.hand.counts.update(done=1, released=5)

        assert worker.done() == 1
        assert worker.room() == 1
