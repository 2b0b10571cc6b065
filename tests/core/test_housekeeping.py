"""What the heartbeat does for an executor whose main thread is in a job."""

import time

import pytest

from buoy.model.reservation import Reservation, Settlement
from tests.support.fake_executor import FakeExecutor
from tests.support.heartbeat import heartbeat_of, nowhere
from tests.support.world import World, done


class TestSlowJobs:
    def test_what_is_overdue_is_settled_and_not_taken_for_lost(self, world: World) -> None:
        told: list[list[Reservation]] = []
        executor = FakeExecutor(in_process=True)
        heartbeat = heartbeat_of(world.broker, told.append, executor=executor)
        world.enqueue("ended", "slow", "waits")
        ended, slow, waits = world.take(3)
        heartbeat.in_flight.add([ended, slow, waits])
        executor.overdue = [done(ended), Settlement.of(waits, "released")]

        heartbeat.housekeep()
        heartbeat.beat()

        assert (world.queued, world.running) == (["waits"], ["slow"])
        assert told == [[]]
        assert heartbeat.in_flight.counts == {"done": 1, "released": 1}
        assert heartbeat.in_flight.all() == [slow]

    def test_what_redis_does_not_answer_is_settled_with_the_next_look(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        executor = FakeExecutor(in_process=True)
        heartbeat = heartbeat_of(nowhere(), executor=executor)
        world.enqueue("ended")
        job = world.take_one(worker="one")
        heartbeat.in_flight.add([job])
        executor.overdue = [done(job)]
        heartbeat.housekeep()
        assert heartbeat.unsettled == [done(job)]
        assert heartbeat.in_flight.all() == [job]

        monkeypatch.setattr(heartbeat, "broker", world.broker)
        heartbeat.housekeep()

        assert (heartbeat.unsettled, heartbeat.in_flight.all()) == ([], [])
        assert world.jobs == {}


class TestGrace:
    @pytest.mark.parametrize("own_process", [True, False])
    def test_only_a_process_of_its_own_is_ended(self, world: World, own_process: bool) -> None:
        codes: list[int] = []
        leave = codes.append if own_process else None
        heartbeat = heartbeat_of(world.broker, leave=leave, deadline=0.0)
        world.enqueue("a")
        heartbeat.in_flight.add([world.take_one()])

        heartbeat.housekeep()
        heartbeat.housekeep()

        assert world.queued == ["a"]
        assert codes == [0] * own_process
        assert heartbeat.in_flight.counts == {"released": 1}

    def test_jobs_are_put_back_in_their_order_but_for_those_that_have_ended(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        executor = FakeExecutor(in_process=True)
        heartbeat = heartbeat_of(world.broker, executor=executor, deadline=0.0)
        world.enqueue("a", "b", "c", "d")
        a, b, c, d = world.take(4)
        heartbeat.in_flight.add([a, b, c, d])
        executor.overdue, executor.finished = [done(a)], [done(c)]

        heartbeat.housekeep()

        assert world.queued == ["b", "d"]
        assert heartbeat.in_flight.counts == {"done": 2, "released": 2}
        assert caplog.messages == ["grace time over: 2 unfinished jobs are released"]

    def test_a_job_that_the_main_thread_has_yet_to_settle_is_not_put_back(
        self, world: World
    ) -> None:
        heartbeat = heartbeat_of(world.broker, deadline=0.0)
        world.enqueue("ended", "long")
        ended, long = world.take(2)
        heartbeat.in_flight.add([ended, long])
        assert heartbeat.in_flight.end([done(ended)]) == [done(ended)]

        heartbeat.housekeep()

        assert (world.queued, list(world.jobs)) == (["long"], ["long"])
        assert heartbeat.in_flight.counts == {"done": 1, "released": 1}

    @pytest.mark.parametrize(
        ("deadline", "in_process"),
        [(None, True), (-0.0, True), (-100.0, True), (-1000.0, False)],
        ids=["no deadline", "in the margin", "while jobs may end", "another process"],
    )
    def test_jobs_are_not_put_back_too_soon(
        self, world: World, deadline: float | None, in_process: bool
    ) -> None:
        executor = FakeExecutor(in_process=in_process)
        executor.shutdown_seconds = 500.0
        moment = None if deadline is None else time.monotonic() + deadline
        heartbeat = heartbeat_of(world.broker, executor=executor, deadline=moment)
        world.enqueue("a")
        heartbeat.in_flight.add([world.take_one()])

        heartbeat.housekeep()

        assert world.running == ["a"]

    @pytest.mark.parametrize(("seconds", "place"), [(5.05, "running"), (5.15, "queued")])
    def test_the_main_thread_has_a_moment_after_the_deadline_to_settle_itself(
        self, world: World, monkeypatch: pytest.MonkeyPatch, seconds: float, place: str
    ) -> None:
        executor = FakeExecutor(in_process=True)
        executor.shutdown_seconds = 5.0
        heartbeat = heartbeat_of(world.broker, executor=executor, deadline=1000.0)
        world.enqueue("a")
        heartbeat.in_flight.add([world.take_one()])

        monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + seconds)
        heartbeat.housekeep()

        assert {"running": world.running, "queued": world.queued}[place] == ["a"]

    def test_without_redis_the_process_is_ended_all_the_same(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        codes: list[int] = []
        heartbeat = heartbeat_of(nowhere(), leave=codes.append, deadline=0.0)
        world.enqueue("a")
        heartbeat.in_flight.add([world.take_one()])
        signed_off: list[bool] = []
        monkeypatch.setattr(heartbeat, "sign_off", lambda: signed_off.append(True))

        heartbeat.housekeep()

        assert (codes, signed_off) == ([0], [])
