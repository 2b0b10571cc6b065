"""How long a worker sleeps, and what wakes it."""

import signal
from collections.abc import Iterator
from math import inf

import pytest

from buoy.worker.queue_selection import POLL_SECONDS
from tests.support.worker_at_work import WorkerAtWork
from tests.support.world import World


@pytest.fixture
def setting(world: World) -> Iterator[WorkerAtWork]:
    setting = WorkerAtWork(world)
    with setting.worker.signals:
        yield setting
    setting.worker.wakeup.close()


class TestWaiting:
    @pytest.mark.parametrize(
        ("next_look", "next_due", "next_try", "seconds"),
        [
            (9.0, 9.0, inf, POLL_SECONDS),
            (1.5, 9.0, inf, 1.5),
            (9.0, 1.2, inf, 1.2),
            (9.0, 9.0, 0.3, 0.3),
            (-1.0, 9.0, inf, 0.0),
        ],
    )
    def test_it_sleeps_until_the_first_of_all_that_is_due(
        self,
        setting: WorkerAtWork,
        monkeypatch: pytest.MonkeyPatch,
        next_look: float,
        next_due: float,
        next_try: float,
        seconds: float,
    ) -> None:
        trips = setting.worker.round_trips
        setting.worker.wakeup.listen(["mail"])
        monkeypatch.setattr(trips, "seconds_to_next_look", lambda: next_look)
        monkeypatch.setattr(setting.worker.selector, "seconds_to_next", lambda _: next_due)
        monkeypatch.setattr(trips.outages, "seconds_to_next_try", lambda: next_try)

        assert setting.worker.seconds_to_rest() == seconds

    def test_while_no_wakeup_can_be_waited_for_it_sleeps_until_the_next_try_to_listen(
        self, setting: WorkerAtWork, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(setting.worker.wakeup, "seconds_to_listen", lambda: 0.7)
        monkeypatch.setattr(setting.worker.round_trips, "seconds_to_next_look", lambda: inf)
        assert setting.worker.seconds_to_rest() == 0.7

        setting.run_jobs("a", "b")  # without a free slot it does not listen

        assert setting.worker.seconds_to_rest() == POLL_SECONDS

    def test_a_wakeup_with_a_free_slot_is_kept(self, setting: WorkerAtWork) -> None:
        setting.worker.wakeup.listen(["mail"])
        setting.world.enqueue("a")

        setting.worker.rest()

        assert setting.worker.round_trips.wakeups_to_pass_on == set()
        assert setting.worker.round_trips.has_work(1)

    def test_signals_wake_it_again_after_a_job_has_changed_that(
        self, setting: WorkerAtWork
    ) -> None:
        signal.set_wakeup_fd(-1)
        setting.worker.signals.notify()

        setting.worker.rest()

        assert signal.set_wakeup_fd(-1) != -1

    def test_the_heartbeat_looks_after_jobs_while_they_are_in_flight(
        self, setting: WorkerAtWork
    ) -> None:
        setting.executor.needs_watching = True
        [job] = setting.run_jobs("a")
        for busy in (True, False):
            setting.worker.signals.notify()
            setting.worker.rest()
            assert setting.worker.heartbeat.busy == busy
            setting.worker.in_flight.remove([job])
