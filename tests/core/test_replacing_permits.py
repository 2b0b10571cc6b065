"""A job that is replaced while it waits needs the permits of the new arguments, and no others."""

import pytest

from buoy.model.due import NOW, Due
from buoy.model.entry import Entry
from buoy.model.transition import Transition
from buoy.operations.repair import Survey
from tests.support.snapshot import check_whole
from tests.support.world import World

A, B = ("a", "1 finished"), ("b", "1 finished")
PACE_A, PACE_B = ("a", "100000000 1 paced"), ("b", "100000000 1 paced")
"""One in 100 s."""
Claim = tuple[str, str]


def put(world: World, id: str, *claims: Claim, due: Due = NOW) -> str:
    """Enqueue a job that replaces the one of its id; returns the answer."""
    transition = Transition(world.queue)
    transition.claims = [[key, until] for key, until in claims]
    transition.replace_same(world.key("replace"))
    [answer] = world.broker.enqueue(world.queue, [Entry(id, b"{}", "Job", due, transition)])
    return str(answer)


def whole(world: World) -> None:
    check_whole(world)
    assert list(Survey(world.broker, world.queue).faults()) == []


def taken(world: World, key: str) -> bytes | None:
    found: bytes | None = world.call("HGET", "claims", f"#{key}")
    return found


def test_a_queued_job_keeps_its_place_if_there_is_room_for_the_new_key(any_world: World) -> None:
    assert put(any_world, "1", A) == "queued"
    any_world.enqueue("2")
    assert put(any_world, "3", A) == "blocked"

    assert put(any_world, "1", B) == "replaced 1"

    assert any_world.queued == ["1", "2", "3"]
    assert (taken(any_world, "a"), taken(any_world, "b")) == (b"1 1", b"1 1")
    whole(any_world)


def test_a_queued_job_leaves_the_queue_if_there_is_none(any_world: World) -> None:
    put(any_world, "1", B)
    put(any_world, "2", A)
    put(any_world, "3", A)
    any_world.take_wakeup()

    assert put(any_world, "2", B) == "replaced 2"

    seen = check_whole(any_world)
    assert (seen.queued, list(seen.blocked)) == (["1", "3"], ["2"])
    assert any_world.take_wakeup()
    whole(any_world)


def test_a_job_of_a_priority_leaves_the_queue_and_comes_back_with_it(world: World) -> None:
    put(world, "1", B)
    put(world, "2", A, ("priority", "high"))
    put(world, "3")

    assert put(world, "2", B, ("priority", "high")) == "replaced 2"
    assert list(check_whole(world).blocked) == ["2"]
    assert world.control.remove("mail", ["1"], "queued") == {"1": "queued"}

    assert check_whole(world).queued == ["2", "3"]


def test_a_job_that_gets_other_permits_and_a_priority_goes_to_its_line(world: World) -> None:
    put(world, "1")
    put(world, "2", A)

    assert put(world, "2", B, ("priority", "high")) == "replaced 2"
    assert check_whole(world).queued == ["2", "1"]
    assert put(world, "2", A) == "replaced 2"
    assert check_whole(world).queued == ["1", "2"]


def test_a_blocked_job_is_let_in_if_there_is_room_for_the_new_key(any_world: World) -> None:
    for id in "123":
        put(any_world, id, A)

    assert put(any_world, "2", B) == "replaced 2"

    seen = check_whole(any_world)
    assert (seen.queued, list(seen.blocked)) == (["1", "2"], ["3"])
    assert "2" in seen.due
    whole(any_world)


def test_a_blocked_job_goes_to_the_end_of_the_line_of_the_new_key(world: World) -> None:
    put(world, "1", A)
    put(world, "2", B)
    put(world, "3", A)
    put(world, "4", B)

    assert put(world, "3", B) == "replaced 3"

    assert [line.split("\n")[0::2] for line in check_whole(world).lines] == [["b", "4"], ["b", "3"]]
    whole(world)


def test_a_job_without_limits_now_needs_nothing(world: World) -> None:
    put(world, "1", A)
    put(world, "2", A)

    assert [put(world, "2"), put(world, "1")] == ["replaced 2", "replaced 1"]

    assert world.queued == ["1", "2"]
    assert world.claims == {}
    whole(world)


def test_a_job_with_limits_now_needs_its_permit(world: World) -> None:
    put(world, "1")
    put(world, "2", A)

    assert put(world, "1", A) == "replaced 1"

    assert list(check_whole(world).blocked) == ["1"]
    whole(world)


def test_jobs_of_one_call_may_leave_the_queue_again(world: World) -> None:
    entries = []
    for id, claim in (("1", A), ("2", B), ("2", A)):
        transition = Transition(world.queue)
        transition.claims = [[*claim]]
        transition.replace_same(world.key("replace"))
        entries.append(Entry(id, b"{}", "Job", NOW, transition))

    answers = world.broker.enqueue(world.queue, entries)

    assert [str(answer) for answer in answers] == ["queued", "queued", "replaced 2"]
    seen = check_whole(world)
    assert (seen.queued, list(seen.blocked)) == (["1"], ["2"])


def test_a_job_that_waits_for_its_time_keeps_it(any_world: World) -> None:
    assert [put(any_world, id, PACE_A) for id in "12"] == ["queued", "delayed"]
    due = check_whole(any_world).delayed["2"]
    any_world.wait(50_000)

    assert put(any_world, "2", PACE_A) == "replaced 2"
    assert check_whole(any_world).delayed["2"] == due
    any_world.wait(50_001)
    assert put(any_world, "2", PACE_A) == "replaced 2"

    assert any_world.queued == ["1", "2"]


def test_a_job_gets_its_time_by_the_new_pace(world: World) -> None:
    put(world, "1", PACE_A)
    put(world, "2", PACE_A)
    put(world, "3", PACE_B)

    assert put(world, "2", PACE_B) == "replaced 2"
    assert put(world, "1", PACE_B) == "replaced 1"

    seen = check_whole(world)
    assert (seen.queued, sorted(seen.delayed)) == (["3"], ["1", "2"])
    assert 99_990 < seen.delayed["1"] - seen.delayed["2"] <= 100_001
    whole(world)


def test_a_queued_job_that_keeps_its_pace_gets_no_other_time(world: World) -> None:
    put(world, "1", PACE_A, ("k", "1 finished"))

    assert put(world, "1", PACE_A, ("m", "1 finished")) == "replaced 1"

    assert world.queued == ["1"]
    assert taken(world, "m") == b"1 1"


@pytest.mark.parametrize("later", [200_000, 600_000])
def test_a_job_that_is_to_wait_longer_gets_a_time_then(world: World, later: int) -> None:
    put(world, "1", PACE_A)
    put(world, "2", PACE_A)

    assert put(world, "2", PACE_A, due=Due(in_ms=later)) == "replaced 2"

    assert world.call("HGET", "claims", "?2") == b"p-100000000:1 a\n"
    world.wait(later + 1)
    assert [held.id for held in world.take(5)] == ["1", "2"]
