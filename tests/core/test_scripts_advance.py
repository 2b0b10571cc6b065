"""lua/advance.lua and lua/settle.lua, on one server and on a cluster."""

import re

import pytest

from buoy.model.reservation import OutcomeWord, Reservation, Settlement, since_in
from tests.support.snapshot import check_whole
from tests.support.world import LEASE, RECOVERY, World, done, payload_of


class TestReserve:
    def test_jobs_are_reserved_in_their_order(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b", "c")

        assert [held.id for held in world.take(2)] == ["a", "b"]

        assert world.queued == ["c"]
        assert sorted(world.running) == ["a", "b"]

    def test_a_reservation_says_what_it_holds(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")

        [held] = world.take(5)

        assert held.queue == "mail"
        assert held.payload == payload_of("a").decode()
        assert held.worker == "one"
        assert held.lost == 0
        assert not held.crash_limit_reached
        assert world.tokens == {"a": held.token}

    def test_each_token_of_a_queue_is_greater_than_those_before(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b", "c")

        tokens = [held.token for held in world.take(2) + world.take(1, worker="two")]

        at = world.now()
        plain = [re.sub("@[0-9]+", "", token) for token in tokens]
        assert plain == ["1:one:1", "2:one:1", "3:two:2"]
        since = [round((since_in(token) or 0) * 1000) for token in tokens]
        assert all(at - 60_000 <= each <= at for each in since)

    def test_bytes_that_are_no_text_come_back_as_they_were(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", payload=b"\xff\x00\xc3")

        held = world.take_one()
        world.settle(held, "failed")

        assert world.call("HGET", "jobs", "a") == b"\xff\x00\xc3"

    def test_an_id_without_a_payload_is_skipped(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        world.call("HDEL", "jobs", "a")

        assert [held.id for held in world.take(2)] == ["b"]

        assert world.running == ["b"]

    def test_a_thousand_jobs_are_reserved_and_settled_at_once(self, any_world: World) -> None:
        world = any_world
        world.enqueue(*[f"{number:04}" for number in range(1000)])

        held = world.take(1000)
        world.trip(0, *map(done, held))

        assert len(held) == 1000
        assert (world.jobs, world.running, world.tokens) == ({}, [], {})

    def test_the_answer_tells_what_is_left(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b", "c")
        world.enqueue("d", due="+500000")

        answer = world.trip(2)

        length, due = answer.status
        assert length == 1
        assert due is not None
        assert 400 < due - answer.now <= 500.001

    def test_a_paused_queue_gives_nothing(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.control.pause("mail")

        answer = world.trip(1)

        assert (answer.reservations, answer.state, answer.status) == ([], "paused", (0, None))
        assert world.queued == ["a"]

    def test_a_paused_queue_lets_settle(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()
        world.control.pause("mail")

        assert world.settle(held, "done") == []

        assert world.jobs == {}


class TestLostReply:
    def test_a_repeated_advance_hands_over_the_same_jobs(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b", "c")
        lost = world.trip(2, number=7)

        again = world.trip(2, number=7, again=True)

        assert tokens(again.reservations) == tokens(lost.reservations)
        assert [held.lost for held in again.reservations] == [0, 0]
        assert world.queued == ["c"]

    def test_a_repeated_advance_gives_a_whole_lease(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.trip(1, number=7)
        world.live_on(LEASE - 5000)

        [held] = world.trip(1, number=7, again=True).reservations
        world.live_on(LEASE - 5000)

        assert world.tokens == {"a": held.token}

    def test_a_repeated_advance_whose_first_was_not_executed_reserves(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a")

        assert len(world.trip(1, number=7, again=True).reservations) == 1

    def test_jobs_of_other_calls_and_other_workers_are_not_handed_over(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a", "b", "c")
        world.trip(1, number=1)
        world.trip(1, number=11)
        world.trip(1, number=1, worker="three")

        again = world.trip(5, number=1, again=True)

        assert [held.id for held in again.reservations] == ["a"]

    def test_what_was_settled_by_the_lost_call_is_not_settled_twice(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        held = world.take_one()
        world.trip(1, done(held), number=7)

        again = world.trip(1, done(held), number=7, again=True)

        assert again.refused == []
        assert [each.id for each in again.reservations] == ["b"]
        assert world.meta["done"] == "1"

    def test_a_repeated_advance_of_a_paused_queue_hands_over_what_is_leased(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a", "b")
        world.trip(1, number=7)
        world.control.pause("mail")

        again = world.trip(1, number=7, again=True)

        assert [held.id for held in again.reservations] == ["a"]


class TestSettle:
    def test_a_job_that_is_done_leaves_nothing(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", claims=[("k", "finished")])

        assert world.settle(world.take_one(), "done") == []

        assert (world.jobs, world.tokens, world.running, world.queued) == ({}, {}, [], [])
        assert (world.claims, world.call("EXISTS", "crashes")) == ({}, 0)
        assert world.meta["done"] == "1"

    def test_a_job_for_later_waits_with_its_new_payload(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")

        world.settle(world.take_one(), "delayed", payload="second", wait=5.0)

        assert world.delayed == ["a"]
        assert world.jobs == {"a": "second"}
        world.wait(5001)
        assert [held.payload for held in world.take()] == ["second"]

    def test_a_failed_job_is_kept_with_its_new_payload(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")

        world.settle(world.take_one(), "failed", payload="why")

        assert world.failed == ["a"]
        assert world.jobs == {"a": "why"}
        assert world.meta["failed"] == "1"

    def test_a_rejected_job_leaves_nothing(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")

        world.settle(world.take_one(), "rejected")

        assert world.jobs == {}
        assert world.meta["rejected"] == "1"
        assert world.meta["done"] == "0"

    @pytest.mark.parametrize("outcome", ["released", "crashed"])
    def test_what_is_put_back_comes_before_all_others(
        self, any_world: World, outcome: OutcomeWord
    ) -> None:
        world = any_world
        world.enqueue("a", "b", "c", "d")
        held = world.take(3)

        world.trip(0, *[Settlement.of(each, outcome) for each in reversed(held)])

        assert world.queued == ["a", "b", "c", "d"]

    def test_a_released_job_has_lost_no_lease(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")

        world.settle(world.take_one(), "released")

        assert world.take_one().lost == 0

    def test_a_crashed_job_has_lost_a_lease(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")

        world.settle(world.take_one(), "crashed")

        assert world.take_one().lost == 1

    @pytest.mark.parametrize("outcome", ["delayed", "failed"])
    def test_a_run_that_ended_clears_the_count_of_lost_leases(
        self, any_world: World, outcome: OutcomeWord
    ) -> None:
        world = any_world
        world.enqueue("a")
        world.settle(world.take_one(), "crashed")

        world.settle(world.take_one(), outcome)

        assert world.call("HGET", "crashes", "a") is None

    def test_what_is_settled_makes_room_in_the_same_trip(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        held = world.take_one()

        answer = world.trip(1, done(held))

        assert [each.id for each in answer.reservations] == ["b"]


class TestFence:
    OUTCOMES = ("done", "delayed", "failed", "rejected", "released", "crashed")

    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_a_run_that_lost_its_lease_cannot_settle(
        self, any_world: World, outcome: OutcomeWord
    ) -> None:
        world = any_world
        world.enqueue("a")
        stale = world.take_one()
        world.live_on(RECOVERY)
        held = world.take_one(worker="two")
        before = (world.jobs, world.tokens)

        assert world.settle(stale, outcome, payload="stale") == ["a"]

        assert (world.jobs, world.tokens) == before == ({"a": held.payload}, {"a": held.token})

    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_nothing_is_settled_twice(self, any_world: World, outcome: OutcomeWord) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()
        world.settle(held, "released")

        assert world.settle(held, outcome, payload="stale") == ["a"]

        assert world.queued == ["a"]
        assert world.jobs == {"a": held.payload}

    def test_of_a_batch_only_the_stale_are_refused(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b", "c")
        first, second, third = world.take(3)
        world.settle(second, "done")

        answer = world.trip(0, done(first), done(second), done(third))

        assert answer.refused == [done(second)]
        assert world.jobs == {}
        assert world.meta["done"] == "3"


class TestAttachedCommands:
    def test_attached_commands_are_applied_with_the_settlement(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")

        world.settle(world.take_one(), "done", commands=[["SET", world.key("status:a"), "ok"]])

        assert world.call("GET", "status:a") == b"ok"
        assert world.jobs == {}
        assert world.meta["done"] == "1"

    def test_each_settlement_has_its_own_attached_commands(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        first, second = world.take(2)

        settlements = [
            Settlement.of(first, "done", commands=[["SET", world.key("status:a"), "x"]]),
            Settlement.of(
                second, "rejected", commands=[["SET", world.key("status:b"), "y", "EX", 9]]
            ),
        ]
        world.trip(0, *settlements)

        assert [world.call("GET", f"status:{id}") for id in "ab"] == [b"x", b"y"]

    def test_attached_commands_are_not_applied_when_the_settlement_is_refused(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()
        world.settle(held, "released")

        world.settle(held, "done", commands=[["SET", world.key("status:a"), "ok"]])

        assert world.call("EXISTS", "status:a") == 0

    def test_an_attached_command_that_redis_refuses_is_logged_and_stops_nothing(
        self, any_world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world = any_world
        world.enqueue("a")
        commands = [["INCR", world.key("meta")], ["SET", world.key("status:a"), "ok"]]

        assert world.settle(world.take_one(), "done", commands=commands) == []

        assert world.jobs == {}
        assert world.call("GET", "status:a") == b"ok"
        [record] = caplog.records
        assert record.getMessage().startswith(
            "queue=mail a plugin's command was refused by Redis: INCR buoy:{mail}:meta: WRONGTYPE"
        )


class TestBell:
    def test_who_leaves_jobs_behind_rings(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        world.take_wakeup()

        world.take(1)

        assert world.take_wakeup()

    def test_who_takes_the_last_job_does_not_ring(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        world.take_wakeup()

        world.take(2)

        assert not world.take_wakeup()

    def test_who_has_room_left_does_not_ring(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.take_wakeup()

        world.take(2)

        assert not world.take_wakeup()

    def test_who_has_no_room_rings_for_what_will_be_due(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.enqueue("b", due="+5000")
        world.take_wakeup()

        world.take(1)

        assert world.take_wakeup()

    def test_a_paused_queue_does_not_ring(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        world.take_wakeup()
        world.control.pause("mail")

        world.take(1)
        world.trip(0)

        assert not world.take_wakeup()

    def test_who_brings_a_job_back_rings(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.take_wakeup()
        held = world.take_one()

        world.settle(held, "released")

        assert world.take_wakeup()


def test_of_a_job_that_was_released_is_known_whether_a_run_had_begun(any_world: World) -> None:
    world = any_world
    world.enqueue("a", "b")
    first, second = world.take(2)
    assert not first.begun

    world.settle(second, "released")
    world.settle(first, "released", seconds=1.5)
    assert [(held.id, held.lost, held.begun) for held in world.take(2)] == [
        ("a", 0, True),
        ("b", 0, False),
    ]
    world.live_on(RECOVERY)
    assert [(held.id, held.lost, held.begun) for held in world.take(2)] == [
        ("a", 1, True),
        ("b", 1, True),
    ]
    check_whole(world)


def tokens(reservations: list[Reservation]) -> list[tuple[str, str]]:
    return [(held.id, held.token) for held in reservations]
