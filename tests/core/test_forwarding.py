"""Jobs that go over to another queue when their parent has ended: once, through any crash."""

import json
from typing import Any

import pytest

from buoy.broker import forwarding
from buoy.broker.broker import Broker
from buoy.broker.forwarding import Forwarded, forward, forward_steps
from buoy.broker.script_arguments import ScriptArguments
from buoy.broker.scripts import script_steps
from buoy.connection.client import run_steps
from buoy.errors import CorruptPayload, Unavailable
from buoy.model.due import Due
from buoy.model.entry import Entry
from buoy.model.handover import Handover
from buoy.model.reservation import Reservation, RoundTripReply, Settlement
from buoy.model.transition import Transition
from buoy.settings import Settings
from tests.support.proxy import Proxy, When
from tests.support.world import LEASE, RECOVERY, World, payload_of

SHOP, BULK = "shop", "bulk"
DAY = 24 * 3600 * 1000
PUT_OFF = forwarding.LONGEST_MS + 1
"""Milliseconds after which it is tried again what was put off, however long it had waited."""


def child(
    id: str, queue: str = SHOP, due: str = "", max_length: int | None = None, **more: Any
) -> tuple[str]:
    transition = Transition(queue, **more) if more else None
    entry = Entry(id, payload_of(id), "Pack", Due.parse(due), transition)
    return (Handover(f"to-{id}", "a", queue, entry, max_length).encoded(),)


def end(world: World, *children: tuple[str, ...], parent: str = "a") -> RoundTripReply:
    """Let a job end well that has enqueued these."""
    world.enqueue(parent)
    return world.trip(0, Settlement.of(world.take_one(), "done", children=children))


def other(world: World, queue: str = SHOP) -> World:
    return World(world.broker, world.nodes, queue)


def open_handovers(world: World) -> int:
    found: int = world.call("ZCARD", "handovers")
    return found


def run_all(world: World) -> list[str]:
    """Take and end all jobs; returns their ids."""
    held = world.take(100)
    world.trip(0, *(Settlement.of(each, "done") for each in held))
    return [each.id for each in held]


def test_a_plain_job_enters_the_own_queue_in_the_same_instant(any_world: World) -> None:
    world = any_world
    reply = end(world, ("b", payload_of("b").decode(), "Pack"), ("c", "{}", "Pack"))

    assert (world.queued, world.running, [*world.jobs]) == (["b", "c"], [], ["b", "c"])
    assert (reply.handovers, world.meta["enqueued:Pack"]) == (0, "2")


def test_the_call_that_stores_it_can_take_it_too(any_world: World) -> None:
    world = any_world
    world.enqueue("a")
    done = Settlement.of(world.take_one(), "done", children=[("b", "{}", "Pack")])

    assert [each.id for each in world.trip(1, done).reservations] == ["b"]


def test_a_run_that_has_lost_its_lease_stores_nothing(any_world: World) -> None:
    world = any_world
    world.enqueue("a")
    held = world.take_one()
    world.live_on(RECOVERY)
    children = [("b", "{}", "Pack"), child("c")]
    reply = world.trip(0, Settlement.of(held, "done", children=children))

    assert ([each.id for each in reply.refused], reply.handovers) == (["a"], 0)
    assert (world.queued, open_handovers(world)) == (["a"], 0)


def test_a_settlement_that_is_sent_again_stores_nothing_again(any_world: World) -> None:
    world = any_world
    world.enqueue("a")
    settled = Settlement.of(world.take_one(), "done", children=[("b", "{}", "J"), child("c")])
    world.trip(0, settled, number=7)
    world.trip(0, settled, number=7, again=True)

    assert (world.queued, open_handovers(world)) == (["b"], 1)


def test_jobs_for_other_queues_go_over(any_world: World) -> None:
    world = any_world
    reply = end(world, child("b"), child("c", BULK), child("d"))
    assert (reply.handovers, open_handovers(world)) == (3, 3)

    assert forward(world.broker, world.queue) == {SHOP, BULK}
    assert (other(world).queued, other(world, BULK).queued) == (["b", "d"], ["c"])
    assert (open_handovers(world), world.trip().handovers) == (0, 0)
    assert other(world).meta["enqueued:Pack"] == "2"
    assert world.monitor.queue_names() == [BULK, "mail", SHOP]


def test_claims_numbers_commands_and_due_times_go_along(any_world: World) -> None:
    world, shop = any_world, other(any_world)
    effect = ("INCR", shop.key("effects"))
    claimed = child("b", claims=[["k", "finished"]], numbers=[("f", 3)], commands=[effect])
    end(world, claimed, child("late", due="+50000"), child("refused", claims=[["k", "finished"]]))
    world.wait(20_000)
    forward(world.broker, world.queue)

    assert (shop.queued, shop.delayed, shop.claims) == (["b"], ["late"], {"k": "b"})
    assert (shop.meta["newer:f"], shop.call("GET", "effects")) == ("3", b"1")
    world.wait(30_001)  # it has waited since its parent has ended
    shop.take(0)
    assert shop.queued == ["b", "late"]


CUTS = [(n, when) for n in range(1, 14) for when in ("before", "after")]


@pytest.mark.parametrize(("n", "when"), CUTS)
def test_whoever_dies_on_the_way_another_one_finishes_it(
    world: World, proxy: Proxy, n: int, when: When
) -> None:
    """The second one comes when the job has long ended, and Redis has forgotten its id."""
    dying = Broker(Settings(url=proxy.url))
    run_steps(forward_steps(dying, "mail", 0), lambda: dying.client)  # it connects
    end(world, child("b"), child("c", BULK))
    shop, bulk = other(world), other(world, BULK)
    proxy.cut(n, when)
    forward(dying, world.queue)
    done = run_all(shop) + run_all(bulk)

    shop.live_on(5 * LEASE)
    bulk.live_on(LEASE)
    world.live_on(LEASE)
    assert shop.call("ZCARD", "ended") == 0
    while open_handovers(world):
        forward(world.broker, world.queue)
        done += run_all(shop) + run_all(bulk)
        world.wait(60_000)

    assert sorted(done) == ["b", "c"]
    dying.client.close()


def test_two_at_once_hand_over_once(world: World) -> None:
    forward(world.broker, "mail")  # Redis knows the script then
    end(world, *(child(f"b{n}") for n in range(120)))
    slow = forward_steps(world.broker, "mail", 1000)
    step = next(slow)
    replies = world.broker.client.calls(step)  # type: ignore[arg-type]
    forward(world.broker, "mail")
    assert len(other(world).queued) == 70  # the slow one holds the others for one lease
    world.wait(LEASE + 1)
    forward(world.broker, "mail")
    done = run_all(other(world)) + run_all(other(world))

    step = slow.send(replies)
    try:
        while True:
            step = slow.send(world.broker.client.calls(step))  # type: ignore[arg-type]
    except StopIteration:
        done += run_all(other(world))
    assert (len(done), len(set(done))) == (120, 120)


def test_a_full_queue_gets_it_when_it_has_room(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    shop = other(world)
    shop.enqueue("first")
    end(world, child("b", max_length=1), child("c"))
    world.wait(30_000)  # what is put off waits for as long once more
    assert forward(world.broker, "mail") == {SHOP}
    assert caplog.messages == [
        "queue=mail 1 job waits to go to queue shop: it holds 2 jobs, and is full"
    ]
    assert (shop.queued, open_handovers(world)) == (["first", "c"], 1)

    run_all(shop)
    assert forward(world.broker, "mail") == set()  # its time has not come
    world.wait(PUT_OFF)
    assert forward(world.broker, "mail") == {SHOP}
    assert (shop.queued, open_handovers(world)) == (["b"], 0)


def test_the_waits_grow_with_the_age() -> None:
    report = Forwarded()
    for waited in (0, 400, 4000, 59_000, 10**9):
        report.put_off_for(b"it", "queue shop", "full", waited)

    assert [wait for _, wait in report.later] == [1000, 1000, 4000, 59_000, 60_000]
    assert report.put_off == {("queue shop", "full"): 5}


def test_one_that_redis_refuses_does_not_hold_up_the_others(world: World) -> None:
    end(world, child("b"), child("c", due=str(2**52)), child("odd", claims=[["k\udcff", "x"]]))
    world.call("SET", "effects", "x")
    forward(world.broker, "mail")

    assert other(world).queued == ["b"]


def test_a_queue_with_a_key_of_a_wrong_type_gets_it_when_that_is_gone(world: World) -> None:
    shop = other(world)
    shop.call("SET", "queued", "x")
    end(world, child("b"), child("c", BULK))
    assert forward(world.broker, "mail") == {BULK}
    shop.call("DEL", "queued")
    world.wait(PUT_OFF)

    assert forward(world.broker, "mail") == {SHOP}
    assert shop.queued == ["b"]


ODD = [
    "no time",
    "1 {}",
    "1 []",
    "1",
    "x {}",
    '1 {"name":"n","queue":"q","id":"i"}',
    '1 {"name":1,"queue":"q","id":"i","payload":"p"}',
    '1 {"name":"n","queue":"q","id":"i","payload":"p","due":"soon"}',
    '1 {"name":"n","queue":"q","id":"i","payload":"p","due":"' + "9" * 30 + '"}',
    '1 {"name":"n","queue":"q","id":"i","payload":"p","max_length":"x"}',
    '1 {"name":"n","queue":"q","id":"i","payload":"p","claims":{}}',
    '1 {"name":"n","queue":"q","id":"i","payload":"p","claims":[1]}',
    '1 {"name":"n","queue":"q","id":"i","payload":"p","numbers":[1]}',
    '1 {"name":"n","queue":"q","id":"i","payload":"p","commands":[["DEL","x"]]}',
    '1 {"name":"n","queue":"q","id":"\ud800","payload":"p"}'.encode(errors="surrogatepass"),
    b"1 \xff",
]


@pytest.mark.parametrize("stored", ODD)
def test_what_is_no_handover_stays_and_disturbs_nothing(world: World, stored: str) -> None:
    end(world, child("b"))
    world.call("ZADD", "handovers", 1, stored)
    report = Forwarded()
    run_steps(forward_steps(world.broker, "mail", 9, report=report), lambda: world.broker.client)

    assert other(world).queued == ["b"]
    [(target, reason)] = report.put_off
    assert (target, reason.split(":")[0]) in [
        ("another queue", "hand-over"),
        ("another queue", "payload"),
    ]
    assert open_handovers(world) == 1


def test_a_handover_is_read_as_it_was_written() -> None:
    more = Transition(SHOP, [["k", "latest"]], [("f", 1)], [("SET", "buoy:{shop}:x", "é")])
    entry = Entry("i", '{"é":1}'.encode(), "Pack", Due(at_ms=7), more)
    made = Handover("n", "p", SHOP, entry, 5, at=12)
    read = Handover.parse(f"12 {made.encoded()}")

    assert read._replace(entry=entry) == made
    assert read.entry._replace(transition=more) == entry
    assert read.entry.transition is not None
    assert [[*each] for each in read.entry.transition.commands] == [["SET", "buoy:{shop}:x", "é"]]


def test_a_queue_on_a_node_that_is_away_is_left_alone_for_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    end(world, child("b"), child("c", BULK))
    away = Unavailable("no answer", sent=True)
    monkeypatch.setattr(forwarding, "script_steps", losing(world, SHOP, away))
    monkeypatch.setattr(forwarding, "AWAY_SECONDS", 1000.0)
    assert forward(world.broker, "mail") == {BULK}
    monkeypatch.undo()

    world.wait(PUT_OFF)
    assert forward(world.broker, "mail") == set()
    world.broker.away.clear()
    world.wait(PUT_OFF)
    assert forward(world.broker, "mail") == {SHOP}
    assert other(world).queued == ["b"]


def losing(world: World, queue: str, error: Unavailable) -> Any:
    """Runs scripts, but not on this queue."""

    def steps(calls: Any) -> Any:
        lost = [f"{{{queue}}}" in keys[0] for _, keys, _ in calls]
        rest = [call for call, away in zip(calls, lost, strict=True) if not away]
        replies = iter((yield from script_steps(rest)))
        return [error if away else next(replies) for away in lost]

    return steps


def test_receipts_are_kept_for_a_week(world: World) -> None:
    shop = other(world)
    end(world, child("b"))
    forward(world.broker, "mail")
    assert shop.call("ZRANGE", "receipts", 0, -1) == [b"to-b"]
    assert 6 * DAY < shop.call("PTTL", "receipts") <= 7 * DAY

    world.wait(7 * DAY + 1)
    end(world, child("c"), parent="z")
    forward(world.broker, "mail")
    assert shop.call("ZRANGE", "receipts", 0, -1) == [b"to-c"]


def test_an_id_that_is_known_is_no_second_job(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    other(world).enqueue("b")
    end(world, child("b"))
    forward(world.broker, "mail")

    assert (other(world).queued, open_handovers(world)) == (["b"], 0)
    assert caplog.messages == ["job b, enqueued by job a, is kept out of queue shop: exists"]


def test_workers_are_told_until_it_is_done(world: World) -> None:
    lease = 100 * LEASE  # long, and with it the time between two looks
    settings = Settings(url=world.broker.settings.url, lease=lease / 1000)
    world = World(Broker(settings), world.nodes)
    assert end(world, child("b")).handovers == 1
    assert world.trip().handovers == 0  # it looks only now and then
    world.wait(lease // 50)
    assert world.trip().handovers == 1
    world.wait(lease // 2)
    assert world.broker.heartbeat({"mail": []}, []).handing_over == {"mail"}
    forward(world.broker, "mail")
    world.wait(lease // 2)
    assert world.broker.heartbeat({"mail": []}, []).handing_over == set()


def test_nobody_is_told_of_one_that_somebody_makes(world: World) -> None:
    end(world, child("b"))
    next(steps := forward_steps(world.broker, "mail", 9))
    words = ScriptArguments([0, 0, 9, LEASE, 0])
    assert len(world.broker.run_script("forward", "mail", words)[1]) == 1
    steps.close()
    world.wait(LEASE // 2)
    assert world.trip().handovers == 0
    world.wait(LEASE // 2 + 1)
    assert world.trip().handovers == 1


def test_a_full_redis_takes_the_end_of_the_parent_and_hands_over_later(world: World) -> None:
    world.enqueue("a")
    held = world.take_one()
    world.everywhere("CONFIG", "SET", "maxmemory", 1)
    try:
        children = [("own", payload_of("own").decode(), "Pack"), child("b")]
        world.trip(0, Settlement.of(held, "done", children=children))
        forward(world.broker, "mail")
    finally:
        world.everywhere("CONFIG", "SET", "maxmemory", 0)
    assert (world.queued, open_handovers(world)) == (["own"], 1)

    world.wait(PUT_OFF)
    forward(world.broker, "mail")
    assert other(world).queued == ["b"]


def test_an_outage_is_no_error(world: World, proxy: Proxy) -> None:
    broker = Broker(Settings(url=proxy.url))
    proxy.refuse()

    assert forward(broker, "mail") == set()


def test_the_answer_of_a_child_carries_its_jobs() -> None:
    from buoy.executor.fork.answers import answer_of, parse_answer

    reservation = Reservation("a", "1:w:1", "mail", payload_of("a").decode())
    settled = Settlement.of(
        reservation, "done", children=[["b", "{}", "Job"], [*child("c")]], commands=[]
    )
    answer = json.loads(json.dumps(answer_of(settled)))

    assert parse_answer(reservation, answer) == settled
    wrong: Any
    for wrong in ("x", [1], [["a", "b"]], [["a", "b", 1]], [[]], {"a": 1}):
        assert parse_answer(reservation, answer | {"children": wrong}) is None


def test_corrupt_handovers_say_what_is_wrong() -> None:
    with pytest.raises(CorruptPayload) as raised:
        Handover.parse("now {}")

    assert str(raised.value) == "hand-over: expected a time in front, got 'now'"
