import signal

import pytest

from buoy import App, Job
from buoy.executor import batch
from buoy.executor.inline import Inline
from buoy.queues import QueueList
from buoy.signals import STOPS, Wake
from buoy.wear import Wear
from buoy.worker import Worker


class Small(Job):
    def perform(self) -> None: ...


class Restless(Worker):
    def rest(self) -> None:
        raise AssertionError("there was nothing to wait for")


def test_a_worker_that_has_done_enough_ends_without_waiting(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "registry", {})  # classes of other tests have limits
    Small.enqueue_many([()] * 3)

    queues = QueueList.parse("default")
    worker = Restless(buoy_app.broker, Inline(), queues, wear=Wear(max_jobs=2))
    worker.run()

    assert worker.hand.counts == {"done": 2}


def test_signals_that_were_held_back_are_so_again_at_the_end() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        with Wake(lambda _: None):
            within = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        after = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    assert within.isdisjoint(STOPS)
    assert after.issuperset(STOPS)
