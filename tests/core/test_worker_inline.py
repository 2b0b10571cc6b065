"""A whole worker whose executor runs jobs in its own process."""

import json
import time

import pytest

from buoy import App, Job
from buoy.broker.broker import Broker
from buoy.executor import limits
from buoy.executor.inline import Inline
from buoy.model.payload import Payload
from buoy.model.queue_list import QueueList
from buoy.settings import Settings
from buoy.worker.recycling import RecycleLimits
from buoy.worker.worker import Worker
from tests.support.processes import wait_until


class Small(Job):
    def perform(self) -> None: ...


class Slow(Job):
    """Runs until those behind it are put back, and so long that they are taken one by one then: of
    several, a slow machine might put some back once more."""

    def perform(self) -> None:
        wait_until(lambda: self.app.monitor.queues()[0].queued == 3)
        time.sleep(0.3)


class TestInline:
    @pytest.fixture
    def executor(self, buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Inline:
        monkeypatch.setattr(limits, "registry", {})  # classes of other tests have limits
        executor = Inline()
        executor.start()
        return executor

    def test_after_its_last_job_it_ends_without_a_rest(
        self, buoy_app: App, executor: Inline, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serving = QueueList.parse("default")
        limit = RecycleLimits(max_jobs=2)
        worker = Worker(buoy_app.broker, executor, serving, recycle_limits=limit)
        Small.enqueue_many([()] * 3)
        stopping: list[bool] = []
        rest = worker.rest

        def noted_rest() -> None:
            stopping.append(worker.lifecycle.stopping)
            rest()

        monkeypatch.setattr(worker, "rest", noted_rest)
        worker.run()

        assert worker.in_flight.counts == {"done": 2}
        assert True not in stopping

    def test_jobs_behind_a_slow_one_are_put_back_and_nothing_is_lost(
        self, buoy_app: App, executor: Inline, caplog: pytest.LogCaptureFixture
    ) -> None:
        broker = Broker(Settings(url=buoy_app.settings.url, lease=3.0))
        Slow.enqueue()
        Small.enqueue_many([()] * 3)
        executor.prefetched.seconds_each = 1e-6  # it takes all at once
        worker = Worker(broker, executor, QueueList.parse("default"), burst=True)

        worker.run()

        assert worker.in_flight.counts == {"done": 4, "released": 3}
        assert caplog.messages == []


def test_a_limit_is_seen_in_whatever_way_a_program_writes_json() -> None:
    payload = Payload(Small.name, [], {}, "a", limits={"timeout": 5}).encoded()
    spaced = json.dumps(json.loads(payload))

    assert limits.own_limits(payload) == limits.own_limits(spaced) == ["timeout"]
