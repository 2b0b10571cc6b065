"""Every script, with each key of a wrong type, and with each word wrong: after each call, refused
or not, every job is in one place and nothing is half done. See test_scripts_many.py, too."""

from collections.abc import Sequence
from itertools import cycle

import pytest

from buoy.broker.forwarding import told_call
from buoy.broker.keys import QUEUE_PARTS, TYPES
from buoy.connection.client import RawArg as Raw
from buoy.errors import BrokerError, EnqueueError
from buoy.model.due import Due
from buoy.model.ending import Ending
from buoy.model.entry import Entry
from buoy.model.reservation import OutcomeWord, Reservation, Settlement
from tests.support.calls import Call, State, advance, call, state
from tests.support.snapshot import check_whole
from tests.support.world import LEASE, World

OWN = len(QUEUE_PARTS)
OUTCOMES: list[OutcomeWord] = ["delayed", "failed", "rejected", "released", "crashed", "moved"]


@pytest.fixture
def crowd(world: World) -> World:
    """A queue with jobs in all places, claims, lost leases, and leases that are to be healed."""
    world.enqueue("lost")
    world.lose("lost", times=1)
    claims = [
        ("loner", "finished"),
        ("opening", "started"),
        ("latest", "latest"),
        ("mail g mail a", "ended"),
    ]
    world.enqueue("a", claims=claims, newer=[("tick", 3)])
    world.enqueue("b", "c", "d")
    world.enqueue("e", claims=[("mail g mail e", "ended")])
    open_group(world, "mail e", "mail a", "mail gone")
    world.enqueue("slow", due="+600000", claims=[("slow", "finished")])
    world.enqueue("due", due="+40000")
    world.enqueue("p1", "p2", "p3", claims=[("p", "1 finished"), ("q", "2 started")])
    world.enqueue("r1", "r2", claims=[("r", "9000000000 1 paced"), ("q", "2 started")])
    world.enqueue("p4", due="+600000", claims=[("p", "1 finished")])
    world.enqueue("rare", due="+600000", claims=[("late", "throttled 900000")])
    world.enqueue("low later", due="+600000", claims=[("priority", "low")])
    world.trip(4, number=5)
    world.enqueue("h1", "h2", claims=[("priority", "high"), ("s", "1 finished")])
    world.enqueue("l1", "l2", claims=[("priority", "low front")])
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
    incr: list[Raw] = [1, 2, "INCR", OWN + 1]
    entry: list[Raw] = ["new", "payload", "Job", "", 1, "k", "started", 1, "tick", 9, *incr]
    late: list[Raw] = ["new2", "payload", "Job", "+5000", 0, 0, 0]
    found = {
        "enqueue": call(world, "enqueue", 100, 2, *entry, *late, attached=[key]),
        "enqueue without": call(world, "enqueue", "", 1, "new", "payload", "Job", "", 0, 0, 0),
        "advance": advance(
            world,
            2,
            Settlement.of(a, "done", commands=effect),
            Settlement.of(lost, "failed", payload="why", commands=effect),
        ),
        "enqueue, handed over": call(
            world, "enqueue", "", 1, "new", "payload", "Job", "", 0, 0, 0, "handed over", "h"
        ),
        "forward": call(world, "forward", 1, "1 x", 1, "2 y", 1000, 5, LEASE, 0),
        "advance, children": advance(
            world, 1, Settlement.of(a, "done", children=[["n", "p", "Job"], ["{}"]])
        ),
        "advance, done": advance(world, 1, Settlement.of(a, "done")),
        "advance, idle": advance(world, 1),
        "advance, again": advance(world, 1, again=True),
        "beat": call(
            world,
            *("beat", LEASE, 2, "a", a.token, "d", "stale"),
            attached=[world.broker.keys.groups(world.queue)],
        ),
        "remove": call(world, "remove", 1, "e", "queued running", *incr, attached=[key]),
        "retry": call(world, "retry", 1, "b", failed_at, "", "anew", 1, "r", "finished"),
        "take_failed": call(
            world, "take_failed", LEASE, "mover", 1, "b", failed_at, "", "anew", 1, "r", "finished"
        ),
        "keep_failed": call(world, "keep_failed", 1, "lost", lost.token, "as it was", failed_at),
        "trim_failed": call(world, "trim_failed", 0, 1000, 100),
        "enqueue limited": call(
            world, "enqueue", "", 1, "new", "p", "Job", "", 1, "p", "1 finished", 0, 0
        ),
        "enqueue paced": call(
            world, "enqueue", "", 1, "new", "p", "Job", "", 1, "r", "600 2 paced", 0, 0
        ),
        "enqueue throttled": call(
            world,
            *("enqueue", "", 1, "new", "p", "Job", "", 1, "t", "throttled 1000", 0, 0),
        ),
        "enqueue throttled, kept out": call(
            world, "enqueue", "", 1, "new", "p", "Job", "", 1, "late", "throttled 1000", 0, 0
        ),
        "remove, throttled": call(world, "remove", 1, "rare", "delayed", 0),
        "lift": call(world, "lift", "late"),
        "pace": call(world, "pace", "r", 500, 2),
        "pace, reset": call(world, "pace", "r", "", ""),
        "enqueue, same id, of other limits": call(
            world,
            *("enqueue", "", 2),
            *("p1", "p", "Job", "", 1, "s", "1 finished", 0, 1, 2, "REPLACE", OWN + 1),
            *("p2", "p", "Job", "", 1, "r", "600 2 paced", 0, 1, 2, "REPLACE", OWN + 1),
            attached=[world.key("replace")],
        ),
        "enqueue ranked": call(
            world, "enqueue", "", 1, "new", "p", "Job", "", 1, "priority", "high front", 0, 0
        ),
        "remove, ranked": call(world, "remove", 2, "h1", "queued", 0, "l1", "queued", 0),
        "take, ranked": call(world, "take", LEASE, "mover", 2, "h1", "l1"),
        "reschedule, ranked": call(world, "reschedule", "", 1, "low later"),
        "retry, ranked": call(world, "retry", 1, "b", failed_at, "", "anew", 1, "priority", "high"),
        "enqueue, same id": call(
            world,
            *("enqueue", "", 2),
            *("slow", "p", "Job", "", 1, "k", "finished", 1, "tick", 7, 1, 2, "REPLACE", OWN + 2),
            *("e", "p", "Job", "", 1, "l", "started", 0, 1, 2, "REPLACE", OWN + 2),
            attached=[key, world.key("replace")],
        ),
        "enqueue replacing": call(
            world,
            *("enqueue", "", 1, "new", '{"class":"Job","args":[],"id":"new"}', "Job", "+5000"),
            *(1, "slow", "started replace 9000", 0, 0),
        ),
        "remove, limited": call(world, "remove", 2, "p1", "queued", 0, "p2", "blocked", 0),
        "take, blocked": call(world, "take", LEASE, "mover", 2, "p2", "p4"),
        "reschedule, limited": call(world, "reschedule", "", 1, "p4"),
        "repair": call(
            world, "repair", LEASE, "mend", 2, "p2", 0, "e", 1, 1, "k", 2, "p", 1, "q", 0
        ),
        "group_open": call_group(world, "group_open", "new", 1, "description", "x"),
        "group_add": call_group(world, "group_add", "g", 1, "mail new", 1, "mail gone"),
        "group_close": call_group(world, "group_close", "g", "cancelled"),
        "group_unseen": call_group(world, "group_unseen", "g", before=[1000, 1]),
        "group_told": told(world, ("failed", "mail a"), ("done", "mail e"), ("lost", "mail gone")),
        "edit": call(world, "edit", "e", world.jobs["e"], "anew"),
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
    parts, pair = world.broker.keys.parts, ["n", "p", "Job"]
    found["push"] = Call("push", parts("mail", "queued", "jobs", "ended", "wakeup", "meta"), pair)
    found["push_new"] = Call("push_new", parts("mail", "queued", "jobs", "wakeup", "meta"), pair)
    return found


def call_group(
    world: World, name: str, group: str, *words: Raw, before: Sequence[Raw] = ()
) -> Call:
    keys = world.broker.keys
    attached = [keys.groups(world.queue), *keys.group(world.queue, group)]
    return call(world, name, *before, OWN + 2, *words, attached=attached)


def told(world: World, *ends: tuple[str, str]) -> Call:
    """The call that tells the group ``g`` of the ends of members."""
    endings = [Ending(world.queue, "g", member, how) for how, member in ends]
    _, keys, words = told_call(world.broker, endings)
    return Call("group_told", keys, words)


def open_group(world: World, *members: str) -> None:
    """Open the group ``g`` with these members, and close it."""
    events = ("on_death", "on_complete", "on_success")
    fields = [word for event in events for word in (event, '{"a":1}')]
    call_group(world, "group_open", "g", 4, *fields, "parent", "mail outer group").run(world)
    call_group(world, "group_add", "g", len(members), *members, 0).run(world)
    call_group(world, "group_close", "g", "closed").run(world)


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


ENQUEUES = {
    "enqueue",
    "enqueue without",
    "enqueue limited",
    "enqueue paced",
    "enqueue throttled",
    "enqueue throttled, kept out",
    "enqueue ranked",
    "enqueue replacing",
    "enqueue, same id",
    "enqueue, same id, of other limits",
    "enqueue, handed over",
}
PLAIN = {"push", "push_new"}
OF_SAME_ID = {"enqueue, same id", "enqueue, same id, of other limits"}
HEEDLESS: dict[str, set[str]] = {
    "failed": {
        *ENQUEUES - OF_SAME_ID,
        "advance, children",
        "advance, done",
        "advance, idle",
        "advance, again",
    },
    "tokens": ENQUEUES - {"enqueue replacing", *OF_SAME_ID},
    "leases": ENQUEUES,
}
"""What does not read a key, nor write to it. A plain push knows four keys."""
HEEDED = {"receipts": {"enqueue, handed over"}}
"""Keys that most scripts neither read nor write to."""
COUNTED = ("minutes", "hours", "days")
"""What is counted is lost where it cannot be stored; no script stops for that."""


def heedless(part: str, name: str) -> bool:
    if part in COUNTED:
        return True
    if part in HEEDED:
        return name not in HEEDED[part]
    if name == "forward" or name.startswith("group"):
        return part not in (
            *("blocked", "claims", "crashes", "due", "lines", "paces", "ranked"),
            *("throttles", "paced"),
            "handovers",
            "meta",
            "wakeup",
        )
    if name in PLAIN:
        return part not in ("queued", "jobs", *(("wakeup", "ended") if name == "push" else ()))
    return name in HEEDLESS.get(part, ())


@pytest.mark.parametrize("part", QUEUE_PARTS)
def test_a_key_of_a_wrong_type_changes_nothing(crowd: World, part: str) -> None:
    """Each script with one wrong type, the next one with another."""
    whole, key = state(crowd), crowd.key(part)
    for (name, each), kind in zip(
        calls(crowd).items(), cycle(sorted(WRONG.keys() - {TYPES[part]})), strict=False
    ):
        restore(crowd, whole)
        made_wrong(crowd, part, kind)
        before = state(crowd)
        if heedless(part, name):
            each.run(crowd)
            after = state(crowd)
            assert after[key.encode()] == before[key.encode()]
            after.pop(key.encode())
            was = {each: value for each, value in whole.items() if each == key.encode()}
            restore(crowd, after | was)
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
    command = call(crowd, "remove", 1, "e", "queued", 1, 2, "INCR", OWN)
    for each, said in [
        (unknown, "outcome: expected one of lua/settle.lua, got vanish"),
        (short, "word 5: expected one more, got the end"),
        (command, f"number: expected a whole one from {OWN + 1} to {OWN}, got {OWN}"),
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
            world.broker.enqueue("mail", [Entry("a", b"x", due=Due(in_ms=5000))])

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
