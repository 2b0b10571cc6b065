"""What a queue counts of each class: in the same instant in which it happens, and never twice."""

import json
import random
import time
from collections import Counter
from typing import Any

import pytest

from buoy.errors import ConfigurationError
from buoy.model.reservation import OutcomeWord, Reservation, Settlement
from buoy.operations.counts import BUCKETS, NUMBERS, ClassCounts, Histogram
from buoy.operations.move import entry
from tests.support.snapshot import check_whole
from tests.support.world import RECOVERY, World

COUNTED: dict[OutcomeWord, str] = {
    "done": "done",
    "failed": "failed",
    "delayed": "retried",
    "rejected": "rejected",
    "released": "released",
    "crashed": "lost",
}
TIMED = ("done", "failed", "delayed")
CLASSES = ["shop.Charge", "shop.Ship", "é", 'a "b"', "back\\slash", "tab\t", "(other)", "counts:"]


def payload(name: str) -> bytes:
    return json.dumps({"class": name, "args": [], "id": "any"}, separators=(",", ":")).encode()


def counts(world: World) -> dict[str, ClassCounts]:
    return {each.name: each for each in world.monitor.counts([world.queue])}


def settlement(held: Reservation, outcome: OutcomeWord, **facts: Any) -> Settlement:
    text = held.payload if outcome in ("delayed", "failed") else ""
    return Settlement.of(held, outcome, payload=text, **facts)


class Shop:
    """Does with jobs whatever may happen to them, and keeps its own counts."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random, self.made = world, random.Random(seed), 0
        self.wanted: dict[str, Counter[str]] = {}
        self.held: dict[str, Reservation] = {}
        self.names: dict[str, str] = {}

    def count(self, id: str, word: str, number: int = 1) -> None:
        self.wanted.setdefault(self.names[id], Counter())[word] += number

    def enqueue(self) -> None:
        name, number = self.random.choice(CLASSES), self.random.randint(1, 3)
        ids = [f"job {self.made + n}" for n in range(number)]
        self.made += number
        claims = [("one", "finished")] if self.random.random() < 0.3 else []
        due = self.random.choice(["", "", "+50", "+5000"])
        self.names |= dict.fromkeys(ids, name)
        for id, answer in zip(
            ids,
            self.world.enqueue(*ids, payload=payload(name), claims=claims, due=due),
            strict=True,
        ):
            if answer in ("queued", "delayed"):
                self.count(id, "enqueued")

    def enqueue_again(self) -> None:
        if self.held:
            id = self.random.choice(list(self.held))
            assert self.world.enqueue(id, payload=payload(self.names[id])) == ["exists"]

    def take(self) -> None:
        for held in self.world.take(self.random.randint(1, 4)):
            self.held[held.id] = held

    def settle(self) -> None:
        ended = [id for id in self.held if self.random.random() < 0.5]
        settlements = []
        for id in ended:
            outcome = self.random.choice(list(COUNTED))
            seconds = self.random.choice([None, 0.0, 0.0005, 0.3, 7.0, 1e9])
            held = self.held.pop(id)
            settlements.append(settlement(held, outcome, waited=0.004, seconds=seconds))
            self.count(id, COUNTED[outcome])
            if outcome in TIMED and seconds is not None:
                self.count(id, "timed")
                self.count(id, "milliseconds", round(seconds * 1000))
        sent = settlements + self.random.choices(settlements, k=2 if settlements else 0)
        refused = self.world.trip(0, *sent).refused
        assert len(refused) == len(sent) - len(settlements)

    def lose(self) -> None:
        self.world.live_on(RECOVERY)
        for id in list(self.held):
            held = self.held.pop(id)
            self.count(id, "lost")
            assert self.world.settle(held, "done") == [id]

    def live(self) -> None:
        acts = [self.enqueue, self.enqueue_again, self.take, self.take, self.settle, self.settle]
        for _ in range(60):
            self.random.choice([*acts, self.lose] if self.random.random() < 0.1 else acts)()
            self.world.wait(self.random.choice([0, 1, 60]))


@pytest.mark.parametrize("seed", range(6))
def test_counts_agree_with_what_has_happened(any_world: World, seed: int) -> None:
    shop = Shop(any_world, seed)

    shop.live()

    check_whole(any_world)
    found = counts(any_world)
    assert set(found) == set(shop.wanted)
    for name, wanted in shop.wanted.items():
        numbers = {word: getattr(found[name], word) for word in NUMBERS}
        assert numbers == {word: wanted[word] for word in NUMBERS}, name
        waiting, running = found[name].waiting, found[name].running
        assert waiting.count == running.count == wanted["timed"]
        assert waiting.sum == pytest.approx(0.004 * wanted["timed"])
        assert running.sum == pytest.approx(wanted["milliseconds"] / 1000, abs=0.01)


class TestTimes:
    def test_are_counted_in_buckets_of_double_width(self, world: World) -> None:
        for seconds in (0.0, 0.0009, 0.001, 0.0019, 0.002, 0.9, 1e6, 1e30):
            world.enqueue("a", payload=payload("A"))
            held = world.take_one()
            world.trip(0, settlement(held, "delayed", waited=seconds, seconds=1.0))
            world.control.remove(world.queue, ["a"], "delayed")
            world.call("DEL", "ended")

        [found] = counts(world).values()

        assert {n: number for n, number in enumerate(found.waiting.buckets) if number} == {
            0: 2,
            1: 2,
            2: 1,
            10: 1,
            27: 2,
        }
        assert found.running.buckets[10] == found.running.count == 8
        assert found.running.sum == 8.0

    def test_of_runs_that_are_refused_do_not_count(self, world: World) -> None:
        world.enqueue("a", "b", payload=payload("A"))
        a, b = world.take(2)
        world.settle(a, "rejected")

        ended = [settlement(each, "done", waited=1.0, seconds=3.0) for each in (a, b)]
        world.trip(0, *ended)

        [found] = counts(world).values()
        assert (found.done, found.waiting.count, found.waiting.sum) == (1, 1, 1.0)
        assert (found.running.count, found.running.sum) == (1, 3.0)

    def test_of_runs_that_did_not_begin_do_not_count(self, world: World) -> None:
        world.enqueue("a", payload=payload("A"))
        world.settle(world.take_one(), "failed")

        [found] = counts(world).values()
        assert (found.failed, found.waiting.count, found.running.count) == (1, 0, 0)


class TestRelease:
    def test_a_job_that_had_begun_waits_anew(self, world: World) -> None:
        world.enqueue("a", payload=payload("A"))
        held = world.take_one()
        world.wait(100_000)
        world.trip(0, settlement(held, "released", seconds=5.0))
        world.wait(2000)

        assert 1.9 < world.take_one().waited(0.0) < 60


class TestClasses:
    def test_a_class_is_counted_by_its_name(self, any_world: World) -> None:
        for n, name in enumerate(CLASSES):
            any_world.enqueue(str(n), payload=payload(name))

        assert sorted(counts(any_world)) == sorted(CLASSES)

    def test_beyond_200_they_are_counted_together(self, any_world: World) -> None:
        world, names = any_world, [f"class {n:03}" for n in range(205)]
        world.wait(60_000 - world.now() % 60_000)  # at the end of a minute there are more fields
        for name in names:
            world.enqueue(name, payload=payload(name))
        held = world.take(1000)
        world.trip(0, *(settlement(each, "done", seconds=1.0) for each in held))
        for name in names:
            world.enqueue(f"{name} again", payload=payload(name))

        found = counts(world)

        assert sorted(found) == ["(other)", *names[:200]]
        assert {(each.enqueued, each.done) for each in found.values()} == {(2, 1), (10, 5)}
        assert (found["(other)"].enqueued, found["(other)"].done) == (10, 5)
        assert found["(other)"].running.sum == 5.0
        assert len(world.meta) < 420

    def test_settlements_alone_keep_to_the_limit_too(self, world: World) -> None:
        world.enqueue(*(str(n) for n in range(205)), payload=payload("A"))
        held = world.take(1000)

        world.trip(0, *(settlement(each, "done", name=f"n{n}") for n, each in enumerate(held)))

        found = counts(world)
        assert len(found) == 201
        assert sum(each.done for each in found.values()) == 205

    @pytest.mark.parametrize("name", ["x" * 301, "x" * 100_000])
    def test_a_name_that_is_too_long_is_another_one(self, world: World, name: str) -> None:
        world.enqueue("a", payload=payload(name))
        world.settle(world.take_one(), "done")

        assert list(counts(world)) == ["(other)"]
        assert max(map(len, world.meta)) < 100

    @pytest.mark.parametrize("text", [b"", b"{", b'{"class":7}', b'{"class":"\\ud800"}', b"\xff"])
    def test_a_job_without_a_readable_class_is_another_one(self, world: World, text: bytes) -> None:
        world.enqueue("a", payload=text or b" ")
        world.lose("a", times=1)
        world.settle(world.take_one(), "released")

        assert counts(world)["(other)"].lost == 1
        assert counts(world)["(other)"].released == 1

    def test_a_job_that_comes_from_another_queue_is_not_counted(self, any_world: World) -> None:
        world = any_world
        other = World(world.broker, world.nodes, "bulk")
        begun = time.monotonic()
        world.enqueue("a", payload=payload("A"))
        world.enqueue("b", payload=payload("A"), due="+5000")
        world.wait(6000)
        world.beat()

        taken = world.control.take(world.queue, ["a", "b"], "mover")
        world.broker.enqueue("bulk", [entry(each, "bulk") for each in taken])
        world.wait(4000)

        assert counts(other) == {}
        a, b = other.take(2)
        took = time.monotonic() - begun
        assert (a.due, 4.9 < b.waited(0.0) < 5.1 + took) == (0.0, True)


BROKEN = ["", "x", "{", "7", "[]", "[1,2]", '{"done":"x"}', '{"done":-1,"waiting":[1],"running":7}']
BROKEN += ['{"done":1e300}', '{"waiting":{"x":1,"99":1,"-1":1,"1.5":1}}', '{"done":NaN}', "\xff"]


class TestBrokenFields:
    @pytest.mark.parametrize("text", BROKEN)
    def test_begin_anew(self, world: World, text: str) -> None:
        world.enqueue("a", payload=payload("A"))
        world.call("HSET", "meta", "counts:A", text)

        world.trip(0, settlement(world.take_one(), "done", waited=1.0, seconds=1.0))

        [found] = counts(world).values()
        assert (found.enqueued, found.done) == (1, 1)
        assert (found.running.count, found.running.buckets[10], found.running.sum) == (1, 1, 1.0)

    @pytest.mark.parametrize("text", BROKEN)
    def test_of_what_was_enqueued_begin_anew(self, world: World, text: str) -> None:
        if text == "7":
            return
        world.enqueue("a", payload=payload("A"))
        world.call("HSET", "meta", "enqueued:A", text)

        world.enqueue("b", "c", payload=payload("A"))

        assert counts(world)["A"].enqueued == 2

    @pytest.mark.parametrize("text", BROKEN)
    def test_can_be_read(self, world: World, text: str) -> None:
        world.enqueue("a", payload=payload("A"))
        for field in ("counts:A", "enqueued:A"):
            world.call("HSET", "meta", field, text)
        [found] = counts(world).values()
        assert found.done == 0

        world.call("HSET", "meta", "classes", text)
        assert counts(world) == {}

    def test_of_a_spoilt_list_come_back_within_a_minute(self, world: World) -> None:
        world.enqueue("a", payload=payload("A"))
        world.beat()
        world.call("HSET", "meta", "classes", "spoilt")

        world.wait(60_000)
        world.beat()

        assert list(counts(world)) == ["A"]


class TestHistogram:
    def test_a_quantile_lies_in_its_bucket(self) -> None:
        times = Histogram(tuple([10, 0, 0, 90] + [0] * (BUCKETS - 4)), 1.0)

        assert times.count == 100
        assert (times.quantile(0), times.quantile(0.1)) == (0.0, 0.001)
        assert times.quantile(0.55) == pytest.approx(0.006)
        assert times.quantile(1) == 0.008

    def test_of_nothing_is_nothing(self) -> None:
        assert Histogram().quantile(0.5) == 0.0

    def test_the_last_bucket_has_no_end(self) -> None:
        assert Histogram(tuple([0] * (BUCKETS - 1) + [5])).quantile(0.99) == 2**26 / 1000

    @pytest.mark.parametrize("q", [-0.1, 1.1, "x"])
    def test_a_quantile_is_from_0_to_1(self, q: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"^quantile\(q\): expected 0 to 1, got"):
            Histogram().quantile(q)
