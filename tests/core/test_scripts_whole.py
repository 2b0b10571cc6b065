"""Every script, with each key of a wrong type, with each word wrong, and with 20 000 of everything:
after each call, refused or not, every job is in exactly one place and nothing is half done."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from buoy.errors import BrokerError, EnqueueError
from buoy.keys import QUEUE_PARTS, TYPES
from buoy.link import Word as Raw
from buoy.link import only, run_scripts
from buoy.packing import Entry
from buoy.reservation import Act, Advance, Reservation, Settlement
from buoy.scripts import script
from buoy.transition import COMMAND_WORDS, Word
from tests.support.snapshot import check_whole
from tests.support.world import HEALING, LEASE, World

MANY = 20_000
NAMED = 1000
"""How many jobs one script looks for in a long list."""
GIVEN = 4000
"""How many jobs one script gives to a worker."""
ACTS: list[Act] = ["later", "failed", "rejected", "release", "crashed", "moved"]

State = dict[bytes, bytes]


@dataclass
class Call:
    """A script, its keys, its words behind the clock shift if it takes that."""

    name: str
    keys: Sequence[str]
    words: Sequence[Raw]

    def run(self, world: World) -> Any:
        act = script("buoy", self.name), self.keys, self.words
        return only(run_scripts(world.broker.link, [act]))


def call(world: World, name: str, *words: Raw, attached: Sequence[str] = ()) -> Call:
    keys = [*world.broker.keys.queue(world.queue), *attached]
    return Call(name, keys, [world.broker.shift, *words])


def advance(world: World, wanted: int, *settled: Settlement, again: bool = False) -> Call:
    trip = Advance(world.queue, 5, wanted, 0, settled, again)
    act = world.broker.part("one", trip, settled)
    return Call("advance", act[1], list(act[2]))


@pytest.fixture
def crowd(world: World) -> World:
    """A queue with jobs in all places, claims, lost leases, and leases that are to be healed."""
    world.enqueue("lost")
    world.lose("lost", times=1)
    claims = [("loner", "finished"), ("opening", "started"), ("latest", "latest")]
    world.enqueue("a", claims=claims, newer=[("tick", 3)])
    world.enqueue("b", "c", "d", "e")
    world.enqueue("later", due="+600000", claims=[("slow", "finished")])
    world.enqueue("due", due="+40000")
    world.trip(4, number=5)
    world.settle(hold(world, "b"), "failed")
    world.settle(hold(world, "c"), "done")
    world.live_on(LEASE * 2 // 3)
    world.wait(LEASE * 2 // 3)
    world.rung()
    check_whole(world)
    return world


def hold(world: World, id: str) -> Reservation:
    """The reservation of a job that runs."""
    return Reservation(id, world.runs[id], world.queue, world.jobs[id])


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
        "remove": call(
            world, "remove", 1, "e", "waiting running", 1, 2, "INCR", 12, attached=[key]
        ),
        "retry": call(world, "retry", 1, "b", failed_at, "anew", 1, "r", "finished"),
        "reschedule": call(world, "reschedule", "", 2, "later", "due"),
        "take": call(world, "take", LEASE, "mover", 2, "later", "e"),
        "release": call(world, "release", "slow"),
        "pause": call(world, "pause", "pause"),
        "resume": call(world, "pause", "resume"),
        "find": call(world, "find", "a"),
    }
    for act in ACTS:
        settlement = Settlement.of(lost, act, payload="anew", wait=2.0, commands=effect)
        found[f"advance, {act}"] = advance(world, 1, settlement)
    parts = world.broker.keys.parts
    found["push"] = Call("push", parts("mail", "ready", "jobs", "recent", "bell"), ["n", "p"])
    found["push_new"] = Call("push_new", parts("mail", "ready", "jobs", "bell"), ["n", "p"])
    return found


def state(world: World) -> State:
    """All that lies in Redis, byte by byte."""
    link = world.broker.link
    keys = sorted(link.call("KEYS", "*"))
    return dict(zip(keys, link.calls([["DUMP", key] for key in keys]), strict=True))


def restore(world: World, whole: State) -> None:
    link = world.broker.link
    commands: list[list[Raw]] = [["RESTORE", key, 0, value] for key, value in whole.items()]
    link.calls([["FLUSHALL"], *commands])


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
    world.broker.link.calls([["DEL", key], [command, key, *words]])


PLAIN = {"push", "push_new"}
HEEDLESS: dict[str, set[str]] = {
    "failed": {"advance, done", "advance, idle", "advance, again", "enqueue", "enqueue without"},
    "runs": {"enqueue", "enqueue without"},
    "leases": {"enqueue", "enqueue without"},
}
"""What does not read a key, nor write to it. A plain push knows four keys."""


def heedless(part: str, name: str) -> bool:
    if name in PLAIN:
        return part not in ("ready", "jobs", "bell", *(("recent",) if name == "push" else ()))
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
    command = call(crowd, "remove", 1, "e", "waiting", 1, 2, "INCR", 11)
    for each, said in [
        (unknown, "act: expected one of lua/settle.lua, got vanish"),
        (short, "word 5: expected one more, got the end"),
        (command, "number: expected a whole one from 12 to 11, got 11"),
        (call(crowd, "pause", "stop"), "act: expected pause or resume, got stop"),
        (call(crowd, "find", "a", "b"), "words: expected 2, got 3"),
    ]:
        with pytest.raises(BrokerError) as raised:
            each.run(crowd)
        assert str(raised.value) == f"a script refused {said}"


def test_what_nobody_can_have_meant_stops_no_worker(world: World) -> None:
    world.enqueue("a", "b", "c")
    for wait in (float("inf"), float("nan"), -1.0):
        [held] = world.trip(1, hands=-1).reservations
        world.trip(-1, Settlement.of(held, "later", payload="p", wait=wait))

    assert check_whole(world).runs == {}


def test_who_enqueues_is_told_of_a_wrong_key(world: World) -> None:
    for part in ("ready", "meta"):
        key = world.key(part)
        world.broker.link.calls([["DEL", key], ["SET", key, "x"]])
        world.broker.registered.clear()

        with pytest.raises(EnqueueError) as raised:
            world.broker.enqueue("mail", [Entry("a", b"x", "+5000")])

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
    crowd.enqueue("n1", "n2", then=[("DEL", "bell"), ("RENAME", "bell", crowd.key("away"))])
    lost, a = hold(crowd, "lost"), hold(crowd, "a")
    commands = [["DEL", crowd.key("recent")], ["SET", crowd.key("recent"), "x"]]

    crowd.trip(2, Settlement.of(a, "done", commands=commands), Settlement.of(lost, "rejected"))

    assert crowd.call("GET", "recent") == b"x"
    crowd.call("DEL", "recent")
    check_whole(crowd)


# Any number


def ids(number: int = MANY) -> list[str]:
    return [f"{n:05}" for n in range(number)]


def push_all(world: World, **facts: Any) -> None:
    assert set(world.enqueue(*ids(), **facts)) <= {"queued", "delayed"}


def take_all(world: World) -> list[Reservation]:
    held: list[Reservation] = []
    while given := world.take(MANY):
        held += given
    return held


@pytest.mark.parametrize("name", ["push", "push_new"])
def test_many_plain_jobs_enter_at_once(world: World, name: str) -> None:
    words = [word for id in ids() for word in (id, "payload")]
    parts = ("ready", "jobs", "bell") if name == "push_new" else ("ready", "jobs", "recent", "bell")

    Call(name, world.broker.keys.parts("mail", *parts), words).run(world)

    assert len(check_whole(world).ready) == MANY


@pytest.mark.parametrize("due", ["", "+5000"])
def test_many_jobs_with_claims_enter_and_end_at_once(world: World, due: str) -> None:
    words = [
        word
        for id in ids()
        for word in (id, "payload", due, 2, f"f{id}", "finished", f"s{id}", "started", 0, 0)
    ]
    call(world, "enqueue", "", MANY, *words).run(world)
    assert len(check_whole(world).claims) == 3 * MANY
    world.call(
        "ZREMRANGEBYRANK" if due else "LRANGE", "delayed" if due else "ready", 0, 0 if due else -1
    )


def test_one_job_may_have_many_claims_numbers_and_commands(world: World) -> None:
    claims = [word for id in ids() for word in (id, "finished")]
    numbers = [word for id in ids() for word in (id, 7)]
    commands = [word for _ in range(MANY) for word in (2, "INCR", 12)]
    words = ["a", "payload", "", MANY, *claims, MANY, *numbers, MANY, *commands]

    call(world, "enqueue", "", 1, *words, attached=[world.key("effects")]).run(world)

    assert len(check_whole(world).claims) == MANY + 1
    assert world.call("GET", "effects") == str(MANY).encode()
    world.settle(world.take_one(), "done")
    assert not check_whole(world).claims


def test_many_are_taken_page_by_page_and_done_at_once(world: World) -> None:
    push_all(world, claims=[("latest", "latest")])

    assert len(world.take(MANY)) == GIVEN
    held = [hold_of(world, *pair) for pair in check_whole(world).runs.items()] + take_all(world)
    assert len(check_whole(world).leases) == len(held) == MANY

    effects = world.key("effects")
    settled = [
        Settlement.of(each, "done", commands=[["INCR", effects]] if n % 2 else [])
        for n, each in enumerate(held)
    ]
    _, refusals = advance(world, 0, *settled).run(world)[4:6]

    assert (refusals, world.call("GET", "effects")) == ([], str(MANY // 2).encode())
    left = check_whole(world)
    assert (left.jobs, left.claims, left.meta["done"]) == ({}, {}, str(MANY))


def hold_of(world: World, id: str, token: str) -> Reservation:
    return Reservation(id, token, world.queue, "payload")


def test_many_are_settled_at_once_in_all_ways(world: World) -> None:
    push_all(world, claims=[("latest", "latest")])
    acts = [(held, ACTS[n % len(ACTS)]) for n, held in enumerate(take_all(world))]
    settled = [Settlement.of(held, act, payload="p", wait=60) for held, act in acts]

    assert advance(world, 0, *settled).run(world)[4] == []

    left, count = check_whole(world), Counter(act for _, act in acts)
    assert left.runs == {}
    assert len(left.ready) == count["release"] + count["crashed"]
    assert len(left.crashes) == count["crashed"]
    assert len(left.delayed) == count["later"]
    assert len(left.failed) == int(left.meta["failed"]) == count["failed"]
    assert int(left.meta["rejected"]) == count["rejected"]
    assert len(left.recent) == count["rejected"] + count["moved"]


@pytest.mark.parametrize("size", [3999, 4000, 4001, 7999, 8001])
def test_a_number_at_the_edge_of_what_goes_into_one_command(world: World, size: int) -> None:
    words = [word for id in ids(size) for word in (id, "payload")]
    Call("push_new", world.broker.keys.parts("mail", "ready", "jobs", "bell"), words).run(world)
    assert check_whole(world).ready == ids(size)

    held = take_all(world)
    assert [each.id for each in held] == ids(size)
    advance(world, 0, *(Settlement.of(each, "done") for each in held)).run(world)

    left = check_whole(world)
    assert (left.jobs, left.meta["done"], set(left.recent)) == ({}, str(size), set(ids(size)))


def test_the_same_settlement_twice_in_one_call_counts_once(world: World) -> None:
    world.enqueue("a")
    held = world.take_one()

    refused = advance(world, 0, *[Settlement.of(held, "done")] * 3).run(world)[4]

    assert len(refused) == 2
    assert check_whole(world).meta["done"] == "1"


def test_many_leases_are_handed_over_again_when_their_reply_was_lost(world: World) -> None:
    push_all(world)
    take_all(world)
    lost = world.trip(0)
    world.enqueue(*(f"new-{n}" for n in range(NAMED)))
    lost = world.trip(NAMED, number=777_777)

    again = world.trip(NAMED, number=777_777, again=True)

    assert len(lost.reservations) == NAMED
    assert {each.token for each in again.reservations} == {e.token for e in lost.reservations}
    check_whole(world)


def test_many_leases_are_renewed_and_healed(world: World) -> None:
    push_all(world)
    held = take_all(world)
    words = [word for each in held for word in each[:2]]

    assert not told(call(world, "beat", LEASE, MANY, *words).run(world))
    world.wait(-LEASE)
    call(world, "beat", LEASE, 0).run(world)
    assert world.beat(*held) == []
    world.live_on(2 * LEASE + HEALING)

    assert len(check_whole(world).ready) > 0


def told(reply: Any) -> Any:
    """What a heartbeat says of leases that are lost."""
    return reply[0] if reply and isinstance(reply[0], list) else reply


def test_many_are_retried_and_put_off_at_once(world: World) -> None:
    push_all(world)
    held = take_all(world)
    world.trip(0, *(Settlement.of(each, "failed", payload="p") for each in held))
    failed = snapshot_of_failed(world)
    words = [word for id, at in failed.items() for word in (id, at, "p", 1, id, "finished")]

    answers = call(world, "retry", MANY, *words).run(world)

    assert set(answers) == {b"queued"}
    assert len(check_whole(world).ready) == MANY
    assert world.control.remove("mail", ids(NAMED), "waiting").keys() == set(ids(NAMED))
    assert len(check_whole(world).claims) == 2 * (MANY - NAMED)


def snapshot_of_failed(world: World) -> dict[str, int]:
    return {id: int(at) for id, at in check_whole(world).failed.items()}


def test_many_are_made_due_at_once(world: World) -> None:
    push_all(world, due="+60000")

    call(world, "reschedule", "", MANY, *ids()).run(world)

    assert len(check_whole(world).ready) == MANY


@pytest.mark.parametrize("name", ["take", "remove"])
def test_what_must_search_a_long_list_is_asked_for_a_thousand_at_most(
    world: World, name: str
) -> None:
    push_all(world)
    before = state(world)
    each = ids(NAMED + 1)
    words: list[Raw] = [LEASE, "mover", len(each), *each]
    if name == "remove":
        words = [len(each), *(word for id in each for word in (id, "waiting", 0))]

    with pytest.raises(BrokerError, match="expected a whole one from 0 to 1000, got 1001"):
        call(world, name, *words).run(world)

    assert state(world) == before


def test_python_asks_in_pages_that_scripts_can_take(world: World) -> None:
    push_all(world, claims=[("latest", "latest")])
    taken = world.control.take("mail", ids(300), "mover")
    held = take_all(world)
    settled = [Settlement(each.id, each.token, "mail", "release") for each in taken]
    world.control.settle("mail", "mover", settled)
    assert world.beat(*held) == []

    refused = world.trip(0, *(Settlement.of(each, "done") for each in (*held, *held[:5]))).refused

    assert len(refused) == 5
    assert len(check_whole(world).ready) == 300


def test_a_trip_of_many_words_goes_in_several_scripts(world: World) -> None:
    world.enqueue(*ids(20))
    held = world.take(20)
    commands: list[list[Word]] = [["RPUSH", world.key("log"), *["x"] * (COMMAND_WORDS - 2)]] * 50
    settled = [Settlement.of(each, "done", commands=commands) for each in held]

    assert len(world.broker.trip("one", Advance("mail", 1, settlements=settled))) == 20
    assert world.trip(0, *settled).refused == []

    assert check_whole(world).jobs == {}
    assert world.call("LLEN", "log") == 20 * 50 * (COMMAND_WORDS - 2)
