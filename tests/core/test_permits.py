"""Permits: no more jobs than a limit allows are queued or run; the others wait in a line."""

import pytest

from buoy import EnqueueError, PluginError
from buoy.model.reservation import OutcomeWord, Settlement
from buoy.model.retry_answer import Retry
from buoy.model.transition import Transition
from buoy.operations.permit_reader import read_permits
from buoy.operations.repair import Survey
from tests.support.snapshot import check_whole
from tests.support.world import RECOVERY, World, done

ONE = [("k", "1 finished")]
TWO = [("k", "2 finished")]
FAIR = [("k", "1 started")]


def test_a_job_beyond_the_limit_is_blocked(any_world: World) -> None:
    world = any_world

    assert world.enqueue("a", "b", "c", claims=TWO) == ["queued", "queued", "blocked"]

    seen = check_whole(world)
    assert (seen.queued, list(seen.blocked)) == (["a", "b"], ["c"])
    assert world.find("c") == (seen.jobs["c"], "blocked", str(int(seen.blocked["c"])))
    assert world.enqueue("c") == ["exists"]


@pytest.mark.parametrize("outcome", ["done", "failed", "rejected", "moved", "delayed"])
def test_who_gives_a_permit_back_queues_the_next_job_of_the_line(
    any_world: World, outcome: OutcomeWord
) -> None:
    world = any_world
    world.enqueue("a", "b", "c", claims=ONE)
    held = world.take_one()
    world.take_wakeup()

    trip = world.trip(1, Settlement.of(held, outcome, payload="a", wait=60.0))

    assert [each.id for each in trip.reservations] == ["b"]
    seen = check_whole(world)
    assert (seen.queued, list(seen.blocked)) == ([], ["c"])


@pytest.mark.parametrize("outcome", ["released", "crashed"])
def test_a_job_that_is_given_back_keeps_its_permit(world: World, outcome: OutcomeWord) -> None:
    world.enqueue("a", "b", claims=ONE)

    world.settle(world.take_one(), outcome)

    assert world.queued == ["a"]
    check_whole(world)


def test_a_job_whose_worker_is_lost_keeps_its_permit(world: World) -> None:
    world.enqueue("a", "b", claims=ONE)

    world.lose("a", times=1)

    assert world.queued == ["a"]
    check_whole(world)


@pytest.mark.parametrize("outcome", ["done", "failed"])
def test_a_line_is_served_in_its_order(world: World, outcome: OutcomeWord) -> None:
    ids = [f"job-{n}" for n in range(12)]
    world.enqueue(*ids[::-1], claims=ONE)
    ran = []
    while held := world.take(5):
        ran += [each.id for each in held]
        world.settle(held[0], outcome)

    assert ran == ids[::-1]
    assert check_whole(world).claims == {}


def test_an_operator_who_ends_a_job_lets_the_next_one_in_and_wakes_a_worker(world: World) -> None:
    world.enqueue("a", "b", "c", claims=ONE)
    world.take_wakeup()

    assert world.control.remove("mail", ["b"], "blocked") == {"b": "blocked"}
    check_whole(world)
    assert not world.take_wakeup()
    assert world.control.remove("mail", ["a", "b"], "queued blocked") == {"a": "queued"}

    assert (check_whole(world).queued, world.take_wakeup()) == (["c"], True)


def test_a_running_job_that_is_cancelled_lets_the_next_one_in(world: World) -> None:
    world.enqueue("a", "b", claims=ONE)
    held = world.take_one()

    assert world.control.remove("mail", ["a"], "running") == {"a": "running"}

    assert check_whole(world).queued == ["b"]
    assert world.settle(held, "done") == ["a"]
    assert check_whole(world).queued == ["b"]


def test_delayed_jobs_need_their_permits_when_they_are_due(world: World) -> None:
    world.enqueue("late", "later", due="+1000", claims=ONE)
    world.enqueue("a", claims=ONE)
    assert world.find("late") is not None
    world.wait(1001)

    assert [held.id for held in world.take(5)] == ["a"]

    assert list(check_whole(world).blocked) == ["late", "later"]


def test_a_further_attempt_needs_its_permit_anew(world: World) -> None:
    world.enqueue("a", "b", claims=ONE)
    world.settle(world.take_one(), "delayed", wait=1.0)
    [b] = world.take(1)
    assert b.id == "b"
    world.wait(1001)
    assert world.take(1) == []
    assert list(check_whole(world).blocked) == ["a"]

    assert [held.id for held in world.trip(1, done(b)).reservations] == ["a"]


def test_a_permit_until_a_job_starts_is_given_back_as_it_starts(any_world: World) -> None:
    world = any_world
    world.enqueue("a", "b", "c", claims=FAIR)
    assert world.queued == ["a"]

    assert [held.id for held in world.take(2)] == ["a", "b"]

    assert check_whole(world).queued == ["c"]


def test_a_worker_takes_all_that_may_run_in_one_trip(world: World) -> None:
    world.enqueue(*[f"a{n}" for n in range(20)], claims=FAIR)

    assert len(world.take(50)) == 20


def test_tenants_take_turns(world: World) -> None:
    world.enqueue("a1", "a2", "a3", "a4", claims=[("a", "1 started")])
    world.enqueue("b1", "b2", claims=[("b", "1 started")])
    world.enqueue("c1", claims=[("c", "1 started")])
    ran = []
    while held := world.take(1):
        ran += [each.id for each in held]
        world.settle(held[0], "done")

    assert ran == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_a_job_with_several_keys_waits_for_all_and_holds_none(world: World) -> None:
    world.enqueue("a", claims=[("narrow", "1 finished")])
    world.enqueue("b", claims=[("wide", "2 finished")])
    world.enqueue("c", claims=[("wide", "2 finished"), ("narrow", "1 finished")])
    world.enqueue("d", claims=[("wide", "2 finished")])

    assert check_whole(world).queued == ["a", "b", "d"]
    a, b = world.take(2)
    world.trip(0, done(a))
    assert check_whole(world).lines == ["wide\n0000000000000002\nc"]
    world.trip(0, done(b))
    assert check_whole(world).queued == ["d", "c"]


def test_max_length_counts_blocked_jobs(world: World) -> None:
    assert world.enqueue("a", "b", claims=ONE) == ["queued", "blocked"]

    assert world.enqueue("c", max_length=2) == ["full 2"]


def test_jobs_that_are_retried_need_permits(world: World) -> None:
    world.enqueue("a", "b", claims=ONE)
    world.settle(world.take_one(), "failed")
    entry = Retry("a", int(world.call("ZSCORE", "failed", "a")), "anew", ONE)

    assert [str(answer.kind) for answer in world.control.retry("mail", [entry])] == ["blocked"]

    assert list(check_whole(world).blocked) == ["a"]


def test_a_job_that_is_made_due_needs_its_permit(world: World) -> None:
    world.enqueue("a", claims=ONE)
    world.enqueue("b", due="+60000", claims=ONE)

    assert world.control.reschedule("mail", ["b"], None) == {"b": "blocked"}

    assert list(check_whole(world).blocked) == ["b"]


@pytest.mark.parametrize("claims", [ONE, FAIR])
@pytest.mark.parametrize("end", ["released", "lost"])
def test_a_job_that_is_taken_out_of_a_line_returns_to_its_place(
    world: World, end: str, claims: list[tuple[str, str]]
) -> None:
    world.enqueue("a", "c", "b", "d", claims=claims)
    before = check_whole(world)
    taken = world.control.take("mail", ["b", "c"], "mover")
    assert [line[-1] for line in check_whole(world).lines] == ["d"]
    world.enqueue("e", claims=claims)

    if end == "released":
        back = [Settlement(each.id, each.token, "mail", "released") for each in taken]
        world.control.settle("mail", "mover", back)
    else:
        world.live_on(RECOVERY)

    seen = check_whole(world)
    assert (seen.queued, [line[-1] for line in seen.lines]) == (["a"], [*"cbde"])
    assert seen.lines[:3] == before.lines
    assert list(Survey(world.broker, "mail").faults()) == []


def test_a_job_stays_in_its_line_though_another_limit_is_narrower_now(world: World) -> None:
    world.enqueue("a", "b", claims=[*ONE, ("wide", "9 finished")])
    before = check_whole(world)
    world.control.set_limit("mail", "wide", 0)
    world.control.take("mail", ["b"], "mover")

    world.live_on(RECOVERY)

    assert check_whole(world).lines == before.lines


def test_a_job_that_returns_to_its_line_is_let_in_if_there_is_room_by_then(world: World) -> None:
    world.enqueue("a", "b", claims=ONE)
    held = world.take_one()
    world.control.take("mail", ["b"], "mover")
    world.settle(held, "done")

    world.live_on(RECOVERY)

    assert check_whole(world).claims == {"?b": "f+1 k\n", "#k": "1 1"}


@pytest.mark.parametrize("end", ["released", "lost"])
def test_a_delayed_job_that_was_taken_gets_no_permit_of_others(world: World, end: str) -> None:
    world.enqueue("a", claims=FAIR)
    world.enqueue("b", due="+5000", claims=FAIR)
    [taken] = world.control.take("mail", ["b"], "mover")

    if end == "released":
        back = Settlement("b", taken.token, "mail", "released", "", float(taken.due) / 1000)
        world.control.settle("mail", "mover", [back])
        assert world.call("ZSCORE", "delayed", "b") == taken.due.encode()
    world.live_on(RECOVERY)

    seen = check_whole(world)
    assert (seen.queued, list(seen.blocked)) == (["a"], ["b"])


@pytest.mark.parametrize("end", ["released", "crashed"])
def test_who_has_had_its_turn_goes_before_the_next(world: World, end: OutcomeWord) -> None:
    world.enqueue("a", "b", claims=FAIR)
    held = world.take_one()

    world.settle(held, end)

    assert check_whole(world).queued == ["a", "b"]
    first, second = world.take(2)
    world.settle(first, "delayed", wait=0.0)
    world.enqueue("c", "d", claims=FAIR)
    seen = check_whole(world)
    assert (seen.queued, list(seen.blocked)) == (["a"], ["c", "d"]), second


def test_a_job_that_repair_puts_into_its_line_waits_for_its_turn(world: World) -> None:
    world.enqueue("a", "b", claims=FAIR)
    world.call("DEL", "lines")

    faults = list(Survey(world.broker, "mail").faults(mend=True))

    assert len(faults) == 1
    seen = check_whole(world)
    assert (seen.queued, list(seen.blocked)) == (["a"], ["b"])


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "2", 10**7])
def test_a_limit_is_a_whole_number(most: object) -> None:
    with pytest.raises(PluginError) as raised:
        Transition("mail").permit("k", most)  # type: ignore[arg-type]

    assert str(raised.value) == f"permit: expected a limit from 1 to 1000000, got {most!r}"


def test_what_cannot_be_a_permit_is_refused() -> None:
    transition = Transition("mail")
    with pytest.raises(PluginError) as raised:
        transition.permit("k", 1, "latest")  # type: ignore[arg-type]
    assert str(raised.value) == "permit: expected until='started' or 'finished', got 'latest'"
    with pytest.raises(PluginError) as raised:
        transition.permit("a\nb", 1)
    assert str(raised.value) == "permit: expected a key of one line, got 'a\\nb'"


def test_a_key_has_one_limit_in_a_transition_and_may_be_a_claim_too() -> None:
    transition = Transition("mail")
    transition.permit("k", 2)
    transition.claim("k")
    transition.permit("k", 3, "started")
    transition.claim("k")

    assert transition.claims == [["k", "finished"], ["k", "3 started"]]


def permits(world: World) -> list[tuple[str, int, int, int | None, int | None]]:
    found = world.broker.run_steps(read_permits(world.broker.keys, ["mail"]))
    return [(each.key, each.taken, each.blocked, each.declared, each.set) for each in found]


def test_permits_are_listed(any_world: World) -> None:
    world = any_world
    assert permits(world) == []
    world.enqueue("a", "b", "c", claims=TWO)
    world.enqueue("d", claims=[("k two", "1 started")])
    world.control.set_limit("mail", "other *", 7)

    assert permits(world) == [
        ("k", 2, 1, 2, None),
        ("k two", 1, 0, 1, None),
        ("other *", 0, 0, None, 7),
    ]
    world.broker.client.calls([["DEL", world.key("lines")], ["SET", world.key("lines"), "x"]])
    assert permits(world)[0] == ("k", 2, 0, 2, None)


def test_an_operator_raises_a_limit_and_wakes_a_worker(any_world: World) -> None:
    world = any_world
    world.enqueue("a", "b", "c", "d", claims=ONE)
    world.take_wakeup()

    assert world.control.set_limit("mail", "k", 3) == 2

    seen = check_whole(world)
    assert (seen.queued, world.take_wakeup()) == (["a", "b", "c"], True)
    assert world.enqueue("e", claims=ONE) == ["blocked"]


def test_a_lower_limit_counts_as_permits_are_given_back(world: World) -> None:
    world.enqueue(*"abcdef", claims=[("k", "3 finished")])
    assert world.control.set_limit("mail", "k", 1) == 0
    a, b, c = world.take(3)

    world.trip(0, done(a), done(b))
    assert check_whole(world).queued == []
    world.trip(0, done(c))
    assert check_whole(world).queued == ["d"]
    assert world.control.set_limit("mail", "k", 0) == 0
    [d] = world.take(1)
    assert world.trip(1, done(d)).reservations == []
    assert world.control.set_limit("mail", "k", None) == 2
    assert check_whole(world).queued == ["e", "f"]


def test_a_limit_is_raised_for_more_jobs_than_one_script_queues(world: World) -> None:
    world.enqueue(*[f"{n:05}" for n in range(2501)], claims=ONE)

    assert world.control.set_limit("mail", "k", 10**6) == 2500

    assert len(check_whole(world).queued) == 2501


@pytest.mark.parametrize("part", ["blocked", "lines", "paces"])
def test_the_first_job_with_a_limit_meets_a_key_of_a_wrong_type(world: World, part: str) -> None:
    world.call("SET", part, "x")
    assert world.enqueue("plain") == ["queued"]

    with pytest.raises(EnqueueError, match="nothing was enqueued"):
        world.enqueue("a", claims=ONE)

    assert list(world.jobs) == ["plain"]


def test_a_line_whose_key_is_full_stays_though_another_limit_is_narrower_now(world: World) -> None:
    both = [("wide", "5 finished"), ("narrow", "2 finished")]
    world.enqueue(*"abcd", claims=both)
    world.control.set_limit("mail", "wide", 1)
    before = check_whole(world).lines

    world.control.set_limit("mail", "narrow", 2)

    assert check_whole(world).lines == before
    assert [line.split("\n")[0] for line in before] == ["narrow", "narrow"]
    assert list(Survey(world.broker, "mail").faults()) == []
    a, b = world.take(2)
    world.trip(0, done(a), done(b))
    assert check_whole(world).queued == ["c"]
