"""Members end or never come, workers carry their ends and look for what never came, sleep or die in
between, in any order: each member counts once, as what it has come to, and what follows is enqueued
exactly once.

BUOY_LIFECYCLE=N runs N sequences of acts instead of the usual number.
"""

import os
from collections import Counter
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from buoy.broker.forwarding import forward_steps
from buoy.errors import Unavailable
from buoy.model.reservation import OutcomeWord, Reservation, Settlement
from buoy.operations.lost_members import look_after_groups, look_steps
from tests.core.test_forwarding_lifecycle import Forwarder
from tests.core.test_groups import HOME, callback, counts, run
from tests.support.snapshot import check_whole
from tests.support.world import LEASE, World

EXAMPLES = int(os.environ.get("BUOY_LIFECYCLE", "60"))
ENDS: dict[OutcomeWord, str] = {"done": "done", "failed": "failed", "rejected": "expired"}
NO_ENDS: list[OutcomeWord] = ["released", "crashed", "delayed"]
HOUR = 3_600_000
WAYS = st.sampled_from([*ENDS, *NO_ENDS, "cancelled"])
EVENTS = ("on_death", "on_complete", "on_success")


class Lifecycle(RuleBasedStateMachine):
    """Drives the queue of the members, and the home of their group."""

    world: World

    @initialize()
    def begin(self) -> None:
        self.world.broker.clock_offset_ms = 0
        self.world.broker.away.clear()
        self.world.everywhere("FLUSHALL")
        self.home = World(self.world.broker, self.world.nodes, HOME)
        self.serial = count(1)
        self.ended: dict[str, str] = {}
        self.closed = False
        self.runs: Counter[str] = Counter()
        self.forwarders: list[Forwarder] = []
        fields = [word for each in EVENTS for word in (each, callback(each))]
        run(self.world, "group_open", "g", 3, *fields)

    def add_member(self, fate: str = "open") -> str | None:
        """Note a member, and enqueue it; the fate of one that never comes is "lost"."""
        id = f"m-{next(self.serial)}"
        member = f"{self.world.queue} {id}"
        if run(self.world, "group_add", "g", 1, member, 0)[0] != "open":
            return None
        self.ended[id] = fate
        if fate == "open":
            self.world.enqueue(id, claims=[(f"{HOME} g {member}", "ended")])
        return id

    @rule(closes=st.booleans(), fate=st.sampled_from(["open", "open", "lost"]))
    def a_program_adds(self, closes: bool, fate: str) -> None:
        if not self.closed:
            self.add_member(fate)
            if closes:
                run(self.world, "group_close", "g", "closed")
                self.closed = True

    @rule(way=WAYS, adds=st.booleans(), stale=st.booleans())
    def a_member_ends(self, way: str, adds: bool, stale: bool) -> None:
        held = self.world.take(1)
        if not held:
            return
        [member] = held
        if adds:  # while a member runs, its group takes others
            assert self.add_member() is not None
        self.settle(member, way)
        if stale:  # a run that has lost its job tells nothing
            self.world.trip(0, Settlement.of(member, "done"))

    def settle(self, member: Reservation, way: str) -> None:
        if way == "cancelled":
            self.world.control.remove(self.world.queue, [member.id], "running")
            self.ended[member.id] = "cancelled"
            return
        settled = Settlement.of(member, way, payload=member.payload)  # type: ignore[arg-type]
        self.world.trip(0, settled)
        if way in ENDS:
            self.ended[member.id] = ENDS[way]

    @rule(queue=st.sampled_from(["mail", HOME]), steps=st.integers(1, 6), sleeps=st.booleans())
    def a_forwarder_takes_some_steps(self, queue: str, steps: int, sleeps: bool) -> None:
        each = Forwarder(forward_steps(self.world.broker, queue, 100))
        for _ in range(steps):
            if not each.over:
                each.go_on(self.world.broker.client.calls(each.step))  # type: ignore[arg-type]
        if sleeps and not each.over:
            self.forwarders.append(each)

    @rule(steps=st.integers(1, 8), sleeps=st.booleans())
    def a_worker_looks_for_what_never_came(self, steps: int, sleeps: bool) -> None:
        unseen = self.world.broker.heartbeat({HOME: []}, []).unseen.get(HOME, [])
        each = Forwarder(look_steps(self.world.broker, HOME, unseen))
        for _ in range(steps):
            if not each.over:
                each.go_on(self.world.broker.client.calls(each.step))  # type: ignore[arg-type]
        if sleeps and not each.over:
            self.forwarders.append(each)

    @rule(data=st.data(), fate=st.sampled_from(["well", "well", "lost", "unsent", "dies"]))
    def a_forwarder_goes_on(self, data: st.DataObject, fate: str) -> None:
        if not self.forwarders:
            return
        each = data.draw(st.sampled_from(self.forwarders), "forwarder")
        if fate == "dies":
            each.over = True
        elif fate == "unsent":
            each.go_on(Unavailable("away", sent=False))
        else:
            replies = self.world.broker.client.calls(each.step)  # type: ignore[arg-type]
            each.go_on(replies if fate == "well" else Unavailable("away", sent=True))
        self.forwarders = [each for each in self.forwarders if not each.over]

    @rule(move=st.sampled_from([100, 2000, LEASE + 1000, 600_000, HOUR]))
    def time_passes(self, move: int) -> None:
        self.world.wait(move)
        self.world.broker.away.clear()
        self.world.take(0)
        self.home.take(0)

    @rule()
    def what_follows_runs(self) -> None:
        held = self.home.take(100)
        self.home.trip(0, *(Settlement.of(each, "done") for each in held))
        self.runs.update(each.id for each in held)

    @invariant()
    def each_counts_at_most_once(self) -> None:
        if not hasattr(self, "ended"):
            return
        check_whole(self.world)
        check_whole(self.home)
        found = {name: int(number) for name, number in counts(self.world).items()}
        assert found.pop("total", 0) == len(self.ended)
        real = Counter(self.ended.values())
        assert all(number <= real[name] for name, number in found.items()), (found, real)
        assert all(times == 1 for times in self.runs.values()), self.runs
        if real["open"] or not self.closed:
            assert not {"on_complete", "on_success"} & {*self.runs, *self.home.jobs}

    def teardown(self) -> None:
        if not hasattr(self, "ended"):
            return
        if not self.closed:
            run(self.world, "group_close", "g", "closed")
            self.closed = True
        for number in range(300):
            for member in self.world.take(100):
                self.settle(member, "done")
            self.world.wait(60_001 if number else HOUR)
            self.world.broker.away.clear()
            look_after_groups(self.world.broker, HOME, ["g"])
            self.carry_all()
            self.what_follows_runs()
            if "open" not in self.ended.values() and not self.on_their_way():
                break
        self.each_counts_at_most_once()
        real = Counter(self.ended.values())
        found = {name: int(number) for name, number in counts(self.world).items()}
        assert {name: number for name, number in found.items() if name != "total"} == real
        expected = {"on_complete"} | ({"on_death"} if real["failed"] else set())
        expected |= {"on_success"} if real["done"] == len(self.ended) else set()
        assert self.runs.keys() == expected

    def on_their_way(self) -> int:
        found: int = self.world.call("ZCARD", "handovers") + self.home.call("ZCARD", "handovers")
        return found

    def carry_all(self) -> None:
        for queue in ("mail", HOME):
            each = Forwarder(forward_steps(self.world.broker, queue, 100))
            while not each.over:
                each.go_on(self.world.broker.client.calls(each.step))  # type: ignore[arg-type]


def test_each_member_counts_once_and_what_follows_comes_once(world: World) -> None:
    machine = type("LifecycleHere", (Lifecycle,), {"world": world})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            database=None,
            derandomize="CI" in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
