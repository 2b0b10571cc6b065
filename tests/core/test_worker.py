"""The worker's main loop, with an executor of the test."""

import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from buoy.operations.control import Control
from buoy.worker.queue_selection import POLL_SECONDS
from buoy.worker.recycling import RecycleLimits
from buoy.worker.worker import Worker, format_counts
from tests.support.fake_executor import FakeExecutor
from tests.support.worker_at_work import MAIL, WorkerAtWork
from tests.support.world import World


@pytest.fixture
def setting(world: World) -> Iterator[WorkerAtWork]:
    setting = WorkerAtWork(world)
    with setting.worker.signals:
        yield setting
    setting.worker.wakeup.close()


def have_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker look at its queues by itself so seldom that it does not during a test."""
    monkeypatch.setattr("buoy.worker.worker.POLL_SECONDS", 600.0)


def at_the_end_of_a_burst(setting: WorkerAtWork, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """Returns the worker when it has found all queues empty, and awaits no lost jobs."""
    worker = setting.worker
    worker.burst = True
    have_time(monkeypatch)
    monkeypatch.setattr(worker.heartbeat, "expects_lost_jobs", lambda: False)
    worker.round_trips.run_once(1)
    assert worker.is_over()
    return worker


class TestSignals:
    def test_before_it_serves_a_stop_ends_the_process(self, world: World) -> None:
        worker = Worker(world.broker, FakeExecutor(), MAIL)
        with worker.signals, pytest.raises(SystemExit) as caught:
            signal.raise_signal(signal.SIGTERM)

        assert caught.value.code == 0

    def test_an_exit_that_was_swallowed_comes_with_the_next_pause(self, world: World) -> None:
        worker = Worker(world.broker, FakeExecutor(), MAIL)
        worker.lifecycle.receive(signal.SIGTERM)
        with worker.signals, pytest.raises(SystemExit):
            worker.rest_at_start(0.0)

    def test_a_stop_while_a_starting_worker_logs_is_obeyed(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Stopping(logging.Handler):
            """A signal comes while a line is written: the log does not let its SystemExit out."""

            def emit(self, record: logging.LogRecord) -> None:
                if "everything is paused" in record.getMessage():
                    signal.raise_signal(signal.SIGTERM)

        caplog.set_level("INFO", "buoy.worker")
        Control(world.broker).pause_all()
        worker = Worker(world.broker, FakeExecutor(), MAIL, burst=True)
        log, handler = logging.getLogger("buoy.worker"), Stopping()
        log.addHandler(handler)
        try:
            with pytest.raises(SystemExit) as caught:
                worker.run()
        finally:
            log.removeHandler(handler)

        assert caught.value.code == 0
        assert not worker.lifecycle.started

    def test_a_stop_has_the_executor_release_what_waits(self, setting: WorkerAtWork) -> None:
        setting.worker.on_signal(signal.SIGTERM)

        assert setting.executor.calls == ["begin_stop", "release_waiting"]
        assert setting.worker.jobs_wanted() == 0
        assert setting.worker.is_over()

    def test_what_comes_with_a_stop_is_put_back_in_its_order(self, setting: WorkerAtWork) -> None:
        setting.world.enqueue("a", "b", "c")
        taken = setting.take(2)
        setting.worker.on_signal(signal.SIGTERM)

        setting.worker.start_jobs(taken)
        assert not setting.worker.is_over()
        setting.worker.round_trips.run_once(0)

        assert setting.executor.running == []
        assert setting.world.running == []
        taken_again = setting.world.take(3)
        assert [each.id for each in taken_again] == ["a", "b", "c"]
        assert setting.worker.is_over()

    def test_a_kill_reaches_the_executor_once_and_not_in_the_handler(
        self, setting: WorkerAtWork
    ) -> None:
        setting.worker.on_signal(signal.SIGUSR1)
        assert setting.executor.calls == []

        setting.worker.collect()
        setting.worker.collect()

        assert setting.executor.calls == ["kill"]

    def test_after_the_grace_time_the_executor_ends_its_jobs_once(
        self, setting: WorkerAtWork
    ) -> None:
        setting.run_jobs("a")
        setting.worker.on_signal(signal.SIGTERM)
        assert setting.worker.seconds_to_rest() <= POLL_SECONDS
        setting.clock.now += 25.0
        assert setting.worker.seconds_to_rest() == 0.0
        setting.worker.collect()
        assert "terminate" not in setting.executor.calls
        setting.clock.now += 0.1

        setting.worker.collect()
        setting.worker.collect()

        assert setting.executor.calls[1:] == ["begin_stop", "release_waiting", "terminate"]
        assert not setting.worker.is_over()
        setting.clock.now += 10.0
        assert setting.worker.is_over()

    def test_a_paused_worker_takes_nothing_and_passes_wakeups_on(
        self, setting: WorkerAtWork, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        have_time(monkeypatch)
        worker = setting.worker
        worker.wakeup.listen(["mail"])
        worker.on_signal(signal.SIGUSR2)
        setting.world.enqueue("a")

        worker.rest()

        assert worker.jobs_wanted() == 0
        assert worker.round_trips.wakeups_to_pass_on == {"mail"}
        worker.round_trips.run_once(worker.jobs_wanted())
        assert setting.world.running == []
        assert setting.world.take_wakeup()
        worker.on_signal(signal.SIGCONT)
        assert worker.jobs_wanted() == 2

    def test_a_worker_shows_its_state(self, setting: WorkerAtWork) -> None:
        worker = setting.worker
        states = []
        for number in (signal.SIGUSR2, signal.SIGCONT, signal.SIGTERM):
            worker.on_signal(number)
            worker.registration.publish()
            states += [view.state for view in setting.world.monitor.workers()]

        assert states == ["paused", "running", "stopping"]


class TestJobs:
    def test_a_job_is_reserved_run_and_settled(self, setting: WorkerAtWork) -> None:
        [job] = setting.run_jobs("a")
        assert setting.executor.running == [job]
        assert setting.world.running == ["a"]
        assert setting.worker.jobs_wanted() == 1

        setting.executor.finish(job)
        setting.worker.collect()
        setting.worker.round_trips.run_once(0)

        assert setting.worker.in_flight.counts == {"done": 1}
        assert setting.world.jobs == {}

    def test_a_job_whose_lease_is_lost_is_ended_and_not_settled(
        self, setting: WorkerAtWork, caplog: pytest.LogCaptureFixture
    ) -> None:
        a, b = setting.run_jobs("a", "b")
        thread = threading.Thread(target=setting.worker.on_leases_changed, args=([a],))
        thread.start()
        thread.join()

        setting.worker.rest()  # it is woken
        setting.executor.finished = []
        setting.worker.collect()

        assert caplog.messages == [
            f"lost the lease of id=a queue=mail token={a.token}: the job was cancelled, or this "
            "worker was not heard for a whole lease"
        ]
        told = {"job_id": "a", "queue": "mail", "state": "lost"}
        assert told.items() <= vars(caplog.records[0]).items()
        assert setting.executor.calls[2:] == [f"abandon {a.token}"]
        assert setting.worker.in_flight.all() == [b]

    def test_a_job_that_has_ended_before_its_lease_was_lost_is_not_settled(
        self, setting: WorkerAtWork
    ) -> None:
        [job] = setting.run_jobs("a")
        setting.executor.finish(job)
        setting.worker.collect()

        setting.worker.on_leases_changed([job])
        setting.worker.collect()

        assert not setting.worker.round_trips.must_finish

    def test_the_heartbeat_looks_after_the_queues_that_are_served(
        self, setting: WorkerAtWork
    ) -> None:
        assert setting.worker.heartbeat.queues == setting.worker.selector.queues == ("mail",)

    def test_a_worker_is_recycled_when_it_has_run_enough_jobs(
        self, setting: WorkerAtWork, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        setting.worker.recycle_limits = RecycleLimits(max_jobs=1)
        [job] = setting.run_jobs("a")
        assert setting.worker.jobs_wanted() == 0
        setting.executor.finish(job)
        setting.worker.collect()
        setting.worker.round_trips.run_once(0)

        setting.worker.recycle_if_due()
        setting.worker.recycle_if_due()

        reason = "1 jobs are done (--max-jobs 1)"
        assert caplog.messages == [f"worker {setting.worker.id} stops: {reason}"]
        assert setting.executor.calls[1:] == ["begin_stop", "release_waiting"]
        assert setting.worker.is_over()
        assert not setting.worker.lifecycle.told_to_stop

    def test_a_paused_worker_is_not_recycled_before_it_is_resumed(
        self, setting: WorkerAtWork
    ) -> None:
        setting.worker.recycle_limits = RecycleLimits(max_jobs=0)
        setting.worker.on_signal(signal.SIGUSR2)
        setting.worker.recycle_if_due()
        assert not setting.worker.lifecycle.stopping

        setting.worker.on_signal(signal.SIGCONT)
        setting.worker.recycle_if_due()

        assert setting.worker.is_over()


class TestStartAndEnd:
    def test_the_supervisor_hears_when_it_serves(self, world: World) -> None:
        reader, writer = os.pipe()
        worker = Worker(world.broker, FakeExecutor(), MAIL, supervisor=writer)

        worker.start_serving()

        assert os.read(reader, 10) == b"\0"
        assert os.read(reader, 10) == b""  # it was closed
        os.close(reader)
        assert worker.lifecycle.supervised
        worker.signals.close()

    def test_with_burst_it_ends_when_nothing_is_left(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        worker = Worker(world.broker, FakeExecutor(), MAIL, burst=True)

        worker.run()

        begin, end = (each for each in caplog.messages if each.startswith(f"worker {worker.id}"))
        assert begin == f"worker {worker.id} serves mail with fake"
        assert end == f"worker {worker.id} ends: no jobs"
        assert world.monitor.workers() == []

    def test_with_burst_it_waits_for_lost_jobs_and_then_looks_once_more(
        self, setting: WorkerAtWork, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker = setting.worker
        worker.burst = True
        have_time(monkeypatch)
        worker.round_trips.run_once(1)
        expected = [True, False, False]
        monkeypatch.setattr(worker.heartbeat, "expects_lost_jobs", lambda: expected.pop(0))

        assert [worker.is_over(), worker.is_over()] == [False, False]
        assert worker.round_trips.has_work(1)
        worker.round_trips.run_once(1)
        assert worker.is_over()

    def test_with_burst_it_looks_at_all_queues_after_its_last_job(
        self, setting: WorkerAtWork, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The job may have enqueued others, in queues that were empty a moment ago."""
        worker = at_the_end_of_a_burst(setting, monkeypatch)
        worker.job_ended_at = worker.selector.clock()

        assert not worker.is_over()
        assert worker.round_trips.has_work(1)
        worker.round_trips.run_once(1)
        assert worker.is_over()

    def test_with_burst_it_looks_once_more_when_its_heartbeat_has_handed_jobs_over(
        self, setting: WorkerAtWork, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They may have gone to a queue that was empty a moment ago."""
        worker = at_the_end_of_a_burst(setting, monkeypatch)
        worker.heartbeat.hand_over("mail")

        assert not worker.is_over()
        assert worker.round_trips.has_work(1)
        worker.round_trips.run_once(1)
        assert worker.is_over()
        worker.heartbeat.handing_over = True
        assert not worker.is_over()

    def test_it_notes_when_it_has_last_collected_a_job(self, setting: WorkerAtWork) -> None:
        [taken] = setting.run_jobs("a")
        assert setting.worker.selector.has_seen_all_since(setting.worker.job_ended_at)

        setting.executor.finish(taken)
        setting.worker.collect()

        assert not setting.worker.selector.has_seen_all_since(setting.worker.job_ended_at)

    def test_a_hook_that_fails_at_the_end_is_logged_and_the_rest_is_closed(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        executor = FakeExecutor()
        executor.close_error = ValueError("the hook")
        worker = Worker(world.broker, executor, MAIL, burst=True)

        worker.run()

        assert caplog.messages == ["the app's hook worker_stopping failed"]
        assert not worker.heartbeat.is_alive()

    def test_counts_are_formatted_in_order(self) -> None:
        assert format_counts(Counter(failed=1, done=12)) == "12 done, 1 failed"
        assert format_counts(Counter()) == "no jobs"
