"""Jobs that are not in exactly one place, and claims without a job: found, and put right."""

import random
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from click.testing import CliRunner

from buoy import App, BrokerError, Job
from buoy.broker.broker import Broker
from buoy.broker.script_arguments import ScriptArguments
from buoy.cli import main
from buoy.model.entry import Entry
from buoy.model.handover import Handover
from buoy.model.reservation import OutcomeWord, Settlement
from buoy.model.retry_answer import Retry
from buoy.operations.doctor import examine
from buoy.operations.repair import SCAN, Fault, Survey, overlap
from tests.support.processes import wait_until
from tests.support.snapshot import check_whole, snapshot
from tests.support.world import LEASE, World

Break = Callable[[World], object]


def command(name: str, part: str, *words: str | int) -> Break:
    return lambda world: world.call(name, part, *words)


QUEUED = ["w1", "w2", "w3", "p1"]


def line_of(world: World, id: str) -> str:
    """The entry of a blocked job in its line."""
    [line] = [line for line in snapshot(world).lines if line.endswith(f"\n{id}")]
    return line


BREAKS: dict[str, tuple[str, Sequence[Break], dict[str, list[str]]]] = {
    "a payload in no place": (
        "nowhere",
        [command("LREM", "queued", 0, "w1")],
        {"queued": ["w1", "w2", "w3", "p1"]},
    ),
    "a queued id without a payload": (
        "empty",
        [command("HDEL", "jobs", "w2")],
        {"queued": ["w1", "w3", "p1"]},
    ),
    "a running id without a payload": ("empty", [command("HDEL", "jobs", "r")], {"leases": []}),
    "a delayed id without a payload": (
        "empty claim",
        [command("HDEL", "jobs", "d")],
        {"delayed": []},
    ),
    "a failed id without a payload": ("empty", [command("HDEL", "jobs", "f")], {"failed": []}),
    "a token without a lease": ("token", [command("ZREM", "leases", "r")], {"leases": ["r"]}),
    "a lease without a token": (
        "lease",
        [command("HDEL", "tokens", "r")],
        {"queued": ["r", "w1", "w2", "w3", "p1"], "leases": []},
    ),
    "a lease without an end": ("long", [command("ZADD", "leases", "inf", "r")], {"leases": ["r"]}),
    "a lease of years": ("long", [command("ZADD", "leases", 10**13, "r")], {"leases": ["r"]}),
    "one waits twice": (
        "twice queued",
        [command("RPUSH", "queued", "w1", "w2", "w1")],
        {"queued": ["w1", "w2", "w3", "p1"]},
    ),
    "one runs and waits": (
        "twice running",
        [command("RPUSH", "queued", "r", "r")],
        {"queued": ["w1", "w2", "w3", "p1"], "leases": ["r"]},
    ),
    "one waits, is delayed and has failed": (
        "twice queued",
        [command("ZADD", "delayed", 1, "w2"), command("ZADD", "failed", 1, "w2")],
        {"queued": ["w1", "w2", "w3", "p1"], "delayed": ["d"], "failed": ["f"]},
    ),
    "one is delayed and has failed": (
        "twice delayed",
        [command("ZADD", "failed", 1, "d")],
        {"delayed": ["d"], "failed": ["f"]},
    ),
    "one is delayed and has a run": (
        "twice delayed",
        [command("HSET", "tokens", "d", "9:gone:1")],
        {"delayed": ["d"], "leases": ["r"]},
    ),
    "one has failed and has a lease": (
        "twice failed",
        [command("ZADD", "leases", 1, "f")],
        {"failed": ["f"], "leases": ["r"]},
    ),
    "a claim whose job is gone": ("claim", [command("HSET", "claims", ">gone", "x")], {}),
    "claims whose job is gone": (
        "claim",
        [command("HSET", "claims", ">gone", "x", "<x", "fgone\nfaway\n", ">away", "x")],
        {},
    ),
    "a list of claims whose job is gone": (
        "claims",
        [command("HSET", "claims", "<x", "fw\n")],
        {},
    ),
    "a failed job with a claim": (
        "claims",
        [command("HSET", "claims", ">late", "f", "<f", "flate\n")],
        {"failed": ["f"]},
    ),
    "permits whose job is gone": (
        "claims",
        [command("HSET", "claims", "#gone", "1 1", "?x", "f+1 gone\n")],
        {},
    ),
    "a permit that nobody has": ("count", [command("HSET", "claims", "#gone", "1 1")], {}),
    "permits that are not counted": (
        "count",
        [command("HDEL", "claims", "#p")],
        {"queued": QUEUED},
    ),
    "garbage in place of a count": (
        "count",
        [command("HSET", "claims", "#p", "x")],
        {"queued": QUEUED, "blocked": ["p2", "p3"]},
    ),
    "too many permits taken": (
        "count",
        [command("HSET", "claims", "#p", "7 1")],
        {"queued": QUEUED, "blocked": ["p2", "p3"]},
    ),
    "a blocked job in no line": (
        "line",
        [lambda world: world.call("ZREM", "lines", line_of(world, "p2"))],
        {"blocked": ["p3", "p2"]},
    ),
    "a blocked job of no key": (
        "line idle",
        [command("HDEL", "claims", "?p2")],
        {"blocked": ["p3"], "queued": ["p2", *QUEUED]},
    ),
    "one is blocked and queued": (
        "twice queued",
        [command("RPUSH", "queued", "p2")],
        {"blocked": ["p3"], "queued": [*QUEUED, "p2"]},
    ),
    "one is blocked and delayed": (
        "twice blocked",
        [command("ZADD", "delayed", 1, "p2")],
        {"blocked": ["p2", "p3"], "delayed": ["d"]},
    ),
    "a delayed job that holds a permit": (
        "holds",
        [command("HSET", "claims", "?d", "f+1 other\n", "#other", "1 1")],
        {"delayed": ["d"]},
    ),
    "a line that waits for nothing": (
        "idle",
        [command("HDEL", "claims", "#p"), command("HSET", "claims", "?p1", "f-1 p\n")],
        {"blocked": ["p3"], "queued": [*QUEUED, "p2"]},
    ),
    "lost leases of a job that is gone": ("crashes", [command("HSET", "crashes", "x", 2)], {}),
}


@pytest.fixture
def full(any_world: World) -> World:
    """A queue with a job in each place."""
    world = any_world
    world.broker.client.call("SADD", world.broker.keys.queues(), "mail")
    world.enqueue("f", "r")
    world.settle(world.take_one(), "failed")
    world.take_one()
    world.enqueue("d", due="+60000", claims=[("slow", "finished")])
    world.enqueue("w1", "w2", "w3", claims=[("latest", "latest")])
    world.enqueue("p1", "p2", "p3", claims=[("p", "1 finished")])
    check_whole(world)
    return world


def faults(world: World, *, mend: bool = False) -> list[tuple[str, str]]:
    return [(each.kind, each.subject) for each in Survey(world.broker, "mail").faults(mend=mend)]


def test_a_whole_queue_has_no_faults(full: World) -> None:
    assert faults(full) == faults(full, mend=True) == []


@pytest.mark.parametrize("name", BREAKS)
def test_each_fault_is_found_and_mended(full: World, name: str) -> None:
    kind, breaks, expected = BREAKS[name]
    for each in breaks:
        each(full)
    before = snapshot(full)

    looked = faults(full)
    after = snapshot(full)
    after.now = before.now
    assert after == before, "a look changes nothing"
    assert {found for found, _ in looked} in ({kind}, set(kind.split()))

    assert faults(full, mend=True) == looked
    seen = check_whole(full)
    assert {part: list(getattr(seen, part)) for part in expected} == expected
    assert faults(full) == []


def test_one_fault_may_hide_another(full: World) -> None:
    full.call("ZADD", "leases", 1, "f")
    full.call("HSET", "claims", ">late", "f", "<f", "flate\n")
    full.call("HDEL", "jobs", "w1")
    full.call("HSET", "claims", ">lost", "w1", "<w1", "flost\n")

    assert faults(full, mend=True)

    check_whole(full)
    assert faults(full) == []


def test_a_delayed_job_that_a_move_has_taken_is_whole(full: World) -> None:
    full.enqueue("far", due=f"+{10**10}")
    full.control.take("mail", ["far"], "move-1")

    assert faults(full) == []


def test_a_job_that_is_let_in_by_a_repair_is_queued_once(full: World) -> None:
    full.call("HDEL", "jobs", "p1")
    words = ScriptArguments([LEASE, "mend", 2, "p1", "1", "p2", "0", 0, 0])

    found = full.broker.run_script("repair", "mail", words)

    assert found == [b"empty", b""]
    assert check_whole(full).queued == ["w1", "w2", "w3", "p2"]


def test_a_repair_rings_for_what_it_puts_back(full: World) -> None:
    full.take_wakeup()
    full.call("LREM", "queued", 0, "w1")

    faults(full, mend=True)

    assert full.take_wakeup()


def test_a_full_redis_can_be_repaired(full: World) -> None:
    full.call("LREM", "queued", 0, "w1")
    full.everywhere("CONFIG", "SET", "maxmemory", 1)
    try:
        assert faults(full, mend=True) == [("nowhere", "w1")]
    finally:
        full.everywhere("CONFIG", "SET", "maxmemory", 0)
    check_whole(full)


def test_many_lost_jobs_come_back_in_their_order(world: World) -> None:
    """As a worker of an old version left them that took too many at a time."""
    ids = [f"{n:05}" for n in range(12_000)]
    world.enqueue(*ids)
    world.call("LPOP", "queued", 10_512)

    assert len(faults(world)) == 10_512
    assert len(faults(world, mend=True)) == 10_512

    assert check_whole(world).queued == ids


def test_a_long_list_without_payloads_is_emptied(world: World) -> None:
    world.enqueue(*(f"{n:05}" for n in range(5000)))
    world.call("DEL", "jobs")
    world.enqueue("a")

    assert len(faults(world, mend=True)) == 5000

    assert check_whole(world).queued == ["a"]


def test_pushes_between_two_pages_look_like_no_fault() -> None:
    before = [b"c", b"d", b"e"]

    assert overlap([b"a", b"b", b"c"], before) == 1
    assert overlap([b"b", b"c", b"d"], before) == 2
    assert overlap(before, before) == 3
    assert overlap([b"x", b"y", b"z"], before) == 0
    assert overlap([b"c", b"y", b"z"], before) == 0, "this one waits twice"
    assert overlap(before, []) == 0


def test_a_program_may_repair_a_queue(buoy_app: App) -> None:
    id = buoy_app.push("shop.Ship", queue="mail").id
    buoy_app.command("DEL", buoy_app.key("mail", "queued"))

    found = [Fault("mail", id, "nowhere")]
    assert buoy_app.repair("mail", dry_run=True) == found
    assert buoy_app.repair("mail") == found
    assert buoy_app.repair("mail") == []
    assert [view.id for view in buoy_app.monitor.peek("mail")] == [id]

    key = buoy_app.key("mail", "failed")
    buoy_app.command("SET", key, "x")
    message = f"mail: {key}: expected a zset, got a string; nothing was changed"
    with pytest.raises(BrokerError, match=f"^{re.escape(message)}$"):
        buoy_app.repair("mail")


def test_a_long_list_is_read_whole(world: World) -> None:
    ids = [f"{n:05}" for n in range(2 * SCAN + 7)]
    world.enqueue(*ids)

    found = world.broker.run_steps(Survey(world.broker, "mail").queued())
    assert sorted(each.decode() for each in found) == ids


class Bustle:
    """Producers, workers and operators, each in a thread, until ``stop``."""

    def __init__(self, world: World) -> None:
        self.world, self.stop = world, threading.Event()
        self.enqueued: set[str] = set()
        self.ended: list[str] = []
        self.found: list[tuple[str, str]] = []
        self.errors: list[BaseException] = []

    def run(self, seconds: float, jobs: int) -> None:
        """For so long, and until so many jobs have ended."""
        acts = [self.produce, self.work, self.work, self.operate, self.repair]
        threads = [threading.Thread(target=self.loop, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        self.stop.wait(seconds)
        try:
            wait_until(lambda: self.errors or len(self.ended) >= jobs, what="jobs that end")
        finally:
            self.stop.set()
        for thread in threads:
            thread.join()

    def loop(self, act: Callable[[World, random.Random], None]) -> None:
        mine, dice = World(Broker(self.world.broker.settings), self.world.nodes), random.Random()
        try:
            while not self.stop.is_set():
                act(mine, dice)
        except BaseException as error:
            self.errors.append(error)
            raise

    def produce(self, mine: World, dice: random.Random) -> None:
        ids = [f"{dice.random()}" for _ in range(dice.randrange(1, 30))]
        self.enqueued.update(ids)
        mine.enqueue(*ids, claims=[("latest", "latest")] if len(ids) % 2 else [])

    def work(self, mine: World, dice: random.Random) -> None:
        for held in mine.take(dice.randrange(1, 40), worker=f"w{dice.random()}"):
            outcome: OutcomeWord = dice.choice(
                ["done", "done", "done", "released", "delayed", "failed"]
            )
            mine.settle(held, outcome)
            if outcome == "done":
                self.ended.append(held.id)

    def operate(self, mine: World, _: random.Random) -> None:
        waiting = [each.id for each in mine.monitor.peek("mail")]
        taken = mine.control.take("mail", waiting, "mover")
        back = [Settlement(each.id, each.token, "mail", "released") for each in taken]
        mine.control.settle("mail", "mover", back)
        failed = mine.monitor.jobs_page("mail", "failed", 0, 5)
        mine.control.retry(
            "mail", [Retry(v.id, round((v.at or 0) * 1000), "again", []) for v in failed]
        )

    def repair(self, mine: World, _: random.Random) -> None:
        self.found += faults(mine, mend=True)


def test_a_repair_harms_nothing_that_goes_on(world: World) -> None:
    bustle = Bustle(world)

    bustle.run(seconds=2.0, jobs=51)

    assert bustle.errors == []
    assert bustle.found == []
    assert len(bustle.ended) == len(set(bustle.ended)) > 50
    assert set(check_whole(world).jobs) == bustle.enqueued - set(bustle.ended)


# The command, and the doctor


def buoy(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def broken(full: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(Job, "app", App(full.broker.settings.url))
    full.call("LREM", "queued", 0, "w1")
    full.call("LREM", "queued", 0, "w2")
    full.call("HSET", "claims", ">gone", "x")
    return full


def test_the_command_says_what_it_would_do_and_does_it(broken: World) -> None:
    assert buoy("queues", "repair", "--dry-run", code=1) == (
        "mail: claims of jobs that are gone: 1, would be freed: gone\n"
        "mail: jobs in no place: 2, would be put back to the head of the queue: w2, w1\n"
    )
    assert buoy("queues", "repair", "mail") == (
        "mail: claims of jobs that are gone: 1, freed: gone\n"
        "mail: jobs in no place: 2, put back to the head of the queue: w2, w1\n"
    )
    assert buoy("queues", "repair") == "mail: nothing is wrong\n"
    check_whole(broken)


def test_jobs_on_their_way_to_other_queues_go_on(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(Job, "app", App(world.broker.settings.url))
    pack = Entry("p", b'{"class":"Pack","args":[],"id":"p"}', "Pack")
    full = Handover("two", "a", "full", pack, max_length=1)
    children = [(Handover("one", "a", "shop", pack).encoded(),), (full.encoded(),)]
    world.enqueue("a")
    World(world.broker, world.nodes, "full").enqueue("x")
    world.trip(0, Settlement.of(world.take_one(), "done", children=children))

    assert buoy("queues", "repair", "mail", "--dry-run", code=1) == (
        "mail: jobs on their way to other queues: 2, would go on\n"
    )
    left = "mail: 1 job waits to go to queue full: it holds 1 jobs, and is full\n"
    said = buoy("queues", "repair", "mail", code=1)
    assert left in said
    assert "mail: jobs handed over to their queues: 1\n" in said
    assert buoy("queues", "repair", "mail", code=1) == left
    assert World(world.broker, world.nodes, "shop").queued == ["p"]


def test_of_many_jobs_some_are_named(broken: World) -> None:
    broken.enqueue(*(f"{n:03}" for n in range(100)))
    broken.call("DEL", "queued")

    assert (
        "jobs in no place: 104, put back to the head of the queue: w3, w2, w1, p1, 099, 098, "
        in (said := buoy("queues", "repair", "mail"))
    )
    assert said.endswith(" and 94 more\n")


def test_a_queue_that_cannot_be_repaired_is_named_and_the_others_are(broken: World) -> None:
    for key in ("away", "odd"):
        broken.broker.client.call("SADD", broken.broker.keys.queues(), key)
    broken.broker.client.call("SET", broken.broker.keys.part("odd", "queued"), "x")

    assert "away: nothing is wrong\n" in buoy("queues", "repair", "away")
    said = buoy("queues", "repair", "nope", "odd", "mail", code=1)

    assert "nope: expected a queue, got nothing under this name\n" in said
    assert "buoy:{odd}:queued: expected a list, got a string; nothing was changed\n" in said
    check_whole(broken)


def test_the_doctor_finds_what_can_be_repaired(broken: World) -> None:
    said = {each.text: each for each in examine(Job.app) if each.subject == "queue mail"}

    assert said["jobs in no place: 2"].advice == (
        "list and mend them: buoy queues repair mail --dry-run"
    )
    assert "claims of jobs that are gone: 1" in said
    buoy("queues", "repair")
    [places] = [each for each in examine(Job.app) if each.subject == "places"]
    assert places.state == "ok"


def test_the_doctor_finds_a_key_of_a_wrong_type_and_looks_at_the_others(broken: World) -> None:
    broken.broker.client.call("SADD", broken.broker.keys.queues(), "odd")
    broken.broker.client.call("SET", broken.broker.keys.part("odd", "meta"), "x")

    found = examine(Job.app)

    [odd] = [each for each in found if each.subject == "queue odd"]
    assert odd.text == "buoy:{odd}:meta: expected a hash, got a string: this queue is blocked"
    assert "jobs in no place: 2" in [each.text for each in found]
