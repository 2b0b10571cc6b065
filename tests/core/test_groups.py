"""Groups of jobs: their home learns how each member has ended, once, through any crash."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from buoy.broker.forwarding import LONGEST_MS, forward
from buoy.broker.keys import QUEUE_PARTS
from buoy.broker.script_arguments import ScriptArguments
from buoy.connection.client import RedisSteps, run_steps
from buoy.errors import BrokerError, CorruptPayload, PluginError
from buoy.model.ending import Ending, GroupKey, parse_handover
from buoy.model.entry import Entry
from buoy.model.handover import Handover
from buoy.model.reservation import OutcomeWord, Settlement
from buoy.model.transition import Transition
from buoy.operations.groups import read_open_members
from tests.support.world import World, decoded, pairs, payload_of

HOME = "reports"
T = TypeVar("T")
OWN = len(QUEUE_PARTS)


def run(world: World, name: str, group: str, *words: str | int) -> list[object]:
    """Run a script on a group whose home is HOME."""
    keys = world.broker.keys
    arguments = ScriptArguments([OWN + 2, *words])
    arguments.keys += [keys.groups(HOME), *keys.group(HOME, group)]
    reply = world.broker.run_script(name, HOME, arguments)
    return [each.decode() if isinstance(each, bytes) else each for each in as_list(reply)]


def as_list(reply: object) -> list[object]:
    return reply if isinstance(reply, list) else [reply]


def callback(event: str) -> str:
    entry = Entry(event, payload_of(event), "Report")
    return Handover(f"name-{event}", "g", HOME, entry).encoded()


def open_group(world: World, *ids: str, group: str = "g", parent: str = "") -> None:
    """Open a group, with its members and what follows, and close it; enqueue the members."""
    events = ("on_death", "on_complete", "on_success")
    fields = [word for each in events for word in (each, callback(f"{group}-{each}"))]
    run(world, "group_open", group, 4, *fields, "parent", parent)
    run(world, "group_add", group, len(ids), *ids, 0)
    run(world, "group_close", group, "closed")
    for id in ids:
        world.enqueue(id, claims=[(f"{HOME} {group} {id}", "ended")])


def test_no_open_member_is_missed_while_others_get_another_place(any_world: World) -> None:
    keys = any_world.broker.keys
    call = any_world.broker.client.call
    members = keys.group(HOME, "g")[1]
    for number in range(2500):
        call("ZADD", members, number, f"job {number}")

    def put_off_the_oldest() -> None:
        for score, member in enumerate(call("ZRANGE", members, 0, 999), start=9000):
            call("ZADD", members, score, member)

    steps = disturbed(read_open_members(keys, GroupKey(HOME, "g")), put_off_the_oldest)
    assert len(run_steps(steps, lambda: any_world.broker.client)) == 2500


def disturbed(steps: RedisSteps[T], disturb: Callable[[], object]) -> RedisSteps[T]:
    """Returns these steps; something happens after each reply."""
    commands = next(steps)
    while True:
        replies = yield commands
        disturb()
        try:
            commands = steps.send(replies)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # as the steps say


def counts(world: World, group: str = "g") -> dict[str, str]:
    found = pairs(world.broker.client.call("HGETALL", world.broker.keys.group(HOME, group)[0]))
    names = ("total", "done", "failed", "expired", "cancelled", "lost")
    return {name: found[name] for name in names if name in found}


def followed(world: World, group: str = "g") -> list[str]:
    """The events that have been followed by a job, in their order."""
    home = World(world.broker, world.nodes, HOME)
    return [id.removeprefix(f"{group}-") for id in home.queued]


def end(world: World, outcome: OutcomeWord = "done") -> None:
    """End the next job so, and tell its group."""
    assert world.trip(0, Settlement.of(world.take_one(), outcome, payload="{}")).handovers
    forward(world.broker, world.queue)


def open_handovers(world: World, queue: str) -> int:
    found: int = World(world.broker, world.nodes, queue).call("ZCARD", "handovers")
    return found


def test_a_group_is_complete_when_all_its_members_have_ended(any_world: World) -> None:
    open_group(any_world, "a", "b")
    end(any_world)
    assert (counts(any_world), followed(any_world)) == ({"total": "2", "done": "1"}, [])
    end(any_world)

    assert counts(any_world) == {"total": "2", "done": "2"}
    assert sorted(followed(any_world)) == ["on_complete", "on_success"]
    assert open_handovers(any_world, HOME) == open_handovers(any_world, any_world.queue) == 0


@pytest.mark.parametrize(
    ("outcome", "counted", "events"),
    [
        ("failed", "failed", ["on_complete", "on_death"]),
        ("rejected", "expired", ["on_complete"]),
    ],
)
def test_each_end_counts_as_what_it_is(
    any_world: World, outcome: OutcomeWord, counted: str, events: Sequence[str]
) -> None:
    open_group(any_world, "a")
    end(any_world, outcome)

    assert counts(any_world) == {"total": "1", counted: "1"}
    assert sorted(followed(any_world)) == events


@pytest.mark.parametrize("outcome", ["delayed", "released", "crashed", "moved"])
def test_what_is_no_end_is_not_told(any_world: World, outcome: OutcomeWord) -> None:
    open_group(any_world, "a")
    settled = Settlement.of(any_world.take_one(), outcome, payload="{}")

    assert any_world.trip(0, settled).handovers == 0
    assert open_handovers(any_world, any_world.queue) == 0


@pytest.mark.parametrize("where", ["queued", "running"])
def test_a_cancelled_member_counts_as_cancelled(any_world: World, where: str) -> None:
    open_group(any_world, "a")
    if where == "running":
        any_world.take_one()
    any_world.control.remove(any_world.queue, ["a"], where)
    forward(any_world.broker, any_world.queue)

    assert counts(any_world) == {"total": "1", "cancelled": "1"}
    assert followed(any_world) == ["on_complete"]


def test_a_member_whose_payload_is_gone_is_lost(any_world: World) -> None:
    open_group(any_world, "a")
    any_world.call("HDEL", "jobs", "a")
    assert any_world.take() == []
    forward(any_world.broker, any_world.queue)

    assert counts(any_world) == {"total": "1", "lost": "1"}


def test_a_failed_member_that_ends_well_later_counts_as_done(any_world: World) -> None:
    open_group(any_world, "a")
    end(any_world, "failed")
    told(any_world, "done", "a")
    forward(any_world.broker, HOME)

    assert counts(any_world) == {"total": "1", "failed": "0", "done": "1"}
    assert sorted(followed(any_world)) == ["on_complete", "on_death", "on_success"]


def told(world: World, outcome: str, *members: str, group: str = "g") -> list[object]:
    words = [word for each in members for word in (OWN + 2, outcome, each)]
    keys = world.broker.keys
    arguments = ScriptArguments([len(members), *words])
    arguments.keys += [keys.groups(HOME), *keys.group(HOME, group)]
    reply: list[object] = world.broker.run_script("group_told", HOME, arguments)
    return reply


@pytest.mark.parametrize("again", ["done", "failed", "expired", "cancelled", "lost"])
def test_what_is_told_again_does_nothing(any_world: World, again: str) -> None:
    open_group(any_world, "a", "b")
    told(any_world, "done", "a")
    for _ in range(3):
        assert told(any_world, again, "a", "stranger")[3] == 0

    assert counts(any_world) == {"total": "2", "done": "1"}
    assert followed(any_world) == []


def test_what_a_complete_group_hands_over_is_enqueued_once(any_world: World) -> None:
    open_group(any_world, "a")
    for _ in range(3):
        told(any_world, "done", "a")
    assert open_handovers(any_world, HOME) == 2
    for _ in range(3):
        forward(any_world.broker, HOME)

    assert sorted(followed(any_world)) == ["on_complete", "on_success"]


def test_a_group_of_no_members_is_complete_when_it_is_closed(any_world: World) -> None:
    open_group(any_world)
    forward(any_world.broker, HOME)

    assert sorted(followed(any_world)) == ["on_complete", "on_success"]


def test_a_group_that_is_not_known_is_told_nothing(any_world: World) -> None:
    any_world.enqueue("a", claims=[(f"{HOME} gone a", "ended")])
    end(any_world)

    assert open_handovers(any_world, any_world.queue) == 0
    assert not any_world.broker.client.call("EXISTS", any_world.broker.keys.group(HOME, "gone")[0])


@pytest.mark.parametrize("inner_fails", [False, True])
def test_a_group_can_be_a_member_of_another(any_world: World, inner_fails: bool) -> None:
    open_group(any_world, group="outer")
    run(any_world, "group_open", "big", 1, "on_success", callback("big-on_success"))
    run(any_world, "group_add", "big", 1, "inner", 0)
    run(any_world, "group_close", "big", "closed")
    open_group(any_world, "a", group="small", parent=f"{HOME} big inner")

    end(any_world, "failed" if inner_fails else "done")

    assert counts(any_world, "big") == {"total": "1", "failed" if inner_fails else "done": "1"}
    told(any_world, "done", "a", group="small")  # somebody has retried it
    forward(any_world.broker, HOME)
    assert counts(any_world, "big")["done"] == "1"
    assert followed(any_world, "big").count("on_success") == 1


def test_only_an_open_group_takes_members(any_world: World) -> None:
    assert run(any_world, "group_add", "g", 1, "a", 0) == ["unknown", 0, []]
    run(any_world, "group_open", "g", 0)
    assert run(any_world, "group_add", "g", 1, "a", 0) == ["open", 0, []]
    assert run(any_world, "group_add", "g", 2, "a", "b", 0) == ["open", 0, [b"a"]]
    assert run(any_world, "group_add", "g", 0, 1, "b") == ["open", 0, []]
    assert counts(any_world) == {"total": "1"}
    run(any_world, "group_close", "g", "cancelled")
    assert run(any_world, "group_add", "g", 1, "c", 0) == ["cancelled", 0, []]
    told(any_world, "cancelled", "a")
    assert run(any_world, "group_add", "g", 1, "c", 0) == ["complete", 0, []]


def test_a_group_is_known_for_a_week_after_it_is_complete(any_world: World) -> None:
    open_group(any_world, "a")
    keys, week = any_world.broker.keys, 7 * 24 * 3600 * 1000
    hash_key = keys.group(HOME, "g")[0]
    assert any_world.broker.client.call("PTTL", hash_key) == -1
    end(any_world)

    assert week - 60_000 < any_world.broker.client.call("PTTL", hash_key) <= week
    assert decoded(any_world.broker.client.call("ZRANGE", keys.groups(HOME), 0, -1)) == ["g"]
    any_world.wait(week + 1000)
    open_group(any_world, group="later")
    assert decoded(any_world.broker.client.call("ZRANGE", keys.groups(HOME), 0, -1)) == ["later"]


def test_a_home_that_is_away_is_told_later(world: World) -> None:
    open_group(world, "a")
    hash_key = world.broker.keys.group(HOME, "g")[0]
    world.broker.client.call("RENAME", hash_key, "aside")
    world.broker.client.call("SET", hash_key, "x")
    end(world)
    assert open_handovers(world, world.queue) == 1
    world.broker.client.call("RENAME", "aside", hash_key)
    world.wait(LONGEST_MS + 1)
    forward(world.broker, world.queue)

    assert counts(world) == {"total": "1", "done": "1"}


@pytest.mark.parametrize(
    "text",
    ["end ", "end done", "end well mail g m", "end done a:b g m", "end done mail g:h m"],
)
def test_what_is_no_end_is_refused(text: str) -> None:
    with pytest.raises(CorruptPayload) as raised:
        parse_handover(f"5 {text}")
    wanted = "hand-over: expected end, an outcome, a queue, a group and a member, got "
    assert str(raised.value) == f"{wanted}{text!r}"


def test_an_end_is_read_as_it_was_written() -> None:
    found = parse_handover("5 end done mail g queue an id")
    assert found == Ending("mail", "g", "queue an id", "done", 5)


@pytest.mark.parametrize("names", [("", "g", "m"), ("mail", "", "m"), ("mail", "g", "")])
def test_only_names_can_be_told(names: tuple[str, str, str]) -> None:
    with pytest.raises(PluginError) as raised:
        Transition("mail").tell_end(*names)
    got = " ".join(names)
    assert str(raised.value) == f"tell_end: expected a queue, a group and a member, got {got!r}"


def test_who_is_told_keeps_nobody_out(any_world: World) -> None:
    claim = (f"{HOME} g same", "ended")
    assert any_world.enqueue("a", "b", claims=[claim]) == ["queued", "queued"]
    assert not any(key.startswith(">") for key in pairs(any_world.call("HGETALL", "claims")))


def test_a_full_redis_still_tells(world: World) -> None:
    open_group(world, "a")
    world.broker.client.call("CONFIG", "SET", "maxmemory", 1)
    try:
        end(world)
        assert counts(world) == {"total": "1", "done": "1"}
        with pytest.raises(BrokerError):
            run(world, "group_open", "other", 0)
    finally:
        world.broker.client.call("CONFIG", "SET", "maxmemory", 0)
