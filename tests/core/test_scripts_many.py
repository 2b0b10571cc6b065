"""Scripts with 20 000 jobs, claims and commands in one call, and what they do not take at once."""

from collections import Counter
from typing import Any

import pytest

from buoy.broker.keys import QUEUE_PARTS
from buoy.connection.client import RawArg as Raw
from buoy.errors import BrokerError
from buoy.model.reservation import OutcomeWord, Reservation, RoundTripRequest, Settlement
from buoy.model.transition import MAX_COMMAND_ARGS, CommandArg
from tests.support.calls import MANY, Call, advance, call, state
from tests.support.snapshot import check_whole
from tests.support.world import HEALING, LEASE, World

NAMED = 1000
"""How many jobs one script looks for in a long list."""
OWN = len(QUEUE_PARTS)
GIVEN = 4000
"""How many jobs one script gives to a worker."""
OUTCOMES: list[OutcomeWord] = ["delayed", "failed", "rejected", "released", "crashed", "moved"]


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
    words = [*(word for id in ids() for word in (id, "payload")), "Job"]
    parts = (
        ("queued", "jobs", "wakeup", "meta")
        if name == "push_new"
        else ("queued", "jobs", "ended", "wakeup", "meta")
    )

    Call(name, world.broker.keys.parts("mail", *parts), words).run(world)

    assert len(check_whole(world).queued) == MANY


@pytest.mark.parametrize("due", ["", "+5000"])
def test_many_jobs_with_claims_enter_and_end_at_once(world: World, due: str) -> None:
    words = [
        word
        for id in ids()
        for word in (id, "payload", "Job", due, 2, f"f{id}", "finished", f"s{id}", "started", 0, 0)
    ]
    call(world, "enqueue", "", MANY, *words).run(world)
    assert len(check_whole(world).claims) == 3 * MANY
    world.call(
        "ZREMRANGEBYRANK" if due else "LRANGE", "delayed" if due else "queued", 0, 0 if due else -1
    )


def test_one_job_may_have_many_claims_numbers_and_commands(world: World) -> None:
    claims = [word for id in ids() for word in (id, "finished")]
    numbers = [word for id in ids() for word in (id, 7)]
    commands = [word for _ in range(MANY) for word in (2, "INCR", OWN + 1)]
    words = ["a", "payload", "Job", "", MANY, *claims, MANY, *numbers, MANY, *commands]

    call(world, "enqueue", "", 1, *words, attached=[world.key("effects")]).run(world)

    assert len(check_whole(world).claims) == MANY + 1
    assert world.call("GET", "effects") == str(MANY).encode()
    world.settle(world.take_one(), "done")
    assert not check_whole(world).claims


def test_many_are_taken_page_by_page_and_done_at_once(world: World) -> None:
    push_all(world, claims=[("latest", "latest")])

    assert len(world.take(MANY)) == GIVEN
    held = [hold_of(world, *pair) for pair in check_whole(world).tokens.items()] + take_all(world)
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
    outcomes = [(held, OUTCOMES[n % len(OUTCOMES)]) for n, held in enumerate(take_all(world))]
    settled = [
        Settlement.of(held, outcome, payload="p", wait=60 * (outcome == "delayed"))
        for held, outcome in outcomes
    ]

    assert advance(world, 0, *settled).run(world)[4] == []

    left, count = check_whole(world), Counter(outcome for _, outcome in outcomes)
    assert left.tokens == {}
    assert len(left.queued) == count["released"] + count["crashed"]
    assert len(left.crashes) == count["crashed"]
    assert len(left.delayed) == count["delayed"]
    assert len(left.failed) == int(left.meta["failed"]) == count["failed"]
    assert int(left.meta["rejected"]) == count["rejected"]
    assert len(left.ended) == count["rejected"] + count["moved"]


@pytest.mark.parametrize("size", [3999, 4000, 4001, 7999, 8001])
def test_a_number_at_the_edge_of_what_goes_into_one_command(world: World, size: int) -> None:
    words = [*(word for id in ids(size) for word in (id, "payload")), "Job"]
    parts = world.broker.keys.parts("mail", "queued", "jobs", "wakeup", "meta")
    Call("push_new", parts, words).run(world)
    assert check_whole(world).queued == ids(size)

    held = take_all(world)
    assert [each.id for each in held] == ids(size)
    advance(world, 0, *(Settlement.of(each, "done") for each in held)).run(world)

    left = check_whole(world)
    assert (left.jobs, left.meta["done"], set(left.ended)) == ({}, str(size), set(ids(size)))


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

    assert len(check_whole(world).queued) > 0


def told(reply: Any) -> Any:
    """What a heartbeat says of leases that are lost."""
    return reply[0] if reply and isinstance(reply[0], list) else reply


def test_many_are_retried_and_put_off_at_once(world: World) -> None:
    push_all(world)
    held = take_all(world)
    world.trip(0, *(Settlement.of(each, "failed", payload="p") for each in held))
    failed = snapshot_of_failed(world)
    words = [word for id, at in failed.items() for word in (id, at, "", "p", 1, id, "finished")]

    answers = call(world, "retry", MANY, *words).run(world)

    assert set(answers) == {b"queued"}
    assert len(check_whole(world).queued) == MANY
    assert world.control.remove("mail", ids(NAMED), "queued").keys() == set(ids(NAMED))
    assert len(check_whole(world).claims) == 2 * (MANY - NAMED)


def snapshot_of_failed(world: World) -> dict[str, int]:
    return {id: int(at) for id, at in check_whole(world).failed.items()}


def test_many_are_made_due_at_once(world: World) -> None:
    push_all(world, due="+60000")

    call(world, "reschedule", "", MANY, *ids()).run(world)

    assert len(check_whole(world).queued) == MANY


@pytest.mark.parametrize("name", ["take", "remove"])
def test_what_must_search_a_long_list_is_asked_for_a_thousand_at_most(
    world: World, name: str
) -> None:
    push_all(world)
    before = state(world)
    each = ids(NAMED + 1)
    words: list[Raw] = [LEASE, "mover", len(each), *each]
    if name == "remove":
        words = [len(each), *(word for id in each for word in (id, "queued", 0))]

    with pytest.raises(BrokerError, match="expected a whole one from 0 to 1000, got 1001"):
        call(world, name, *words).run(world)

    assert state(world) == before


def test_python_asks_in_pages_that_scripts_can_take(world: World) -> None:
    push_all(world, claims=[("latest", "latest")])
    taken = world.control.take("mail", ids(300), "mover")
    held = take_all(world)
    settled = [Settlement(each.id, each.token, "mail", "released") for each in taken]
    world.control.settle("mail", "mover", settled)
    assert world.beat(*held) == []

    refused = world.trip(0, *(Settlement.of(each, "done") for each in (*held, *held[:5]))).refused

    assert len(refused) == 5
    assert len(check_whole(world).queued) == 300


def test_a_trip_of_many_words_goes_in_several_scripts(world: World) -> None:
    world.enqueue(*ids(20))
    held = world.take(20)
    commands: list[list[CommandArg]] = [
        ["RPUSH", world.key("log"), *["x"] * (MAX_COMMAND_ARGS - 2)]
    ] * 50
    settled = [Settlement.of(each, "done", commands=commands) for each in held]

    assert (
        len(world.broker.advance_calls("one", RoundTripRequest("mail", 1, settlements=settled)))
        == 20
    )
    assert world.trip(0, *settled).refused == []

    assert check_whole(world).jobs == {}
    assert world.call("LLEN", "log") == 20 * 50 * (MAX_COMMAND_ARGS - 2)
