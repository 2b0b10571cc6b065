"""Since when a job is due: what Redis notes of it, and for how long."""

import pytest

from buoy.broker.script_arguments import ScriptArguments
from buoy.model.reservation import OutcomeWord
from buoy.model.retry_answer import Retry
from tests.support.snapshot import check_whole
from tests.support.world import LEASE, RECOVERY, World

SECOND = 1000


def due(world: World) -> dict[str, float]:
    return check_whole(world).due


def test_a_job_that_is_due_at_once_has_no_note(any_world: World) -> None:
    any_world.enqueue("a", "b", due="")

    assert any_world.take_one().due == 0.0
    assert due(any_world) == {}


def test_a_delayed_job_is_due_from_its_due_time(any_world: World) -> None:
    world = any_world
    before = world.now()
    world.enqueue("a", due="+50000")
    assert due(world) == {}

    world.wait(90 * SECOND)
    held = world.take_one()

    assert before + 50_000 <= round(held.due * 1000) <= world.now() - 40_000
    assert 39.9 < held.waited(0.0) < 89
    assert list(due(world)) == ["a"]


@pytest.mark.parametrize("outcome", ["done", "rejected", "failed", "delayed", "moved"])
def test_the_note_ends_with_the_run(any_world: World, outcome: OutcomeWord) -> None:
    world = any_world
    world.enqueue("a", due="+5000")
    world.wait(9 * SECOND)

    world.settle(world.take_one(), outcome, wait=60.0)

    assert due(world) == {}


def test_a_job_that_is_given_back_unbegun_is_due_since_then(any_world: World) -> None:
    world = any_world
    world.enqueue("a", due="+5000")
    world.wait(9 * SECOND)
    held = world.take_one()

    world.settle(held, "released")
    world.wait(SECOND)

    assert world.take_one().due == held.due


@pytest.mark.parametrize("how", ["crashed", "lease"])
def test_a_job_whose_worker_was_lost_waits_anew(any_world: World, how: str) -> None:
    world = any_world
    world.enqueue("a")
    held = world.take_one("dying")

    if how == "crashed":
        world.wait(100 * SECOND)
        world.settle(held, "crashed")
    else:
        world.live_on(RECOVERY)
    world.wait(2 * SECOND)

    assert 1.9 < world.take_one().waited(0.0) < (90 if how == "crashed" else LEASE / 1000)


def test_a_retried_job_waits_from_then_on(any_world: World) -> None:
    world = any_world
    world.enqueue("a")
    world.settle(world.take_one(), "failed")
    world.wait(100 * SECOND)
    failed_at = int(world.call("ZSCORE", "failed", "a"))

    world.control.retry(world.queue, [Retry("a", failed_at, '{"class":"Job"}', [])])
    world.wait(2 * SECOND)

    assert 1.9 < world.take_one().waited(0.0) < 90


def test_a_delayed_job_that_is_made_due_waits_from_then_on(any_world: World) -> None:
    world = any_world
    world.enqueue("a", due="+500000")
    world.wait(100 * SECOND)

    world.control.reschedule(world.queue, ["a"], None)
    world.wait(2 * SECOND)

    assert 1.9 < world.take_one().waited(0.0) < 90


@pytest.mark.parametrize("state", ["queued", "running"])
def test_the_note_ends_with_a_job_that_is_removed(any_world: World, state: str) -> None:
    world = any_world
    world.enqueue("a", due="+5000")
    world.wait(9 * SECOND)
    world.trip(1 if state == "running" else 0)
    assert list(due(world)) == ["a"]

    assert world.control.remove(world.queue, ["a"], "queued running") == {"a": state}

    assert due(world) == {}


def test_a_reply_that_is_given_again_has_it_too(any_world: World) -> None:
    world = any_world
    world.enqueue("a", due="+5000")
    world.wait(9 * SECOND)

    [first] = world.trip(1, number=7).reservations
    [again] = world.trip(1, number=7, again=True).reservations

    assert first.due == again.due > 0.0


def test_whoever_takes_a_job_out_of_turn_is_told(any_world: World) -> None:
    world = any_world
    world.enqueue("plain")
    world.enqueue("late", due="+5000")
    world.wait(9 * SECOND)
    world.beat()
    [noted] = due(world).values()

    plain, late = world.control.take(world.queue, ["plain", "late"], "mover")

    assert (plain.since, late.since) == ("", str(int(noted)))
    assert (plain.due, late.due) == ("", "")


def test_repair_leaves_no_note_of_a_job_that_is_not_due(world: World) -> None:
    world.enqueue("a", "b", due="+5000")
    world.wait(9 * SECOND)
    world.beat()
    world.call("HDEL", "jobs", "a")
    world.call("LREM", "queued", 1, "b")
    world.call("ZADD", "failed", 1, "b")
    world.call("RPUSH", "queued", "b")
    world.call("LPUSH", "queued", "b")

    words = ScriptArguments([LEASE, "mend", 2, "a", "1", "b", "1", 0, 0])
    world.broker.run_script("repair", world.queue, words)

    assert list(due(world)) == ["b"]
