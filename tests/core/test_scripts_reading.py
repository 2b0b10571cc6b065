"""The scripts that read several keys at once, for lists and pages."""

from typing import Any

import pytest

from buoy.broker.scripts import run_scripts, script
from buoy.connection.client import RawArg, single_reply
from buoy.operations.queue_counts import PARTS
from tests.support.world import World

Words = list[RawArg]


@pytest.fixture
def keys(any_world: World) -> dict[str, str]:
    """A key of each type, one that has a wrong type, and one that is missing."""
    kinds = ("list", "hash", "zset", "text", "none")
    named = {kind: any_world.key(kind) for kind in kinds}
    ask(any_world, "RPUSH", named["list"], "a", "b", "c")
    ask(any_world, "HSET", named["hash"], "x", 1, "y", 2)
    ask(any_world, "ZADD", named["zset"], 10, "ten", 20, "twenty", 30, "thirty")
    ask(any_world, "SET", named["text"], "a text")
    return named


def ask(world: World, *words: RawArg) -> Any:
    return single_reply(world.broker.client.calls([words]))


def run(world: World, name: str, keys: list[str], words: Words) -> Any:
    """Returns what a script replies."""
    found = script("buoy.broker", name)
    return single_reply(run_scripts(world.broker.client, [(found, keys, words)]))


class TestSizes:
    def test_each_key_is_asked_with_its_command(self, any_world: World, keys: Any) -> None:
        some = [keys["list"], keys["hash"], keys["zset"]]

        assert run(any_world, "sizes", some, ["LLEN", "HLEN", "ZCARD"]) == [3, 2, 3]

    def test_the_commands_begin_again_after_the_last_one(self, any_world: World, keys: Any) -> None:
        some = [keys["list"], keys["zset"], keys["none"], keys["zset"]]

        assert run(any_world, "sizes", some, ["LLEN", "ZCARD"]) == [3, 3, 0, 3]

    def test_a_key_of_a_wrong_type_is_told_apart_from_an_empty_one(
        self, any_world: World, keys: Any
    ) -> None:
        some = [keys["text"], keys["none"], keys["zset"]]

        assert run(any_world, "sizes", some, ["ZCARD"]) == [-1, 0, 3]


class TestHashes:
    def test_all_fields_are_told_with_their_values(self, any_world: World, keys: Any) -> None:
        [found] = run(any_world, "hashes", [keys["hash"]], [])

        assert dict(zip(found[::2], found[1::2], strict=True)) == {b"x": b"1", b"y": b"2"}

    def test_some_fields_are_told_in_their_order(self, any_world: World, keys: Any) -> None:
        assert run(any_world, "hashes", [keys["hash"]], ["y", "z", "x"]) == [[b"2", None, b"1"]]

    @pytest.mark.parametrize(("fields", "nothing"), [([], []), (["x", "y"], [None, None])])
    def test_a_missing_hash_is_empty(
        self, any_world: World, keys: Any, fields: Words, nothing: list[None]
    ) -> None:
        assert run(any_world, "hashes", [keys["none"]], fields) == [nothing]

    @pytest.mark.parametrize("fields", [[], ["x"]])
    def test_a_wrong_type_spoils_no_other_key(
        self, any_world: World, keys: Any, fields: Words
    ) -> None:
        wrong, right, other = run(
            any_world, "hashes", [keys["text"], keys["hash"], keys["list"]], fields
        )

        assert (wrong, other) == (None, None)
        assert b"1" in right


class TestRanges:
    def test_they_rise_or_fall(self, any_world: World, keys: Any) -> None:
        up = run(any_world, "ranges", [keys["zset"]], ["up", "", "", 2])
        down = run(any_world, "ranges", [keys["zset"]], ["down", "", "", 2])

        assert up == [[b"ten", b"10", b"twenty", b"20"]]
        assert down == [[b"thirty", b"30", b"twenty", b"20"]]

    def test_each_key_begins_and_is_limited_by_itself(self, any_world: World, keys: Any) -> None:
        zset = keys["zset"]

        found = run(any_world, "ranges", [zset, zset, zset], ["up", "", 20, 5, "(20", 5, "", 1])

        assert [each[::2] for each in found] == [[b"twenty", b"thirty"], [b"thirty"], [b"ten"]]

    @pytest.mark.parametrize(
        ("order", "last", "found"), [("up", 20, [b"ten", b"twenty"]), ("down", "(20", [b"thirty"])]
    )
    def test_they_end_at_the_last_score(
        self, any_world: World, keys: Any, order: str, last: RawArg, found: list[bytes]
    ) -> None:
        [read] = run(any_world, "ranges", [keys["zset"]], [order, last, "", 5])

        assert read[::2] == found

    @pytest.mark.parametrize("last", ["", 20])
    def test_a_wrong_type_spoils_no_other_key(
        self, any_world: World, keys: Any, last: RawArg
    ) -> None:
        some = [keys["text"], keys["zset"], keys["none"]]

        found = run(any_world, "ranges", some, ["up", last, "", 1, "", 1, "", 1])

        assert found == [None, [b"ten", b"10"], []]


class TestPlaces:
    PARTS = ("jobs", "delayed", "failed", "tokens", "blocked")

    def places(self, world: World, *ids: str) -> list[Any]:
        found: list[Any] = run(world, "places", [world.key(part) for part in self.PARTS], [*ids])
        return found

    def test_each_job_is_told_with_its_state(self, any_world: World) -> None:
        any_world.enqueue("running")
        held = any_world.take_one()
        any_world.enqueue("failed")
        any_world.settle(any_world.take_one(), "failed")
        any_world.enqueue("queued")
        any_world.enqueue("later", due="+5000")
        any_world.enqueue("ahead", "waits", claims=[("k", "1 finished")])

        found = self.places(any_world, "queued", "later", "running", "failed", "unknown")
        assert self.places(any_world, "ahead", "waits")[1::3] == [b"queued", b"blocked"]

        assert found[1::3] == [b"queued", b"delayed", b"running", b"failed", b""]
        assert [bool(payload) for payload in found[::3]] == [True, True, True, True, False]
        assert (found[2], found[8], found[14]) == (b"", held.token.encode(), b"")
        assert found[5] == ask(any_world, "ZSCORE", any_world.key("delayed"), "later")

    @pytest.mark.parametrize("part", PARTS)
    def test_a_wrong_type_is_an_unknown_place(self, any_world: World, part: str) -> None:
        any_world.enqueue("a")
        ask(any_world, "SET", any_world.key(part), "a text")

        assert self.places(any_world, "a")[1] == (b"" if part == "jobs" else b"queued")


class TestServing:
    def test_equal_lists_are_counted(self, any_world: World) -> None:
        some = [any_world.key(f"worker:{number}") for number in range(5)]
        for key, queues in zip(some, ["mail", "*", "mail", "mail"], strict=False):
            ask(any_world, "HSET", key, "queues", queues)

        found = run(any_world, "serving", some, [])

        assert dict(zip(found[::2], found[1::2], strict=True)) == {b"mail": 3, b"*": 1}

    def test_what_is_no_registration_serves_nothing(self, any_world: World, keys: Any) -> None:
        some = [keys["text"], keys["hash"], keys["none"]]

        assert run(any_world, "serving", some, []) == []


class TestGlance:
    def test_a_wrong_type_spoils_no_other_key(self, any_world: World) -> None:
        any_world.enqueue("a", "b")
        parts = [any_world.key(part) for part in PARTS]
        wrong = [any_world.key("wrong")] * 7
        ask(any_world, "SET", wrong[0], "a text")

        now, *found = run(any_world, "glance", [*wrong, *parts], [0])

        assert now > 0
        assert found[:11] == [*[-1] * 6, *[None] * 4, b""]
        assert found[11:17] == [2, 0, 0, 0, 0, 0]
        assert None not in found[17:]
