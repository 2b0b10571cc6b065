"""What is known of a cluster, without one: conversations are had by hand."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from redis import exceptions

from buoy.connection.redis_errors import RedisTimeout, SlotMoved
from buoy.connection.topology import NodeSteps, Suspects, Topology, slot_of
from buoy.errors import BrokerError, Unavailable

A, B, C, D = "a:7000", "b:7000", "c:7000", "d:7000"
HERE = ["GET", "{here}"]
SLOT = slot_of(HERE)


def ranges(*owners: str) -> list[Any]:
    """The reply of CLUSTER SLOTS where these have the slots, in equal parts."""
    part = 16384 // len(owners)
    return [
        [n * part, (n + 1) * part - 1 if n + 1 < len(owners) else 16383, node(owner)]
        for n, owner in enumerate(owners)
    ]


def node(address: str) -> list[Any]:
    host, _, port = address.rpartition(":")
    return [host.encode(), int(port), b"id", []]


over = threading.Event()
"""Ends the threads that watch silent nodes."""


@pytest.fixture(autouse=True)
def end_of_watches() -> Iterator[None]:
    over.clear()
    yield
    over.set()
    for each in threading.enumerate():
        if each.name == "buoy-node-watch":
            each.join(60.0)


def topology(url: str = f"redis+cluster://:a%40b@{A},{B},{C}/0?x=1") -> Topology:
    return Topology(url, lambda _: over.wait(60.0))


def have(steps: NodeSteps[Any], answers: dict[str, Any]) -> tuple[Any, list[set[str]]]:
    """Have a conversation in which each node always says the same; who was asked?"""
    asked = []
    try:
        parcels = next(steps)
        while True:
            asked.append(set(parcels))
            parcels = steps.send({a: [answers[a]] * len(words) for a, words in parcels.items()})
    except StopIteration as end:
        return end.value, asked


class TestSeeds:
    def test_each_seed_has_its_url(self) -> None:
        known = Topology("rediss+cluster://u:p%2Cq@h,[::1]:7001,i:7002?ssl_cert_reqs=none", print)
        assert known.seeds == ["h:6379", "[::1]:7001", "i:7002"]
        assert known.url_of("[::1]:7001") == "rediss://u:p%2Cq@[::1]:7001?ssl_cert_reqs=none"

    @pytest.mark.parametrize("hosts", ["", "h,", "h:x", "h:1/1"])
    def test_a_list_of_seeds_that_is_not_valid_is_refused(self, hosts: str) -> None:
        with pytest.raises(ValueError, match=r"name one|no databases|Port"):
            Topology(f"redis+cluster://{hosts}", print)


class TestLearning:
    def test_nodes_are_learned_and_outlive_the_seeds(self) -> None:
        known = topology(f"redis+cluster://{A}")
        have(known.discover_slots(), {A: ranges(B, C)})
        assert known.known == [A, B, C]
        gone = Unavailable("gone", sent=False)
        have(known.discover_slots(), {A: gone, B: ranges(B, D), C: gone})
        assert known.known == [A, B, D]
        assert known.slots[16383] == D

    def test_who_is_alone_with_an_old_view_is_outvoted(self) -> None:
        known = topology()
        have(known.discover_slots(), {A: ranges(A), B: ranges(B), C: ranges(B)})
        assert set(known.slots.values()) == {B}

    def test_a_node_that_knows_of_no_slots_is_skipped(self) -> None:
        known = topology()
        have(known.discover_slots(), {A: [], B: [], C: ranges(C)})
        assert set(known.slots.values()) == {C}

    def test_a_node_that_does_not_know_its_host_has_the_host_that_was_asked(self) -> None:
        known = topology(f"redis+cluster://{A}")
        have(known.discover_slots(), {A: [[0, 16383, [None, 7005, b"id"]]]})
        assert set(known.slots.values()) == {"a:7005"}

    def test_a_cluster_without_reachable_nodes_is_told(self) -> None:
        gone = Unavailable("Redis cannot be reached: gone", sent=False)
        with pytest.raises(Unavailable) as raised:
            have(topology().discover_slots(), dict.fromkeys((A, B, C), gone))
        assert str(raised.value) == (
            "Redis cannot be reached: none of 3 nodes tells where the slots are: gone"
        )

    def test_a_server_that_is_no_cluster_is_told(self) -> None:
        no = BrokerError("Redis refused: This instance has cluster support disabled")
        with pytest.raises(BrokerError, match="single server starts with redis://") as raised:
            have(topology(f"redis+cluster://{A}").discover_slots(), {A: no})
        assert not isinstance(raised.value, Unavailable)


class TestRouting:
    def test_a_command_without_a_key_goes_with_the_one_before_it(self) -> None:
        known = topology()
        have(known.discover_slots(), dict.fromkeys((A, B, C), ranges(A, B)))
        _, asked = have(known.route([HERE, ["TIME"]]), {A: b"1", B: b"1"})
        assert asked == [{known.slots[SLOT]}]

    def test_a_slot_that_has_moved_is_followed_and_learned_anew(self) -> None:
        known = topology()
        have(known.discover_slots(), dict.fromkeys((A, B, C), ranges(A)))
        moved = SlotMoved(exceptions.MovedError(f"{SLOT} {D}"))
        reply, asked = have(known.route([HERE]), {A: moved, D: b"there"})
        assert (reply, asked, known.stale) == ([b"there"], [{A}, {D}], True)

    def test_a_slot_that_moves_to_another_port_of_an_unnamed_host_is_followed(self) -> None:
        known = topology()
        have(known.discover_slots(), dict.fromkeys((A, B, C), ranges(A)))
        moved = SlotMoved(exceptions.MovedError(f"{SLOT} :7009"))
        reply, _ = have(known.route([HERE]), {A: moved, "a:7009": b"there"})
        assert reply == [b"there"]

    def test_a_slot_that_moves_for_ever_is_given_up_for_now(self) -> None:
        known = topology()
        have(known.discover_slots(), dict.fromkeys((A, B, C), ranges(A)))
        moved = SlotMoved(exceptions.MovedError(f"{SLOT} {A}"))
        [reply], asked = have(known.route([HERE]), {A: moved})
        assert isinstance(reply, Unavailable)
        assert len(asked) == 6

    def test_what_is_known_is_kept_while_nobody_tells_better(self) -> None:
        known = topology()
        have(known.discover_slots(), dict.fromkeys((A, B, C), ranges(A)))
        known.note_unanswered(B, silent=False)
        gone = Unavailable("gone", sent=False)
        reply, _ = have(known.route([HERE]), {A: gone, B: gone, C: gone})
        assert reply == [gone]


class TestSuspects:
    def test_a_silent_node_is_not_asked_until_it_answers_again(self) -> None:
        answers = threading.Event()
        suspects = Suspects(lambda _: answers.wait(60.0))
        others = {*threading.enumerate()}
        suspects.add(A)
        with pytest.raises(Unavailable, match=r"^Redis cannot be reached: a:7000 has been silent"):
            suspects.check(A)
        suspects.check(B)
        [watcher] = {
            each for each in {*threading.enumerate()} - others if each.name == "buoy-node-watch"
        }
        answers.set()
        watcher.join(60.0)
        suspects.check(A)

    def test_a_forked_child_suspects_nobody(self) -> None:
        suspects = Suspects(lambda _: over.wait(60.0))
        suspects.add(A)
        suspects.owner = os.getppid()
        assert A not in suspects

    def test_only_silence_makes_suspect(self) -> None:
        known = topology()
        known.note_unanswered(A, silent=False)
        assert A not in known.suspects
        known.note_unanswered(B, silent=isinstance(RedisTimeout("late", sent=True), RedisTimeout))
        assert B in known.suspects
        assert known.candidates()[0] != B
