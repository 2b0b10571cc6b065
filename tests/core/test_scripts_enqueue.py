"""lua/enqueue.lua, on one server and on a cluster."""

import time

from buoy.model.entry import Entry
from tests.support.world import World, done, payload_of


class TestEnqueue:
    def test_a_job_waits_at_the_tail_of_its_queue(self, any_world: World) -> None:
        world = any_world

        assert world.enqueue("a") == ["queued"]
        assert world.enqueue("b", "c") == ["queued", "queued"]

        assert world.queued == ["a", "b", "c"]
        assert world.jobs == {id: payload_of(id).decode() for id in "abc"}

    def test_a_job_with_a_delay_waits_until_it_is_due(self, any_world: World) -> None:
        world = any_world

        assert world.enqueue("a", due="+60000") == ["delayed"]
        assert world.delayed == ["a"]
        assert world.take() == []

        world.wait(60_001)
        assert [held.id for held in world.take()] == ["a"]

    def test_a_job_with_a_due_time_waits_for_the_clock_of_redis(self, any_world: World) -> None:
        world = any_world
        now = world.trip().now * 1000

        assert world.enqueue("a", due=str(round(now + 5000))) == ["delayed"]
        assert world.enqueue("b", due=str(round(now - 5000))) == ["queued"]

        assert world.delayed == ["a"]
        assert world.queued == ["b"]

    def test_many_jobs_keep_their_order(self, any_world: World) -> None:
        ids = [f"{number:05}" for number in range(2500)]

        assert any_world.enqueue(*ids) == ["queued"] * 2500

        assert any_world.queued == ids


class TestKnownIds:
    def test_an_id_is_stored_once(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", payload=b"first")

        assert world.enqueue("a", payload=b"second") == ["exists"]

        assert world.queued == ["a"]
        assert world.jobs == {"a": "first"}

    def test_an_id_is_stored_once_from_one_call_too(self, any_world: World) -> None:
        assert any_world.enqueue("a", "a") == ["queued", "exists"]

        assert any_world.queued == ["a"]

    def test_an_id_is_known_while_it_runs_is_delayed_or_has_failed(self, any_world: World) -> None:
        world = any_world
        world.enqueue("running", "failed")
        world.take()
        world.settle(world.take_one(), "failed")
        world.enqueue("delayed", due="+5000")

        assert world.enqueue("running", "failed", "delayed") == ["exists"] * 3

    def test_an_id_is_known_for_two_minutes_after_its_end(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.settle(world.take_one(), "done")

        world.wait(105_000)
        world.trip()
        assert world.enqueue("a") == ["ended"]
        assert world.enqueue("a", due="+5000") == ["ended"]

        world.wait(16_000)
        world.trip()
        assert world.enqueue("a") == ["queued"]

    def test_a_hundred_thousand_ended_ids_are_known_and_no_more(self, world: World) -> None:
        now = round(world.trip().now * 1000)
        words = [word for number in range(100_000) for word in (now - 1000, f"old-{number:06}")]
        world.call("ZADD", "ended", *words)
        world.enqueue("a", "b")
        first, second = world.take(2)

        world.trip(0, done(first), done(second))

        assert world.call("ZCARD", "ended") == 100_000
        assert world.enqueue("a", "b", "old-000000") == ["ended", "ended", "queued"]


class TestClaims:
    def test_a_claim_keeps_others_out_and_tells_the_holder(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", claims=[("loner:42", "finished")])

        assert world.enqueue("b", claims=[("loner:42", "finished")]) == ["exists a"]

        assert world.queued == ["a"]
        assert list(world.jobs) == ["a"]
        assert world.claims == {"loner:42": "a"}

    def test_the_first_of_one_call_holds_the_claim(self, any_world: World) -> None:
        assert any_world.enqueue("a", "b", claims=[("k", "finished")]) == ["queued", "exists a"]

    def test_a_job_that_is_kept_out_by_one_claim_takes_none(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", claims=[("one", "finished")])

        world.enqueue("b", claims=[("two", "finished"), ("one", "started")])

        assert world.claims == {"one": "a"}

    def test_a_claim_is_free_when_its_job_has_ended_in_any_way(self, any_world: World) -> None:
        world = any_world
        for outcome in ("done", "failed", "rejected"):
            world.enqueue(outcome, claims=[("k", "finished"), ("s", "started")])
            assert world.claims == {"k": outcome, "s": outcome}

            world.settle(world.take_one(), outcome)

            assert world.claims == {}

    def test_a_claim_is_held_while_its_job_will_run_again(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", claims=[("k", "finished")])
        for outcome in ("released", "crashed", "delayed"):
            world.settle(world.take_one(), outcome, wait=0.0)
            assert world.claims == {"k": "a"}

    def test_a_claim_until_started_is_free_once_the_job_is_reserved(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", claims=[("s", "started"), ("k", "finished")])

        held = world.take_one()
        assert world.claims == {"k": "a"}
        assert world.enqueue("b", claims=[("s", "started")]) == ["queued"]

        world.settle(held, "done")
        assert world.claims == {"s": "b"}

    def test_a_claim_ends_with_a_job_whose_payload_is_gone(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", claims=[("k", "finished")])
        world.call("HDEL", "jobs", "a")

        assert world.take() == []

        assert world.enqueue("b", claims=[("k", "finished")]) == ["queued"]


class TestNumbers:
    def test_a_number_must_be_newer(self, any_world: World) -> None:
        world = any_world

        assert world.enqueue("a", newer=[("tick", 7)]) == ["queued"]
        assert world.enqueue("b", newer=[("tick", 7)]) == ["older tick"]
        assert world.enqueue("c", newer=[("tick", 6)]) == ["older tick"]
        assert world.enqueue("d", newer=[("tick", 8)]) == ["queued"]

        assert world.queued == ["a", "d"]

    def test_a_job_that_is_kept_out_leaves_the_number_as_it_was(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", claims=[("k", "finished")])

        world.enqueue("b", claims=[("k", "finished")], newer=[("tick", 7)])

        assert world.enqueue("c", newer=[("tick", 7)]) == ["queued"]


class TestMaxLength:
    def test_a_full_queue_takes_no_more(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.enqueue("b", due="+5000")

        assert world.enqueue("c", "d", max_length=3) == ["queued", "full 3"]
        assert world.enqueue("e", due="+5000", max_length=3) == ["full 3"]

        assert sorted(world.jobs) == ["a", "b", "c"]

    def test_running_and_failed_jobs_do_not_fill_a_queue(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        world.take()
        world.settle(world.take_one(), "failed")

        assert world.enqueue("c", max_length=1) == ["queued"]

    def test_a_known_id_is_known_in_a_full_queue_too(self, any_world: World) -> None:
        any_world.enqueue("a")

        assert any_world.enqueue("a", max_length=1) == ["exists"]


class TestAttachedCommands:
    def test_a_command_is_applied_with_the_enqueueing(self, any_world: World) -> None:
        world = any_world

        world.enqueue("a", then=[("SET", "status:a", "queued"), ("RPUSH", "log", "a", 1, 2.5)])

        assert world.call("GET", "status:a") == b"queued"
        assert world.call("LRANGE", "log", 0, -1) == [b"a", b"1", b"2.5"]

    def test_each_job_of_one_call_has_its_own_commands(self, any_world: World) -> None:
        any_world.enqueue("a", "b", then=[("INCR", "count")])

        assert any_world.call("GET", "count") == b"2"

    def test_a_job_that_is_kept_out_applies_nothing(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")

        world.enqueue("a", then=[("SET", "status:a", "queued")])

        assert world.call("EXISTS", "status:a") == 0

    def test_a_refused_command_does_not_stop_the_enqueueing(self, any_world: World) -> None:
        world = any_world
        commands = [("INCR", "jobs"), ("NOSUCHCOMMAND", "x"), ("SET", "status:a", "queued")]

        assert world.enqueue("a", then=commands) == ["queued"]

        assert world.queued == ["a"]
        assert world.call("GET", "status:a") == b"queued"


class TestBell:
    def test_enqueueing_rings_once(self, any_world: World) -> None:
        any_world.enqueue("a")
        any_world.enqueue("b", "c")

        assert any_world.take_wakeup()
        assert not any_world.take_wakeup()

    def test_a_nearer_due_time_rings(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", due="+50000")
        assert world.take_wakeup()

        world.enqueue("b", due="+60000")
        assert not world.take_wakeup()

        world.enqueue("c", due="+10000")
        assert world.take_wakeup()

    def test_what_is_kept_out_does_not_ring(self, any_world: World) -> None:
        any_world.enqueue("a")
        any_world.take_wakeup()

        any_world.enqueue("a")

        assert not any_world.take_wakeup()


class TestWakeupByNewJobs:
    def push(self, world: World, number: int = 1) -> None:
        world.broker.enqueue_new(
            "mail",
            [Entry(f"{time.monotonic_ns()}-{n}", payload_of("a"), "Job") for n in range(number)],
        )

    def test_each_new_job_wakes_a_worker_while_few_wait(self, any_world: World) -> None:
        for _ in range(16):
            self.push(any_world)
            assert any_world.take_wakeup()

    def test_a_wakeup_that_was_lost_comes_again_within_16_jobs(self, any_world: World) -> None:
        self.push(any_world, 100)
        assert any_world.take_wakeup()

        pushed = 0
        while not any_world.take_wakeup():
            self.push(any_world)
            pushed += 1

        assert 1 <= pushed <= 16

    def test_many_jobs_at_once_wake_a_worker(self, any_world: World) -> None:
        self.push(any_world, 17)
        any_world.take_wakeup()
        self.push(any_world, 16)

        assert any_world.take_wakeup()
