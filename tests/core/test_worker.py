import pytest

from buoy import App, Job
from buoy.executor.inline import Inline
from buoy.queues import QueueList
from buoy.wear import Wear
from buoy.worker import Worker


class Charge(Job):
    def perform(self) -> None: ...


@pytest.fixture
def worker(buoy_app: App) -> Worker:
    """A worker that is worn after two jobs."""
    serving = QueueList.parse("default")
    return Worker(buoy_app.broker, Inline([]), serving, wear=Wear(max_jobs=2))


def test_a_worn_worker_ends_without_a_rest(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    Charge.enqueue_many([()] * 3)
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
        worker.hand.counts.update(done=1, release=5)

        assert worker.done() == 1
        assert worker.room() == 1
