"""lua/heal.lua, as advance and beat include it: lost leases, silences, jumps of the clock."""

import pytest

from buoy.broker.broker import Broker
from buoy.settings import Settings
from tests.support.world import HEALING, LEASE, RECOVERY, VISITS, World

HOUR = 3_600_000


class TestLostLease:
    def test_a_beat_keeps_a_lease(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()

        for _ in range(12):
            world.wait(LEASE // 3)
            assert world.beat(held) == []

        assert world.tokens == {"a": held.token}

    def test_a_dead_workers_job_is_back_within_four_thirds_of_a_lease(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a")
        world.beat()
        world.take_one()

        world.live_on(LEASE * 4 // 3)

        assert world.queued == ["a"]
        assert (world.running, world.tokens) == ([], {})

    def test_lost_jobs_are_back_before_all_others_and_in_order(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b", "c", "d")
        for _ in range(3):
            world.take_one()
            world.wait(10)

        world.live_on(LEASE * 4 // 3)

        assert world.queued == ["a", "b", "c", "d"]

    @pytest.mark.parametrize("pause", [LEASE * 2 // 3, LEASE, LEASE * 3 // 2, 10 * LEASE])
    def test_a_lost_job_is_back_also_where_workers_only_come_and_go(
        self, any_world: World, pause: int
    ) -> None:
        world = any_world
        world.enqueue("a")
        world.take_one()

        for _ in range(1 + VISITS):
            world.wait(pause)
            world.trip(0, worker="short-lived")

        assert world.queued == ["a"]

    def test_a_beat_that_comes_too_late_is_told(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        first, second = world.take(2)
        world.live_on(LEASE * 2 // 3)
        world.beat(second)
        world.live_on(LEASE * 2 // 3)

        assert world.beat(first, second) == ["a"]

    def test_a_beat_rings_for_what_it_makes_ready(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.enqueue("b", due="+5000")
        world.take_one()
        world.live_on(LEASE * 2 // 3)
        assert world.take_wakeup()

        world.live_on(LEASE * 2 // 3)

        assert world.take_wakeup()
        world.beat()
        assert not world.take_wakeup()

    def test_a_hundred_jobs_are_put_back_at_a_time(self, any_world: World) -> None:
        world = any_world
        world.enqueue(*[f"{number:03}" for number in range(250)])
        world.take(250)
        world.use_up()

        for left in (150, 50, 0):
            world.beat()
            assert len(world.running) == left

        assert sorted(world.queued) == [f"{number:03}" for number in range(250)]

    def test_a_hundred_jobs_become_due_at_a_time(self, any_world: World) -> None:
        world = any_world
        world.enqueue(*[f"{number:03}" for number in range(250)], due="+1000")
        world.wait(1001)

        for left in (150, 50, 0):
            answer = world.trip(0)
            assert len(world.delayed) == left
            assert (answer.status[1] is None) == (left == 0)

        assert world.queued == [f"{number:03}" for number in range(250)]

    def test_twenty_workers_put_a_job_back_once(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.take_one()
        world.use_up()

        for number in range(20):
            world.trip(0, worker=f"worker-{number}")

        assert world.queued == ["a"]
        assert world.take_one().lost == 1


class TestSilence:
    @pytest.mark.parametrize("outage", [LEASE, 2 * LEASE, HOUR, 1000 * HOUR])
    def test_an_outage_of_any_length_steals_no_job(self, any_world: World, outage: int) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()
        world.wait(LEASE // 3)
        world.beat(held)

        world.wait(outage)
        world.trip(0, worker="two")
        world.wait(LEASE - HEALING)
        world.trip(0, worker="two")

        assert world.beat(held) == []
        assert world.tokens == {"a": held.token}

    def test_after_an_outage_a_dead_workers_job_is_back_within_two_leases(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a")
        world.take_one()
        world.wait(HOUR)

        world.live_on(2 * LEASE)

        assert world.queued == ["a"]

    def test_after_a_silence_those_that_are_late_are_listened_for(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.take_one(worker="dying")
        world.wait(HOUR)

        world.beat()
        assert world.late

        world.live_on(LEASE // 2)
        assert [held.id for held in world.take(worker="burst")] == ["a"]
        world.beat()
        assert not world.late

    def test_the_first_look_at_a_queue_is_one_after_a_silence(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()

        assert world.beat(held) == []
        assert world.queued == []

    @pytest.mark.parametrize("outage", [LEASE // 9, LEASE * 2 // 5, LEASE * 13 // 10])
    def test_outages_that_follow_each_other_steal_no_job(
        self, any_world: World, outage: int
    ) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()
        world.beat(held)

        for _ in range(VISITS * 9 // 10):
            world.wait(outage)
            world.trip(0, worker="two")

        assert world.beat(held) == []

    def test_time_counts_while_somebody_looks_closely(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.take_one()
        world.wait(LEASE)

        world.beat()
        for _ in range(10):
            world.wait(LEASE // 30)
            world.beat()
        assert world.running == ["a"]
        for _ in range(6):
            world.wait(LEASE // 30)
            world.beat()

        assert world.queued == ["a"]

    def test_who_beats_is_never_late(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()
        for pause in (LEASE // 3, LEASE, LEASE // 3):
            world.wait(pause)
            world.beat(held)
            assert not world.late


class TestClock:
    def test_a_clock_that_jumps_ahead_steals_no_job(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()
        world.live_on(0)

        world.wait(HOUR)
        world.trip(0, worker="two")

        assert world.beat(held) == []
        assert world.tokens == {"a": held.token}

    def test_a_clock_that_jumps_back_steals_no_job(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()

        world.wait(-HOUR)
        world.trip(0, worker="two")

        assert world.beat(held) == []
        assert world.tokens == {"a": held.token}

    def test_after_a_jump_back_a_dead_workers_job_is_back_within_two_leases(
        self, any_world: World
    ) -> None:
        world = any_world
        world.wait(HOUR)
        world.enqueue("a")
        world.take_one()

        world.wait(-HOUR)
        world.beat()
        world.live_on(2 * LEASE)

        assert world.queued == ["a"]

    @pytest.mark.parametrize("jump", [LEASE // 3, LEASE * 4 // 5, 2 * LEASE, HOUR])
    def test_jumps_that_follow_each_other_steal_no_job(self, any_world: World, jump: int) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()
        world.live_on(0)

        for way in (1, 1, -1, -1, -1, 1, 1, 1, 1):
            world.wait(way * jump)
            world.trip(0, worker="two")
            world.wait(300)
            world.trip(0, worker="two")

        assert world.beat(held) == []

    def test_a_jump_back_does_not_make_leases_longer(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        world.take_one()
        world.beat()
        world.wait(-HOUR)
        held = world.take_one(worker="two")  # the first look after the jump

        assert world.left() <= LEASE
        for _ in range(3):
            world.wait(-HOUR)
            world.beat(held)
            assert world.left() <= LEASE
        world.live_on(RECOVERY)

        assert world.queued == ["a", "b"]


class TestSideBySide:
    def test_workers_with_other_leases_are_heard_by_theirs(self, world: World) -> None:
        short = World(Broker(Settings(url=world.broker.settings.url, lease=5.0)), world.nodes)
        world.enqueue("a", "b")
        mine = world.take_one()
        its = short.take_one(worker="two")

        for jump in (60_000, 60_000, -HOUR, 60_000):
            for each in (world, short):
                each.wait(jump)
            short.trip(0, worker="two")
            world.trip(0, worker="one")
            assert short.beat(its) == []
            for each in (world, short):
                each.wait(300)
            short.trip(0, worker="two")
            assert world.beat(mine) == []

    def test_while_an_older_version_listens_nothing_is_taken(self, world: World) -> None:
        world.enqueue("a")
        world.take_one()
        world.use_up()
        world.call("HSET", "meta", "grace", world.now() + LEASE - 1000, "since", world.now())

        world.beat()
        assert world.running == ["a"]
        for _ in range(30):
            world.wait(1000)
            world.beat()

        assert world.queued == ["a"]

    def test_a_grace_of_an_older_version_that_lies_too_far_ahead_is_ignored(
        self, world: World
    ) -> None:
        world.enqueue("a")
        world.take_one()
        world.use_up()
        world.call("HSET", "meta", "grace", world.now() + HOUR)

        world.beat()

        assert world.queued == ["a"]


class TestPoison:
    def test_a_job_that_lost_a_lease_may_run_with_others(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.lose("a", times=1)
        world.enqueue("b")

        assert [(held.id, held.lost) for held in world.take(2)] == [("a", 1), ("b", 0)]

    def test_a_job_that_lost_two_leases_is_taken_alone(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.lose("a", times=2)
        world.enqueue("b")

        answer = world.trip(2)

        assert [(held.id, held.lost) for held in answer.reservations] == [("a", 2)]
        assert answer.state == "alone"
        assert world.queued == ["b"]

    def test_a_job_that_lost_two_leases_is_not_taken_by_a_busy_worker(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a")
        world.lose("a", times=2)
        world.take_wakeup()

        answer = world.trip(2, hands=1)

        assert (answer.reservations, answer.state) == ([], "alone")
        assert world.queued == ["a"]
        assert world.take_wakeup()

    def test_jobs_before_one_that_lost_two_leases_are_taken_without_it(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a")
        world.lose("a", times=2)
        world.enqueue("b", "c")
        world.call("LPUSH", "queued", world.call("RPOP", "queued"))

        answer = world.trip(3)

        assert [held.id for held in answer.reservations] == ["c"]
        assert world.queued == ["a", "b"]

    def test_a_job_is_given_up_when_it_has_lost_more_leases_than_allowed(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a", claims=[("k", "finished")])

        world.lose("a", times=3)
        assert not world.take_one().crash_limit_reached

        world.live_on(RECOVERY)
        held = world.take_one()
        assert (held.lost, held.crash_limit_reached) == (4, True)
        assert world.claims == {"k": "a"}

    def test_with_no_crash_allowed_one_lost_lease_gives_a_job_up(self, world: World) -> None:
        settings = Settings(url=world.broker.settings.url, max_crashes=0)
        world.broker = Broker(settings)
        world.enqueue("a")

        world.lose("a", times=1)

        assert world.take_one().crash_limit_reached
