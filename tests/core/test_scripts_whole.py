"""Every script, with each key of a wrong type, and with each word wrong: after each call, refused
or not, every job is in one place and nothing is half done. See test_scripts_many.py, too."""

from collections.abc import Sequence

import pytest

from buoy.broker.keys import QUEUE_PARTS, TYPES
from buoy.connection.client import RawArg as Raw
from buoy.errors import BrokerError, EnqueueError
from buoy.model.due import Due
from buoy.model.entry import Entry
from buoy.model.reservation import OutcomeWord, Reservation, Settlement
from tests.support.calls import Call, State, advance, call, state
from tests.support.snapshot import check_whole
from tests.support.world import LEASE, World

OUTCOMES: list[OutcomeWord] = ["delayed", "failed", "rejected", "released", "crashed", "moved"]


@pytest.fixture
def crowd(world: World) -> World:
    """A queue with jobs in all places, claims, lost leases, and leases that are to be healed."""
    world.enqueue("lost")
    world.lose("lost", times=1)
    claims = [("loner", "finished"), ("opening", "started"), ("latest", "latest")]
    world.enqueue("a", claims=claims, newer=[("tick", 3)])
    world.enqueue("b", "c", "d", "e")
    world.enqueue("slow", due="+600000", claims=[("slow", "finished")])
    world.enqueue("due", due="+40000")
    world.trip(4, number=5)
    world.settle(hold(world, "b"), "failed")
    world.settle(hold(world, "c"), "done")
    world.live_on(LEASE * 2 // 3)
    world.wait(LEASE * 2 // 3)
    world.take_wakeup()
    check_whole(world)
    return world


def hold(world: World, id: str) -> Reservation:
    """The reservation of a job that runs."""
    return Reservation(id, world.tokens[id], world.queue, world.jobs[id])


def calls(world: World) -> dict[str, Call]:
    """Each script as it is called in the crowd, with all that it can do."""
    key, effect = world.key("effects"), [["INCR", world.key("effects")]]
    a, lost = hold(world, "a"), hold(world, "lost")
    failed_at = int(world.call("ZSCORE", "failed", "b"))
    entry: list[Raw] = ["new", "payload", "", 1, "k", "started", 1, "tick", 9, 1, 2, "INCR", 12]
    late: list[Raw] = ["new2", "payload", "+5000", 0, 0, 0]
    found = {
        "enqueue": call(world, "enqueue", 100, 2, *entry, *late, attached=[key]),
        "enqueue without": call(world, "enqueue", "", 1, "new", "payload", "", 0, 0, 0),
        "advance": advance(
            world,
            2,
            Settlement.of(a, "done", commands=effect),
            Settlement.of(lost, "failed", payload="why", commands=effect),
        ),
        "advance, done": advance(world, 1, Settlement.of(a, "done")),
        "advance, idle": advance(world, 1),
        "advance, again": advance(world, 1, again=True),
        "beat": call(world, "beat", LEASE, 2, "a", a.token, "d", "stale"),
        "remove": call(world, "remove", 1, "e", "queued running", 1, 2, "INCR", 12, attached=[key]),
        "retry": call(world, "retry", 1, "b", failed_at, "anew", 1, "r", "finished"),
        "reschedule": call(world, "reschedule", "", 2, "slow", "due"),
        "take": call(world, "take", LEASE, "mover", 2, "slow", "e"),
        "release_claim": call(world, "release_claim", "slow"),
        "pause": call(world, "pause", "pause"),
        "resume": call(world, "pause", "resume"),
        "find": call(world, "find", "a"),
    }
    for outcome in OUTCOMES:
        settlement = Settlement.of(lost, outcome, payload="anew", wait=2.0, commands=effect)
        found[f"advance, {outcome}"] = advance(world, 1, settlement)
    parts = world.broker.keys.parts
    found["push"] = Call("push", parts("mail", "queued", "jobs", "ended", "wakeup"), ["n", "p"])
    found["push_new"] = Call("push_new", parts("mail", "queued", "jobs", "wakeup"), ["n", "p"])
    return found


def restore(world: World, whole: State) -> None:
    client = world.broker.client
    commands: list[list[Raw]] = [["RESTORE", key, 0, value] for key, value in whole.items()]
    client.calls([["FLUSHALL"], *commands])


WRONG: dict[str, list[Raw]] = {
    "string": ["SET", "", "x"],
    "list": ["RPUSH", "", "x"],
    "set": ["SADD", "", "x"],
    "hash": ["HSET", "", "x", 1],
    "zset": ["ZADD", "", 1, "x"],
    "stream": ["XADD", "", "*", "x", 1],
}


def made_wrong(world: World, part: str, kind: str) -> None:
    key = world.key(part)
    command, _, *words = WRONG[kind]
    world.broker.client.calls([["DEL", key], [command, key, *words]])


PLAIN = {"push", "push_new"}
HEEDLESS: dict[str, set[str]] = {
    "failed": {"advance, done", "advance, idle", "advance, again", "enqueue", "enqueue without"},
    "tokens": {"enqueue", "enqueue without"},
    "leases": {"enqueue", "enqueue without"},
}
"""What does not read a key, nor write to it. A plain push knows four keys."""


def heedless(part: str, name: str) -> bool:
    if name in PLAIN:
        return part not in ("queued", "jobs", "wakeup", *(("ended",) if name == "push" else ()))
    return name in HEEDLESS.get(part, ())


@pytest.mark.parametrize("part", QUEUE_PARTS)
def test_a_key_of_a_wrong_type_changes_nothing(crowd: World, part: str) -> None:
    whole, key = state(crowd), crowd.key(part)
    for name, each in calls(crowd).items():
        for kind in sorted(WRONG.keys() - {TYPES[part]}):
            restore(crowd, whole)
            made_wrong(crowd, part, kind)
            before = state(crowd)
            if heedless(part, name):
                each.run(crowd)
                after = state(crowd)
                assert after[key.encode()] == before[key.encode()]
                restore(crowd, after | {key.encode(): whole[key.encode()]})
                check_whole(crowd)
            else:
                with pytest.raises(BrokerError) as raised:
                    each.run(crowd)
                expected = f"{key}: expected a {TYPES[part]}, got a {kind}; nothing was changed"
                assert str(raised.value).startswith(expected)
                assert state(crowd) == before, (name, kind)


BAD: list[Raw] = ["", "x", "-1", "1.5", "nan", "inf", "-inf", "1e400", "99999999999999999999", "\n"]


def test_a_wrong_word_changes_nothing_or_does_no_harm(crowd: World) -> None:
    whole = state(crowd)
    refused = 0
    for name, each in calls(crowd).items():
        for n in range(len(each.words)):
            for bad in BAD:
                refused += spoilt(crowd, whole, each, [*each.words[:n], bad, *each.words[n + 1 :]])
        for words in (each.words[:-1], [*each.words, "more"]):
            assert spoilt(crowd, whole, each, words), name
    assert refused > 500


def spoilt(world: World, whole: State, each: Call, words: Sequence[Raw]) -> bool:
    """Whether a call with these words is refused; if it is not, all is well after it."""
    restore(world, whole)
    refused = None
    try:
        Call(each.name, each.keys, words).run(world)
    except BrokerError as error:
        refused = str(error)
    if refused is None:
        check_whole(world)
        return False
    assert refused.startswith("a script refused "), (each.name, words, refused)
    assert state(world) == whole, (each.name, words)
    return True


def test_what_is_refused_is_said(crowd: World) -> None:
    lost = hold(crowd, "lost")
    unknown = advance(crowd, 1, Settlement.of(lost, "vanish"))  # type: ignore[arg-type]
    short = call(crowd, "reschedule", "", 3, "a")
    command = call(crowd, "remove", 1, "e", "queued", 1, 2, "INCR", 11)
    for each, said in [
        (unknown, "outcome: expected one of lua/settle.lua, got vanish"),
        (short, "word 5: expected one more, got the end"),
        (command, "number: expected a whole one from 12 to 11, got 11"),
        (call(crowd, "pause", "stop"), "mode: expected pause or resume, got stop"),
        (call(crowd, "find", "a", "b"), "words: expected 2, got 3"),
    ]:
        with pytest.raises(BrokerError) as raised:
            each.run(crowd)
        assert str(raised.value) == f"a script refused {said}"


def test_what_nobody_can_have_meant_stops_no_worker(world: World) -> None:
    world.enqueue("a", "b", "c")
    for wait in (float("inf"), float("nan"), -1.0):
        [held] = world.trip(1, hands=-1).reservations
        world.trip(-1, Settlement.of(held, "delayed", payload="p", wait=wait))

    assert check_whole(world).tokens == {}


def test_who_enqueues_is_told_of_a_wrong_key(world: World) -> None:
    for part in ("queued", "meta"):
        key = world.key(part)
        world.broker.client.calls([["DEL", key], ["SET", key, "x"]])
        world.broker.registered.clear()

        with pytest.raises(EnqueueError) as raised:
            world.broker.enqueue("mail", [Entry("a", b"x", Due(in_ms=5000))])

        assert str(raised.value) == (
            f"queue 'mail': job a: {key}: expected a {TYPES[part]}, got a string; nothing was "
            "changed; RENAME it to a name of its own, and find out what writes there; "
            "nothing was enqueued"
        )
        world.call("DEL", part)


def test_a_word_of_the_user_is_no_code_of_redis(crowd: World) -> None:
    with pytest.raises(BrokerError) as raised:
        call(crowd, "pause", "OOM BUSY").run(crowd)

    assert type(raised.value) is BrokerError


def test_garbage_in_the_place_of_numbers_is_none(crowd: World) -> None:
    for field in ("seq", "done", "failed", "rejected", "seen", "grace", "since", "newer:tick"):
        crowd.call("HSET", "meta", field, "nan")
    crowd.call("HSET", "crashes", "lost", "garbage")
    whole = state(crowd)
    for name, each in calls(crowd).items():
        restore(crowd, whole)
        each.run(crowd)
        assert check_whole(crowd), name


def test_a_key_that_a_plugin_destroys_stops_nothing_halfway(crowd: World) -> None:
    """What is attached comes when all else is done."""
    crowd.enqueue("n1", "n2", then=[("DEL", "wakeup"), ("RENAME", "wakeup", crowd.key("away"))])
    lost, a = hold(crowd, "lost"), hold(crowd, "a")
    commands = [["DEL", crowd.key("ended")], ["SET", crowd.key("ended"), "x"]]

    crowd.trip(2, Settlement.of(a, "done", commands=commands), Settlement.of(lost, "rejected"))

    assert crowd.call("GET", "ended") == b"x"
    crowd.call("DEL", "ended")
    check_whole(crowd)
