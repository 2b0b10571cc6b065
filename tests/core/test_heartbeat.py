"""The keeper and what it tells the main thread, without any process."""

import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import pytest

from buoy.broker.broker import Broker
from buoy.errors import Unavailable
from buoy.executor.inline import Inline
from buoy.model.reservation import Reservation, RoundTripRequest, Settlement
from buoy.settings import Settings
from buoy.worker.heartbeat import Heartbeat
from buoy.worker.in_flight import InFlight, WorkerRegistration
from buoy.worker.queue_list import QueueList
from buoy.worker.worker import Worker
from tests.support.world import LEASE, World, done

SECONDS = LEASE / 1000


def keeper_of(
    broker: Broker,
    tell: Callable[[list[Reservation]], None] = lambda _: None,
    leave: Callable[[int], object] | None = None,
) -> Heartbeat:
    keeper = Heartbeat(
        broker, Inline(), InFlight(), WorkerRegistration("one", "mail", "inline", 1), tell, leave
    )
    keeper.queues = ("mail",)
    return keeper


@pytest.fixture
def lost(world: World) -> Reservation:
    """What a worker holds that has just died."""
    world.enqueue("a")
    return world.take_one(worker="dying")


def test_it_goes_on_whatever_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without this thread all leases would be lost, and nobody would know."""
    broker = Broker(Settings(url=world.broker.settings.url, lease=0.1))
    keeper = keeper_of(broker)
    rounds: list[int] = []

    def go_round() -> None:
        rounds.append(1)
        keeper.ending = len(rounds) == 3
        raise ValueError("the executor")

    monkeypatch.setattr(keeper, "go_round", go_round)
    keeper.run()

    assert len(rounds) == 3
    assert set(caplog.messages) == {"the keeper of the leases failed, and goes on"}


class TestBeats:
    @pytest.mark.parametrize(("lease", "soon"), [(30.0, 0.5), (5.0, 0.5), (1.0, 0.1)])
    def test_one_that_fails_is_tried_again_soon(self, lease: float, soon: float) -> None:
        nowhere = Broker(Settings(url="redis://127.0.0.1:1", lease=lease))
        assert keeper_of(nowhere).beat() == soon

    def test_each_third_of_a_lease_and_no_look_between(self, world: World) -> None:
        keeper = keeper_of(world.broker)
        assert keeper.beat() == SECONDS / 3
        assert (keeper.late, keeper.next_look) == ([], inf)

    def test_who_is_late_is_listened_for(self, world: World, lost: Reservation) -> None:
        keeper = keeper_of(world.broker)
        world.wait(LEASE)

        assert keeper.beat() == SECONDS / 3

        assert keeper.late == ["mail"]
        assert keeper.next_look == pytest.approx(time.monotonic() + SECONDS / 30, abs=0.5)

    def test_the_main_thread_hears_when_that_begins_and_ends(
        self, world: World, lost: Reservation
    ) -> None:
        told: list[object] = []
        keeper = keeper_of(world.broker, told.append)
        keeper.beat()
        world.wait(LEASE)
        for _ in range(3):
            keeper.listen({"mail": []})
        world.beat(lost)
        keeper.listen({"mail": []})
        assert told == [[], [], []]
        assert keeper.late == []

    def test_lost_jobs_are_awaited_for_two_leases_at_most(
        self, world: World, lost: Reservation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keeper = keeper_of(world.broker)
        assert keeper.awaits()
        keeper.beat()
        assert not keeper.awaits()
        world.wait(LEASE)
        keeper.beat()
        assert keeper.awaits()
        keeper.late_since -= 2 * SECONDS
        assert not keeper.awaits()

    def test_a_redis_that_is_away_is_not_awaited(self) -> None:
        keeper = keeper_of(Broker(Settings(url="redis://127.0.0.1:1")))
        keeper.beat()
        assert not keeper.awaits()

    def test_other_queues_are_looked_at_at_once(self, world: World, lost: Reservation) -> None:
        keeper = keeper_of(world.broker)
        keeper.queues = ()
        world.wait(LEASE)
        keeper.beat()
        assert keeper.late == []

        keeper.serve(("mail",))

        assert (keeper.awaits(), keeper.next_beat) == (True, 0.0)
        keeper.beat()
        assert keeper.late == ["mail"]


class TestSlowJobs:
    def test_what_is_given_back_behind_one_is_not_taken_for_lost(self, world: World) -> None:
        told: list[list[Reservation]] = []
        keeper = keeper_of(world.broker, told.append)
        world.enqueue("slow", "waits")
        slow, waits = world.take(2)
        keeper.hand.take([slow, waits])
        keeper.unsettled = [Settlement.of(waits, "released")]

        keeper.settle()
        keeper.beat()

        assert (world.queued, world.running) == (["waits"], ["slow"])
        assert told == [[]]
        assert keeper.hand.counts == {"released": 1}


class TestGrace:
    @pytest.mark.parametrize("own_process", [True, False])
    def test_only_a_process_of_its_own_is_ended(self, world: World, own_process: bool) -> None:
        codes: list[int] = []
        keeper = keeper_of(world.broker, leave=codes.append if own_process else None)
        world.enqueue("a")
        keeper.hand.take([world.take_one()])
        keeper.deadline = 0.0

        keeper.tend()
        keeper.tend()

        assert world.queued == ["a"]
        assert codes == [0] * own_process
        assert keeper.hand.counts == {"released": 1}


class Recorder(Inline):
    """Starts jobs and ends none."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str]] = []

    def start_jobs(self, reservations: Sequence[Reservation]) -> None:
        self.calls += [("start", each.token) for each in reservations]

    def abandon(self, lost: Sequence[Reservation]) -> None:
        self.calls += [("abandon", each.token) for each in lost]


class TestTheSameJobAgain:
    """A worker is given a job again that it has in hand, before it has heard of the loss."""

    @pytest.fixture
    def worker(self, world: World) -> Worker:
        return Worker(world.broker, Recorder(), QueueList.parse("mail"))

    def take(self, worker: Worker) -> Reservation:
        worker.refresh()
        taken: list[Reservation] = []
        while not taken:
            worker.outlook.rung("mail")
            taken = worker.trips.go(5)
        worker.begin(taken)
        [held] = taken
        return held

    def test_the_older_run_is_ended_before_the_newer_one_begins(
        self, world: World, worker: Worker
    ) -> None:
        with worker.wake:
            world.enqueue("a")
            old = self.take(worker)
            world.use_up()
            world.beat()
            new = self.take(worker)

            calls: Any = worker.executor
            assert calls.calls == [
                ("start", old.token),
                ("abandon", old.token),
                ("start", new.token),
            ]
            assert list(worker.hand.held) == [new.token]

    def test_the_keeper_that_hears_of_it_later_ends_the_older_run_only(
        self, world: World, worker: Worker
    ) -> None:
        with worker.wake:
            world.enqueue("a")
            old = self.take(worker)
            world.use_up()
            world.beat()
            new = world.take_one(worker=worker.id)
            worker.hand.take([new])

            assert worker.keeper.listen(worker.hand.by_queue(["mail"]))
            worker.collect()

            assert list(worker.hand.held) == [new.token]
            assert world.tokens == {"a": new.token}
            assert world.beat(new) == []
            assert world.broker.renew_leases({"mail": [old, new]}) == [old]

    def test_an_outcome_of_the_older_run_is_refused_and_told(
        self, world: World, worker: Worker, caplog: pytest.LogCaptureFixture
    ) -> None:
        with worker.wake:
            world.enqueue("a")
            old = self.take(worker)
            world.use_up()
            world.beat()
            new = world.take_one(worker=worker.id)
            worker.trips.settlements = [done(old), done(new)]

            worker.trips.go(0)

            said = f"outcome refused, the lease was lost: id=a queue=mail token={old.token}"
            assert caplog.messages == [said]
            assert worker.hand.counts == {}
            assert world.jobs == {}

    def test_what_was_settled_by_a_trip_without_an_answer_is_not_lost(
        self, world: World, worker: Worker, caplog: pytest.LogCaptureFixture
    ) -> None:
        with worker.wake:
            world.enqueue("a")
            held = self.take(worker)
            trip = RoundTripRequest("mail", 99, settlements=[done(held)])
            world.broker.advance_queue(worker.id, trip)
            worker.trips.miss(trip, Unavailable("the answer was lost", sent=True))

            worker.keeper.listen(worker.hand.by_queue(["mail"]))
            worker.collect()
            worker.trips.outages.clear()
            worker.trips.go(0)

            assert worker.hand.counts == {"done": 1}
            assert not any("lost the lease" in message for message in caplog.messages)
