"""Members that were noted and never came: a worker of the home counts them as lost, once, at every
cut; and whatever is anywhere is left alone."""

import logging
from collections.abc import Callable, Sequence

import pytest

from buoy.broker.forwarding import forward
from buoy.errors import Unavailable
from buoy.model.reservation import Settlement
from buoy.operations.lost_members import look_after_groups, look_steps
from tests.core.test_forwarding_lifecycle import Forwarder
from tests.core.test_groups import (
    HOME,
    callback,
    counts,
    followed,
    open_group,
    open_handovers,
    run,
    told,
)
from tests.support.world import World, decoded

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 24 * 3_600_000


def note(world: World, *members: str, group: str = "g", closes: bool = True) -> None:
    """Open a group, and note members that are not enqueued: their program dies now."""
    fields = [word for each in ("on_complete", "on_success") for word in (each, callback(each))]
    run(world, "group_open", group, 2, *fields)
    run(world, "group_add", group, len(members), *members, 0)
    if closes:
        run(world, "group_close", group, "closed")


def enqueue(world: World, *ids: str) -> None:
    """Enqueue members that are noted."""
    for id in ids:
        world.enqueue(id, claims=[(f"{HOME} g {world.queue} {id}", "ended")])


def beat(world: World) -> list[str]:
    """A heartbeat of a worker of the home; returns the groups at which it is to look."""
    return world.broker.heartbeat({HOME: []}, []).unseen.get(HOME, [])


def look(world: World) -> None:
    """What a worker of the home does at each heartbeat."""
    look_after_groups(world.broker, HOME, beat(world))
    forward(world.broker, HOME)


def test_a_member_that_never_came_is_lost_after_an_hour(
    any_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    note(any_world, "mail a", "mail b")
    enqueue(any_world, "b")
    any_world.trip(0, Settlement.of(any_world.take_one(), "done"))
    forward(any_world.broker, "mail")
    any_world.wait(HOUR - MINUTE)
    look(any_world)
    assert (counts(any_world), followed(any_world)) == ({"total": "2", "done": "1"}, [])

    any_world.wait(10 * MINUTE + SECOND)
    with caplog.at_level(logging.WARNING, "buoy.worker"):
        look(any_world)
    assert counts(any_world) == {"total": "2", "done": "1", "lost": "1"}
    assert followed(any_world) == ["on_complete"]
    assert caplog.messages == [f"queue={HOME} group g: members that never came: 1"]


@pytest.mark.parametrize("cut", range(1, 11))
@pytest.mark.parametrize("fate", ["dies", "loses the reply"])
def test_a_worker_may_die_at_each_step(any_world: World, cut: int, fate: str) -> None:
    note(any_world, "mail a", "mail b", "mail c")
    any_world.wait(HOUR + SECOND)
    each = Forwarder(look_steps(any_world.broker, HOME, beat(any_world)))
    for number in range(cut):
        if not each.over:
            replies = any_world.broker.client.calls(each.step)  # type: ignore[arg-type]
            is_last = number == cut - 1 and fate == "loses the reply"
            each.go_on(Unavailable("away", sent=True) if is_last else replies)
    for _ in range(2):
        any_world.wait(HOUR + SECOND)
        any_world.broker.away.clear()
        look(any_world)

    assert counts(any_world) == {"total": "3", "lost": "3"}
    assert followed(any_world) == ["on_complete"]
    assert open_handovers(any_world, HOME) == 0


def test_two_workers_do_not_look_at_the_same_members(any_world: World) -> None:
    look_after_groups(any_world.broker, HOME, ["none"])  # from now on the server knows the script
    note(any_world, "mail a")
    any_world.wait(HOUR + SECOND)
    unseen = beat(any_world)
    assert unseen == beat(any_world) == ["g"]
    steps = look_steps(any_world.broker, HOME, unseen)
    [[[first], *_]] = any_world.broker.client.calls(next(steps))  # type: ignore[arg-type]
    assert decoded(first) == ["mail a"]

    assert beat(any_world) == []
    look_after_groups(any_world.broker, HOME, unseen)
    assert counts(any_world) == {"total": "1"}


def test_more_members_than_one_look_takes_are_found_at_the_next(any_world: World) -> None:
    open_group(any_world)
    names = [f"mail {number}" for number in range(1500)]
    run(any_world, "group_open", "big", 0)
    for first in (0, 1000):
        page = names[first : first + 1000]
        run(any_world, "group_add", "big", len(page), *page, 0)
    any_world.wait(HOUR + SECOND)
    look(any_world)
    assert counts(any_world, "big") == {"total": "1500", "lost": "1000"}
    look(any_world)
    assert counts(any_world, "big") == {"total": "1500", "lost": "1500"}
    assert beat(any_world) == []


Act = Callable[[World], object]


def is_queued(world: World) -> None:
    enqueue(world, "a")


def is_delayed(world: World) -> None:
    world.enqueue("a", due=f"+{100 * DAY}")


def runs(world: World) -> None:
    enqueue(world, "a")
    world.take_one()


def is_blocked(world: World) -> None:
    world.enqueue("first", "a", claims=[("p", "1 finished")])


def was_moved(world: World) -> None:
    """It lies in another queue than that in which it was enqueued."""
    World(world.broker, world.nodes, "elsewhere").enqueue("a")


def has_ended(world: World) -> None:
    """Its end is noted, and on its way."""
    enqueue(world, "a")
    world.trip(0, Settlement.of(world.take_one(), "done"))


def ended_elsewhere(world: World) -> None:
    other = World(world.broker, world.nodes, "elsewhere")
    other.enqueue("a", claims=[(f"{HOME} g mail a", "ended")])
    other.trip(0, Settlement.of(other.take_one(), "done"))


def lies_where_nobody_can_read(world: World) -> None:
    world.call("SET", "jobs", "x")


SOMEWHERE: Sequence[Act] = [
    *(is_queued, is_delayed, runs, is_blocked, was_moved),
    *(has_ended, ended_elsewhere, lies_where_nobody_can_read),
]


@pytest.mark.parametrize("act", SOMEWHERE, ids=lambda act: act.__name__)
def test_a_member_that_is_somewhere_is_not_lost(any_world: World, act: Act) -> None:
    note(any_world, "mail a")
    act(any_world)
    for _ in range(3):
        any_world.wait(HOUR + 10 * MINUTE)
        look(any_world)

    assert counts(any_world) == {"total": "1"}
    assert followed(any_world) == []


def test_an_end_among_many_other_handovers_is_seen(any_world: World) -> None:
    """Also while workers take those, and so change their order."""
    note(any_world, "mail gone", "mail a")
    has_ended(any_world)
    others = [f"{n} end done {HOME} other mail {n}" for n in range(2500)]
    words = [word for each in others for word in (9e15, each)]
    any_world.call("ZADD", "handovers", *words)
    any_world.wait(HOUR + SECOND)
    look(any_world)

    assert counts(any_world) == {"total": "2", "lost": "1"}


def test_a_group_that_is_a_member_is_lost_if_it_is_not_known(any_world: World) -> None:
    note(any_world, f"{HOME}:inner", f"{HOME}:never")
    run(any_world, "group_open", "inner", 0)
    any_world.wait(HOUR + SECOND)
    look(any_world)

    assert counts(any_world) == {"total": "2", "lost": "1"}


def test_while_a_queue_cannot_be_reached_nothing_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    note(world, "mail a")
    world.wait(HOUR + SECOND)
    with monkeypatch.context() as patched:
        patched.setattr("buoy.operations.lost_members.find_stored", away)
        with caplog.at_level(logging.DEBUG, "buoy.worker"):
            look(world)
    assert caplog.messages == [f"queue={HOME} groups were not looked at: away"]
    assert counts(world) == {"total": "1"}

    world.wait(HOUR + SECOND)
    look(world)
    assert counts(world) == {"total": "1", "lost": "1"}


def away(*_: object) -> object:
    raise Unavailable("away", sent=False)


# Groups that are left open


def is_known_as(world: World, group: str = "g") -> str:
    """Returns what has become of a group; nothing while it is open."""
    fields = ("closed", "stopped", "completed")
    found = world.broker.client.call("HMGET", world.broker.keys.group(HOME, group)[0], *fields)
    return " ".join(name for name, value in zip(fields, found, strict=True) if value)


def test_a_group_that_is_left_open_for_30_days_is_cancelled(
    any_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    note(any_world, "mail a", closes=False)
    any_world.wait(29 * DAY)
    run(any_world, "group_add", "g", 1, "mail b", 0)
    told(any_world, "done", "mail a", "mail b")
    any_world.wait(29 * DAY)
    look(any_world)
    assert is_known_as(any_world) == ""

    any_world.wait(DAY + SECOND)
    with caplog.at_level(logging.WARNING, "buoy.worker"):
        look(any_world)
    assert is_known_as(any_world) == "closed stopped completed"
    assert followed(any_world) == ["on_complete"]
    assert caplog.messages == [f"queue={HOME} group g was left open: cancelled"]


def test_a_group_with_open_members_is_not_left_open(any_world: World) -> None:
    note(any_world, "mail a", closes=False)
    is_delayed(any_world)
    any_world.wait(60 * DAY)
    look(any_world)
    assert is_known_as(any_world) == ""


@pytest.mark.parametrize("ends", ["before", "after"])
def test_a_cancelled_group_never_succeeds(any_world: World, ends: str) -> None:
    """Also if all members that it has got so far have ended well: it may lack others."""
    note(any_world, "mail a", closes=False)
    if ends == "before":
        told(any_world, "done", "mail a")
    run(any_world, "group_close", "g", "cancelled")
    told(any_world, "done", "mail a")
    forward(any_world.broker, HOME)

    assert followed(any_world) == ["on_complete"]


# The list of groups that are not complete


def names(world: World) -> dict[str, float]:
    found = world.broker.client.call("ZRANGE", world.broker.keys.groups(HOME), 0, -1, "WITHSCORES")
    return {id: float(score) for id, score in zip(decoded(found[::2]), found[1::2], strict=True)}


def test_groups_of_versions_that_did_not_look_are_looked_at(any_world: World) -> None:
    note(any_world, "mail a")
    any_world.broker.client.call("ZADD", any_world.broker.keys.groups(HOME), 0, "g")
    assert beat(any_world) == ["g"]
    look(any_world)
    assert names(any_world)["g"] < 0
    assert beat(any_world) == []


def test_the_group_that_was_not_looked_at_for_longest_comes_first(any_world: World) -> None:
    for number in range(3):
        note(any_world, group=str(number), closes=False)
        any_world.wait(MINUTE)
    any_world.wait(10 * MINUTE)
    assert beat(any_world) == ["0", "1", "2"]


def test_a_name_without_a_group_is_forgotten(any_world: World) -> None:
    note(any_world, "mail a")
    any_world.broker.client.call("DEL", any_world.broker.keys.group(HOME, "g")[0])
    any_world.wait(HOUR)
    look(any_world)
    assert names(any_world) == {}


def test_a_complete_group_is_not_looked_at(any_world: World) -> None:
    note(any_world)
    any_world.wait(HOUR)
    assert beat(any_world) == []
    look_after_groups(any_world.broker, HOME, ["g"])
    assert names(any_world)["g"] > 0


def test_a_heartbeat_goes_on_where_the_list_of_groups_has_a_wrong_type(any_world: World) -> None:
    any_world.broker.client.call("SET", any_world.broker.keys.groups(any_world.queue), "x")
    any_world.enqueue("a")
    held = any_world.take_one()
    assert any_world.beat(held) == []


def test_a_full_redis_still_counts_what_is_lost(world: World) -> None:
    note(world, "mail a")
    world.wait(HOUR + SECOND)
    world.broker.client.call("CONFIG", "SET", "maxmemory", 1)
    try:
        look(world)
        assert counts(world) == {"total": "1", "lost": "1"}
    finally:
        world.broker.client.call("CONFIG", "SET", "maxmemory", 0)


def test_who_comes_after_all_is_not_counted_twice(any_world: World) -> None:
    """A program that sleeps for longer than an hour between noting and enqueueing."""
    note(any_world, "mail a")
    any_world.wait(HOUR + SECOND)
    look(any_world)
    enqueue(any_world, "a")
    any_world.trip(0, Settlement.of(any_world.take_one(), "done"))
    forward(any_world.broker, "mail")

    assert counts(any_world) == {"total": "1", "lost": "1"}
    assert followed(any_world) == ["on_complete"]
