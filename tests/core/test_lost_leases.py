"""A worker is given a job again that it has in flight, before it has heard of the lost lease."""

from typing import Any

import pytest

from buoy.errors import Unavailable
from buoy.model.queue_list import QueueList
from buoy.model.reservation import Reservation, RoundTripRequest
from buoy.worker.worker import Worker
from tests.support.fake_executor import FakeExecutor
from tests.support.world import World, done


class TestTheSameJobAgain:
    @pytest.fixture
    def worker(self, world: World) -> Worker:
        return Worker(world.broker, FakeExecutor(), QueueList.parse("mail"))

    def take(self, worker: Worker) -> Reservation:
        worker.served_queues.refresh()
        taken: list[Reservation] = []
        while not taken:
            worker.selector.expect_jobs("mail")
            taken = worker.round_trips.run_once(5)
        worker.start_jobs(taken)
        [job] = taken
        return job

    def test_the_older_run_is_ended_before_the_newer_one_begins(
        self, world: World, worker: Worker
    ) -> None:
        with worker.signals:
            world.enqueue("a")
            old = self.take(worker)
            world.use_up()
            world.beat()
            new = self.take(worker)

            executor: Any = worker.executor
            assert executor.calls == [
                f"start {old.token}",
                f"abandon {old.token}",
                f"start {new.token}",
            ]
            assert list(worker.in_flight.reservations) == [new.token]

    def test_a_heartbeat_that_hears_of_it_later_ends_the_older_run_only(
        self, world: World, worker: Worker
    ) -> None:
        with worker.signals:
            world.enqueue("a")
            old = self.take(worker)
            world.use_up()
            world.beat()
            new = world.take_one(worker=worker.id)
            worker.in_flight.add([new])

            assert worker.heartbeat.renew(worker.in_flight.by_queue(["mail"]))
            worker.collect()

            assert list(worker.in_flight.reservations) == [new.token]
            assert world.tokens == {"a": new.token}
            assert world.beat(new) == []
            assert world.broker.renew_leases({"mail": [old, new]}) == [old]

    def test_an_outcome_of_the_older_run_is_refused_and_logged(
        self, world: World, worker: Worker, caplog: pytest.LogCaptureFixture
    ) -> None:
        with worker.signals:
            world.enqueue("a")
            old = self.take(worker)
            world.use_up()
            world.beat()
            new = world.take_one(worker=worker.id)
            worker.round_trips.settlements = [done(old), done(new)]

            worker.round_trips.run_once(0)

            message = f"outcome refused, the lease was lost: id=a queue=mail token={old.token}"
            assert caplog.messages == [message]
            assert worker.in_flight.counts == {}
            assert world.jobs == {}

    def test_a_job_whose_settlement_was_not_answered_is_not_taken_for_lost(
        self, world: World, worker: Worker, caplog: pytest.LogCaptureFixture
    ) -> None:
        with worker.signals:
            world.enqueue("a")
            job = self.take(worker)
            request = RoundTripRequest("mail", 99, settlements=[done(job)])
            world.broker.advance_queue(worker.id, request)
            worker.round_trips.keep_for_retry(
                request, Unavailable("the answer was lost", sent=True)
            )

            worker.heartbeat.renew(worker.in_flight.by_queue(["mail"]))
            worker.collect()
            worker.round_trips.outages.backoffs.clear()
            worker.round_trips.run_once(0)

            assert worker.in_flight.counts == {"done": 1}
            assert not any("lost the lease" in message for message in caplog.messages)
