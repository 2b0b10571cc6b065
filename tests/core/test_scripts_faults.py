"""The scripts where Redis is in trouble: full, emptied, cut off."""

import pytest

from buoy.broker.broker import Broker
from buoy.errors import EnqueueError, Unavailable
from buoy.model.reservation import OutcomeWord, Reservation, Settlement
from buoy.model.retry_answer import Retry, RetryAnswer
from buoy.settings import Settings
from tests.support.proxy import Proxy, When
from tests.support.world import RECOVERY, World, done

FULL = "command not allowed when used memory > 'maxmemory'."


class Full:
    """`with Full(world)`: its Redis takes nothing that grows."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __enter__(self) -> None:
        self.world.everywhere("CONFIG", "SET", "maxmemory", 1)

    def __exit__(self, *_: object) -> None:
        self.world.everywhere("CONFIG", "SET", "maxmemory", 0)


class TestFullRedis:
    def test_an_enqueueing_is_refused_whole(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")

        with Full(world), pytest.raises(EnqueueError) as raised:
            world.enqueue("b", "c", claims=[("k", "finished")], then=[("SET", "x", "y")])

        assert str(raised.value).startswith(f"queue 'mail': 2 jobs: Redis is full: {FULL}")
        assert str(raised.value).endswith("; nothing was enqueued")
        assert (raised.value.enqueued, raised.value.ids) == (False, ["b", "c"])
        assert (world.queued, world.claims) == (["a"], {})
        assert world.call("EXISTS", "x") == 0

    def test_a_delayed_enqueueing_is_refused_too(self, any_world: World) -> None:
        with Full(any_world), pytest.raises(EnqueueError, match="nothing was enqueued"):
            any_world.enqueue("a", due="+5000")

        assert any_world.jobs == {}

    @pytest.mark.parametrize(
        "outcome", ["done", "delayed", "failed", "rejected", "released", "crashed"]
    )
    def test_jobs_are_reserved_and_settled(self, any_world: World, outcome: OutcomeWord) -> None:
        world = any_world
        world.enqueue("a", claims=[("s", "started"), ("k", "finished")])
        world.enqueue("b", due="+1000")
        world.wait(1001)

        with Full(world):
            held = world.take_one()
            commands = [["SET", world.key("result"), outcome]]
            assert world.settle(held, outcome, commands=commands) == []

        assert world.tokens == {}
        assert world.call("GET", "result") == outcome.encode()

    def test_no_trip_is_refused_whatever_there_is_to_do(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        world.enqueue("c", due="+5000")
        world.take_wakeup()
        with Full(world):
            first = world.trip(1, number=7)
            again = world.trip(1, number=7, again=True)
            world.take_wakeup()
            world.trip(0)
            world.trip(0, Settlement("b", "stale", "mail", "done"))
            world.broker.advance("one", [], ["mail"])

        assert [held.id for held in again.reservations] == ["a"]
        assert again.reservations[0].token == first.reservations[0].token
        assert world.take_wakeup()

    def test_leases_are_renewed_and_lost_ones_put_back(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b")
        first, _ = world.take(2)

        with Full(world):
            for _ in range(RECOVERY // 1000):
                world.wait(1000)
                assert world.beat(first) == []

        assert world.tokens == {"a": first.token}
        assert world.queued == ["b"]

    def test_operators_can_act(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", "b", "c")
        world.settle(world.take_one(), "failed")
        failed_at = int(world.call("ZSCORE", "failed", "a"))

        with Full(world):
            assert world.control.pause("mail")
            assert world.control.pause("mail", resume=True)
            assert world.control.retry("mail", [Retry("a", failed_at, "anew", [])]) == [
                RetryAnswer("queued")
            ]
            assert world.control.remove("mail", ["b"], "queued") == {"b": "queued"}

        assert world.queued == ["c", "a"]

    def test_what_was_refused_can_be_enqueued_when_there_is_room(self, any_world: World) -> None:
        world = any_world
        with Full(world), pytest.raises(EnqueueError):
            world.enqueue("a")

        assert world.enqueue("a") == ["queued"]


class TestRestart:
    def test_a_lost_script_cache_is_invisible(self, any_world: World) -> None:
        world = any_world
        flush = ("SCRIPT", "FLUSH")

        world.everywhere(*flush)
        world.enqueue("a", "b")
        world.everywhere(*flush)
        first, second = world.take(2)
        world.everywhere(*flush)
        assert world.beat(first, second) == []
        world.everywhere(*flush)
        world.trip(0, done(first), done(second))

        assert world.jobs == {}

    def test_an_emptied_redis_refuses_outcomes_quietly(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a")
        held = world.take_one()

        world.everywhere("FLUSHALL")

        assert world.beat(held) == ["a"]
        assert world.settle(held, "done") == ["a"]
        assert world.take() == []


class TestLostAnswers:
    def test_a_trip_whose_answer_is_lost_is_asked_again(self, world: World, proxy: Proxy) -> None:
        world.enqueue("a", "b", "c", "d")
        far = World(Broker(Settings(url=proxy.url)), world.nodes)
        finished: list[str] = []

        sequence: list[When] = ["before", "after", "before", "after"]
        for when in sequence:
            proxy.cut(1, when)
            held = insist(far, 1)
            proxy.cut(1, when)
            insist(far, 0, *map(done, held))
            finished += [each.id for each in held]

        assert finished == ["a", "b", "c", "d"]
        assert (world.jobs, world.tokens, world.meta["done"]) == ({}, {}, "4")


def insist(world: World, wanted: int, *settlements: Settlement) -> list[Reservation]:
    """A worker's trip, asked again until its answer comes."""
    number = next(world.numbers)
    for again in (False, True, True):
        try:
            trip = world.trip(wanted, *settlements, number=number, again=again)
        except Unavailable:
            continue
        return trip.reservations
    raise AssertionError("no answer came")
