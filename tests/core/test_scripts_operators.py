"""lua/find, remove, retry, edit, pause, look and others, on one server and on a cluster."""

from dataclasses import replace
from hashlib import sha1
from typing import Any

import pytest

from buoy.connection.client import check_replies
from buoy.model.reservation import RoundTripRequest
from buoy.model.retry_answer import Retry, RetryAnswer
from buoy.operations.failed_limits import trim
from tests.support.world import World, payload_of


class TestFind:
    def test_a_job_is_found_wherever_it_is(self, any_world: World) -> None:
        world = any_world
        world.enqueue("running", "failed", "queued")
        running = world.take_one()
        world.settle(world.take_one(), "failed")
        world.enqueue("delayed", due="+500000")
        now = world.trip().now

        found = {id: world.find(id) for id in world.jobs}

        places = {id: place[1] for id, place in found.items() if place}
        assert places == {id: id for id in ("running", "failed", "queued", "delayed")}
        assert found["running"] == (payload_of("running").decode(), "running", running.token)
        assert found["queued"] == (payload_of("queued").decode(), "queued", "")
        assert found["delayed"] is not None
        assert abs(float(found["delayed"][2]) / 1000 - now - 500) < 60

    def test_what_is_not_there_is_not_found(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.settle(world.take_one(), "done")

        assert world.find("b") is None
        payload, state, _ = world.find("a") or ("", "", "")
        assert (payload, state) == ("", "ended")


class TestRemove:
    def test_waiting_delayed_and_failed_jobs_are_ended(self, any_world: World) -> None:
        world = any_world
        world.enqueue("failed", "queued", claims=[])
        world.settle(world.take_one(), "failed")
        world.enqueue("delayed", due="+5000")

        ids = ["queued", "delayed", "failed", "unknown"]
        gone = world.control.remove("mail", ids, "queued delayed failed")

        assert gone == {id: id for id in ("queued", "delayed", "failed")}
        assert (world.jobs, world.queued, world.delayed, world.failed) == ({}, [], [], [])

    def test_only_the_places_that_are_named_are_looked_at(self, any_world: World) -> None:
        world = any_world
        world.enqueue("queued")
        world.enqueue("delayed", due="+5000")

        assert world.control.remove("mail", ["queued", "delayed"], "delayed failed") == {
            "delayed": "delayed"
        }

        assert list(world.jobs) == ["queued"]

    def test_a_running_job_is_let_be(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()

        assert world.control.remove("mail", ["a"], "queued delayed failed") == {}

        assert world.tokens == {"a": held.token}

    def test_claims_of_a_removed_job_are_free(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", claims=[("k", "finished"), ("s", "started")])

        world.control.remove("mail", ["a"], "queued")

        assert world.claims == {}

    def test_the_id_of_a_removed_job_is_known_for_a_while(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        world.take_one()

        world.control.remove("mail", ["a"], "running")

        assert world.enqueue("a") == ["ended"]

    @pytest.mark.parametrize("due", ["", "+5000"])
    def test_the_id_of_a_job_that_waited_can_be_used_again_at_once(
        self, any_world: World, due: str
    ) -> None:
        world = any_world
        world.enqueue("a", "b", due=due)

        world.control.remove("mail", ["a", "b"], "queued delayed")

        assert world.enqueue("a") == ["queued"]
        assert world.enqueue("b", due="+60000") == ["delayed"]
        world.settle(world.take_one(), "done")
        assert world.enqueue("a") == ["ended"]

    def test_of_many_removed_jobs_the_last_ones_are_known(self, any_world: World) -> None:
        fill = "for n = 1, 100010 do redis.call('ZADD', KEYS[1], n, n) end"
        any_world.broker.client.call("EVAL", fill, 1, any_world.key("ended"))
        any_world.enqueue("a")

        any_world.control.remove("mail", ["a"], "queued")

        assert any_world.call("ZCARD", "ended") == 100_000
        assert any_world.call("ZSCORE", "ended", "a") is not None

    def test_many_are_removed_in_several_steps(self, any_world: World) -> None:
        world = any_world
        ids = [f"{number:03}" for number in range(250)]
        world.enqueue(*ids)

        assert list(world.control.remove("mail", ids, "queued")) == ids

        assert world.jobs == {}

    def test_a_running_job_can_be_ended_too(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", claims=[("k", "finished")])
        held = world.take_one()
        then = [["SET", world.key("note"), "ended"]]

        gone = world.control.remove("mail", ["a", "b"], "queued running", then)

        assert gone == {"a": "running"}
        assert world.call("GET", "note") == b"ended"
        assert (world.jobs, world.tokens, world.running, world.claims) == ({}, {}, [], {})
        assert world.beat(held) == ["a"]
        assert world.settle(held, "done") == ["a"]

    def test_a_command_of_a_job_that_is_not_there_is_not_sent(self, any_world: World) -> None:
        world = any_world

        assert world.control.remove("mail", ["a"], "queued", [["SET", world.key("n"), 1]]) == {}

        assert world.call("EXISTS", "n") == 0


class TestReschedule:
    def test_a_delayed_job_is_due_at_another_time(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b", due="+600000")
        now = world.trip().now

        assert world.control.reschedule("mail", ["a", "c"], now + 60) == {"a": "delayed"}

        assert world.delayed == ["a", "b"]
        world.wait(60_001)
        assert [held.id for held in world.take(2)] == ["a"]

    def test_a_delayed_job_is_made_ready_now(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", due="+60000")
        world.take_wakeup()

        assert world.control.reschedule("mail", ["a"], None) == {"a": "queued"}

        assert (world.queued, world.delayed, world.take_wakeup()) == (["a"], [], True)

    def test_only_delayed_jobs_are_touched(self, any_world: World) -> None:
        world = any_world
        world.enqueue("running", "queued")
        world.take_one()

        assert world.control.reschedule("mail", ["running", "queued", "unknown"], None) == {}

        assert (world.running, world.queued) == (["running"], ["queued"])


class TestRelease:
    def test_a_claim_is_freed_and_its_job_stays(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", claims=[("k", "finished"), ("m", "finished")])

        assert world.control.release("mail", "k") == "a"

        assert (world.claims, world.queued) == ({"m": "a"}, ["a"])

    def test_a_released_claim_stays_with_its_new_holder_when_the_first_job_ends(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a", claims=[("k", "finished")])
        world.control.release("mail", "k")
        world.enqueue("b", claims=[("k", "finished")])

        world.settle(world.take_one(), "done")

        assert world.claims == {"k": "b"}

    def test_what_nobody_holds_cannot_be_freed(self, any_world: World) -> None:
        assert any_world.control.release("mail", "k") is None


class TestLatest:
    def test_the_key_points_at_the_last_job_that_named_it(self, any_world: World) -> None:
        world = any_world

        assert world.enqueue("a", "b", claims=[("k", "latest")]) == ["queued", "queued"]

        assert world.monitor.holder("mail", "k") == "b"
        world.settle(world.take_one(), "done")
        assert world.monitor.holder("mail", "k") == "b"
        world.settle(world.take_one(), "done")
        assert world.monitor.holder("mail", "k") is None


class TestTake:
    def test_waiting_and_delayed_jobs_are_taken(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        world.enqueue("c", due="+60000")
        [due] = [int(each) for each in world.call("ZRANGE", "delayed", 0, 0, "WITHSCORES")[1:]]

        taken = world.control.take("mail", ["c", "b", "unknown"], "mover")

        assert [(each.id, each.due) for each in taken] == [("c", str(due)), ("b", "")]
        assert (world.queued, world.running) == (["a"], ["b", "c"])

    def test_when_the_taker_vanishes_a_delayed_job_is_back_when_it_is_due(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a", due="+120000")
        world.control.take("mail", ["a"], "mover")

        world.live_on(110_000)
        assert world.take(1) == []
        world.live_on(20_000)

        assert [held.id for held in world.take(1)] == ["a"]


class TestRetry:
    def test_a_failed_job_is_put_back_with_a_new_payload(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        failed_at = fail(world, "a")
        world.take_wakeup()

        assert world.control.retry("mail", [Retry("a", failed_at, "anew", [])]) == [
            RetryAnswer("queued")
        ]

        assert world.queued == ["b", "a"]
        assert world.failed == []
        assert world.jobs["a"] == "anew"
        assert world.take_wakeup()

    def test_a_retried_job_takes_its_claims_again(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        failed_at = fail(world, "a")

        world.control.retry("mail", [Retry("a", failed_at, "anew", [["k", "finished"]])])

        assert world.claims == {"k": "a"}
        world.settle(world.take_one(), "done")
        assert world.claims == {}

    def test_a_failed_job_is_not_retried_while_another_holds_its_claim(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a")
        failed_at = fail(world, "a")
        world.enqueue("b", claims=[("k", "finished")])

        answers = world.control.retry("mail", [Retry("a", failed_at, "anew", [["k", "finished"]])])

        assert answers == [RetryAnswer("exists", holder="b")]
        assert world.failed == ["a"]
        assert world.jobs["a"] == payload_of("a").decode()

    def test_a_job_that_failed_anew_is_not_retried_by_an_older_list(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        failed_at = fail(world, "a")

        assert world.control.retry("mail", [Retry("a", failed_at - 1, "anew", [])]) == [
            RetryAnswer("gone")
        ]

        assert world.failed == ["a"]

    def test_a_job_that_was_edited_is_not_retried_by_an_older_list(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        failed_at = fail(world, "a")
        seen = sha1(payload_of("a")).hexdigest()
        other = sha1(b"other").hexdigest()

        def retry(digest: str) -> str:
            [answer] = world.control.retry("mail", [Retry("a", failed_at, "anew", [], digest)])
            return answer.kind

        assert (retry(other), world.failed) == ("gone", ["a"])
        assert (retry(seen), world.queued) == ("queued", ["a"])

    def test_what_is_not_there_cannot_be_retried(self, any_world: World) -> None:
        assert any_world.control.retry("mail", [Retry("a", 1, "anew", [])]) == [RetryAnswer("gone")]

        assert any_world.jobs == {}

    def test_many_are_retried_in_several_steps(self, any_world: World) -> None:
        world = any_world
        ids = [f"{number:03}" for number in range(250)]
        world.enqueue(*ids)
        for held in world.take(250):
            world.settle(held, "failed")
        scores = world.call("ZRANGE", "failed", 0, -1, "WITHSCORES")[1::2]
        entries: list[Any] = [
            Retry(id, int(score), id, []) for id, score in zip(ids, scores, strict=True)
        ]

        assert world.control.retry("mail", entries) == [RetryAnswer("queued")] * 250

        assert world.queued == ids


class TestTakeFailed:
    def test_a_failed_job_is_held_by_a_lease_with_its_claims(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        failed_at = fail(world, "a")

        [token] = world.control.take_failed(
            "mail", [Retry("a", failed_at, "anew", [["k", "finished"]])], "mover"
        )

        assert world.tokens == {"a": token}
        assert (world.failed, world.running, world.claims) == ([], ["a"], {"k": "a"})
        assert world.jobs["a"] == "anew"

    def test_what_cannot_be_taken_stays(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        failed_at = fail(world, "a")
        world.enqueue("b", claims=[("k", "finished")])

        answers = world.control.take_failed(
            "mail",
            [
                Retry("a", failed_at, "anew", [["k", "finished"]]),
                Retry("a", failed_at - 1, "anew", []),
            ],
            "mover",
        )

        assert answers == [RetryAnswer("exists", holder="b"), RetryAnswer("gone")]
        assert (world.failed, world.running) == (["a"], [])

    def test_when_the_holder_vanishes_the_job_is_retried_where_it_was(
        self, any_world: World
    ) -> None:
        world = any_world
        world.enqueue("a")
        failed_at = fail(world, "a")
        world.control.take_failed("mail", [Retry("a", failed_at, "anew", [])], "mover")

        world.live_on(40_000)

        assert world.queued == ["a"]

    def test_what_is_kept_is_as_it_was(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        failed_at = fail(world, "a")
        before = world.jobs["a"]
        entry = Retry("a", failed_at, "anew", [["k", "finished"]])
        [token] = world.control.take_failed("mail", [entry], "mover")

        world.control.keep_failed("mail", [("a", "stale", before, failed_at)])
        assert world.failed == []
        world.control.keep_failed("mail", [("a", str(token), before, failed_at)])

        assert (world.failed, world.running, world.tokens, world.claims) == (["a"], [], {}, {})
        assert world.jobs["a"] == before
        assert int(world.call("ZSCORE", "failed", "a")) == failed_at


class TestEdit:
    def test_a_job_gets_another_payload_wherever_it_waits(self, any_world: World) -> None:
        world = any_world
        world.enqueue("failed", "queued")
        world.settle(world.take_one(), "failed")
        world.enqueue("delayed", due="+5000")

        for id in ("failed", "queued", "delayed"):
            assert world.control.edit("mail", id, world.jobs[id], f"new {id}") == "edited"

        assert world.jobs == {id: f"new {id}" for id in ("failed", "queued", "delayed")}
        assert (world.failed, world.queued, world.delayed) == (["failed"], ["queued"], ["delayed"])

    def test_what_runs_or_has_changed_or_is_gone_is_not_edited(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        world.take_one()
        before = dict(world.jobs)

        assert world.control.edit("mail", "a", before["a"], "new") == "running"
        assert world.control.edit("mail", "b", "other", "new") == "changed"
        assert world.control.edit("mail", "c", "", "new") == "gone"

        assert world.jobs == before


class TestTrimFailed:
    @pytest.mark.parametrize(
        ("settings", "page", "left"),
        [
            ({"failed_max": 2}, 100, ["c", "d"]),
            ({"failed_max": 2}, 1, ["b", "c", "d"]),
            ({"failed_max": 9}, 100, ["a", "b", "c", "d"]),
            ({"failed_days": 0.5}, 100, ["c", "d"]),
            ({"failed_days": 0.5, "failed_max": 1}, 100, ["d"]),
            ({"failed_days": 2.0}, 100, ["a", "b", "c", "d"]),
        ],
    )
    def test_the_oldest_failed_jobs_are_removed(
        self, any_world: World, settings: dict[str, Any], page: int, left: list[str]
    ) -> None:
        world = any_world
        world.enqueue("a", "b", "c", "d", "e")
        for number in range(4):
            fail(world, "abcd"[number])
            world.wait(1000 if number != 1 else 24 * 3_600_000)
        world.broker.settings = replace(world.broker.settings, **settings)

        assert trim(world.broker, ["mail"], page) == {"mail": 4 - len(left)}

        assert (world.failed, sorted(world.jobs)) == (left, [*left, "e"])
        assert world.meta.get("trimmed", "0") == str(4 - len(left))


class TestPause:
    def test_a_queue_is_paused_and_resumed(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")

        assert world.control.pause("mail")
        assert world.take() == []

        assert world.control.pause("mail", resume=True)
        assert len(world.take()) == 1

    def test_pause_tells_whether_it_changed_something(self, any_world: World) -> None:
        world = any_world

        assert not world.control.pause("mail", resume=True)
        assert world.control.pause("mail")
        assert not world.control.pause("mail")

    def test_resuming_rings(self, any_world: World) -> None:
        world = any_world
        world.control.pause("mail")
        assert not world.take_wakeup()

        world.control.pause("mail", resume=True)

        assert world.take_wakeup()


class TestLook:
    def test_a_trip_looks_at_other_queues(self, any_world: World) -> None:
        world = any_world
        for queue, ids, due in (("b", "xy", ""), ("c", "z", "+500000"), ("d", "w", "")):
            world.queue = queue
            world.enqueue(*ids, due=due)
        world.control.pause("d")

        answers, looks = world.broker.advance(
            "one", [RoundTripRequest("a", 1)], ["b", "c", "d", "e"]
        )

        now = check_replies(answers)[0].now
        length, due_at = looks.pop("c")
        assert looks == {"b": (2, None), "d": (0, None), "e": (0, None)}
        assert (length, due_at is not None and 400 < due_at - now <= 500.001) == (0, True)

    def test_a_round_trip_may_only_look_at_queues(self, any_world: World) -> None:
        any_world.enqueue("a")

        assert any_world.broker.advance("one", [], ["mail"]) == ([], {"mail": (1, None)})

    def test_several_queues_are_visited_in_one_trip(self, any_world: World) -> None:
        world = any_world
        for world.queue in ("a", "b"):
            world.enqueue(world.queue)

        answers, _ = world.broker.advance(
            "one", [RoundTripRequest("a", 1, 1), RoundTripRequest("b", 1, 1)]
        )

        taken = [held.queue for answer in check_replies(answers) for held in answer.reservations]
        assert taken == ["a", "b"]


def fail(world: World, id: str) -> int:
    """Let a job fail; returns when."""
    world.settle(world.take_one(), "failed")
    return int(world.call("ZSCORE", "failed", id))
