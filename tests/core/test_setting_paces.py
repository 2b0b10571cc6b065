"""Paces that are set while jobs wait: their times, and those of what comes."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buoy import PluginError
from buoy.operations.pace_reader import Pace, PaceView, read_paces, read_throttles
from buoy.operations.repair import Survey
from tests.support.snapshot import check_whole
from tests.support.world import World

SLOW = [("k", "1000000000 1 paced")]
"""One in 1000 s: a test that takes some seconds between two calls changes little."""


def waits(world: World) -> list[int]:
    """In how many thousands of seconds each delayed job is due, in order."""
    seen = check_whole(world)
    return sorted(round((due - seen.now) / 1_000_000) for due in seen.delayed.values())


def test_a_faster_pace_moves_jobs_up(any_world: World) -> None:
    any_world.enqueue(*"abcdefgh", claims=SLOW)
    assert waits(any_world) == [1, 2, 3, 4, 5, 6, 7]
    order = list(check_whole(any_world).delayed)

    assert any_world.control.set_pace(any_world.queue, "k", 0.001) == 7

    any_world.wait(10)
    assert [held.id for held in any_world.take(20)] == ["a", *order]


def test_a_slower_pace_moves_them_back_and_what_comes_is_behind_them(world: World) -> None:
    world.enqueue(*"abc", claims=SLOW)

    assert world.control.set_pace("mail", "k", 4000) == 2
    world.enqueue("d", claims=SLOW)

    assert waits(world) == [4, 8, 12]


def test_what_has_begun_still_counts(world: World) -> None:
    world.enqueue("a", claims=SLOW)
    world.wait(500_000)

    assert world.control.set_pace("mail", "k", 10_000) == 0
    world.enqueue("b", claims=SLOW)

    assert waits(world) == [5]


def test_times_that_nobody_uses_are_given_out_again(world: World) -> None:
    world.enqueue(*"abcd", claims=SLOW)
    world.control.remove("mail", ["b", "c"], "delayed")
    assert waits(world) == [3]

    assert world.control.set_pace("mail", "k", 1000) == 1

    assert waits(world) == [1]


def test_a_burst_may_begin_at_once(world: World) -> None:
    world.enqueue(*"abcdef", claims=SLOW)

    assert world.control.set_pace("mail", "k", 1000, 3) == 5

    assert len(world.take(20)) == 3
    assert waits(world) == [1, 2, 3]


def test_a_burst_that_has_begun_counts_as_what_may_begin_together_now(world: World) -> None:
    world.control.set_pace("mail", "k", 1000, 3)
    world.enqueue(*"abc", claims=SLOW)
    assert len(world.take(5)) == 3

    world.control.set_pace("mail", "k", None)
    world.enqueue("d", claims=SLOW)

    assert waits(world) == [1]


def test_what_is_declared_counts_again_after_a_reset(world: World) -> None:
    world.control.set_pace("mail", "k", 10_000)
    world.enqueue(*"abc", claims=SLOW)
    assert waits(world) == [10, 20]

    assert world.control.set_pace("mail", "k", None) == 2

    assert waits(world) == [1, 2]
    assert world.call("HKEYS", "meta").count(b"pace:k") == 0
    assert world.control.set_pace("mail", "k", None) == 0


def test_jobs_of_other_keys_and_other_delays_keep_their_times(world: World) -> None:
    world.enqueue("late", due="+5000000", claims=SLOW)
    world.enqueue("a", "b", claims=[("kk", "1000000000 1 paced")])

    assert world.control.set_pace("mail", "k", 100) == 0

    assert waits(world) == [1, 5]


def test_a_job_of_two_paces_is_not_moved_up(world: World) -> None:
    world.enqueue("a", "b", claims=[*SLOW, ("m", "3000000000 1 paced")])
    assert waits(world) == [3]

    assert world.control.set_pace("mail", "k", 100) == 0
    assert world.control.set_pace("mail", "k", 10_000) == 1

    assert waits(world) == [10]


def test_a_pace_is_told(world: World) -> None:
    world.control.set_pace("mail", "other", 0.5, 7)
    world.enqueue(*"abc", claims=SLOW)
    now = check_whole(world).now

    found = world.broker.run_steps(read_paces(world.broker.keys, ["mail", "nowhere"], now))

    [view, other] = found
    assert view == PaceView("mail", "k", view.next, 2, Pace(1000.0, 1), None)
    assert view.pace == Pace(1000.0, 1)
    assert 2900 < (view.next or 0) - now / 1000 <= 3000
    assert other == PaceView("mail", "other", None, 0, None, Pace(0.5, 7))
    assert other.pace == Pace(0.5, 7)
    assert world.broker.run_steps(read_paces(world.broker.keys, [], now)) == []


def test_a_throttle_is_told_and_keys_of_wrong_types_are_left_out(world: World) -> None:
    world.enqueue("a", claims=[("t", "throttled 6000000")])
    now = check_whole(world).now

    [view] = world.broker.run_steps(read_throttles(world.broker.keys, ["mail"], now))
    assert (view.queue, view.key, view.holder) == ("mail", "t", "a")
    assert 5900 < view.until - now / 1000 <= 6000
    world.call("DEL", "throttles")
    world.call("SET", "throttles", "x")
    world.call("SET", "paces", "x")
    assert world.broker.run_steps(read_throttles(world.broker.keys, ["mail"], now)) == []
    assert world.broker.run_steps(read_paces(world.broker.keys, ["mail"], now)) == []


@pytest.mark.parametrize(
    ("interval", "burst", "said"),
    [
        (0, 1, "an interval from 0.000001 to 100000000 seconds, got 0"),
        (float("nan"), 1, "an interval from 0.000001 to 100000000 seconds, got nan"),
        (1, 0, "a burst from 1 to 1000000, got 0"),
        (1, True, "a burst from 1 to 1000000, got True"),
    ],
)
def test_a_pace_is_checked(world: World, interval: float, burst: int, said: str) -> None:
    with pytest.raises(PluginError) as raised:
        world.control.set_pace("mail", "k", interval, burst)

    assert str(raised.value) == f"set_pace: expected {said}"


PACES = st.tuples(st.sampled_from([100.0, 300.0, 1000.0, 5000.0]), st.integers(1, 4))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enqueue"), st.integers(1, 5)),
        st.tuples(st.just("set"), st.one_of(st.none(), PACES)),
        st.tuples(st.just("wait"), st.sampled_from([50_000, 400_000, 3_000_000])),
        st.tuples(st.just("remove"), st.integers(0, 9)),
    ),
    max_size=15,
)


@given(steps=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_set_the_times_are_as_far_apart_as_the_pace_says(
    world: World, steps: list[tuple[str, object]]
) -> None:
    """And none overtakes another one, and the first one waits no longer than that."""
    world.broker.client.calls([["FLUSHALL"]])
    ids: list[str] = []
    pace = (1000.0, 1)
    for word, value in steps:
        waiting = [id for id in ids if id in check_whole(world).delayed]
        if word == "enqueue":
            some = [f"{len(ids) + n:03}" for n in range(int(str(value)))]
            world.enqueue(*some, claims=SLOW)
            ids += some
        elif word == "set":
            pace = value if isinstance(value, tuple) else (1000.0, 1)
            world.control.set_pace("mail", "k", *(value or (None,)))  # type: ignore[misc]
        elif word == "wait":
            world.wait(int(str(value)))
        elif waiting:
            world.control.remove("mail", [waiting[int(str(value)) % len(waiting)]], "delayed")
        seen = check_whole(world)
        future = {id: due for id, due in seen.delayed.items() if due > seen.now}
        times = [future[id] for id in sorted(future)]
        for one, next_one in pairwise(times):
            assert next_one - one >= pace[0] * 1000 - 1
        together = sum(due <= seen.now for due in seen.delayed.values())
        if word == "set":
            assert together <= pace[1]
            assert not times or times[0] - seen.now <= pace[0] * 1000 + 1
    assert list(Survey(world.broker, "mail").faults()) == []
