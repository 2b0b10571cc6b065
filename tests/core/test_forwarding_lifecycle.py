"""Parents end, workers hand over, sleep or die in between, in any order: each job that follows gets
into its queue exactly once, if and only if its parent has ended well.

BUOY_LIFECYCLE=N runs N sequences of acts instead of the usual number.
"""

import os
from collections import Counter
from itertools import count
from typing import Any

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
from buoy.connection.client import RedisSteps
from buoy.errors import Unavailable
from buoy.model.entry import Entry
from buoy.model.handover import Handover
from buoy.model.reservation import Reservation, Settlement
from buoy.model.transition import Transition
from tests.support.snapshot import check_whole
from tests.support.world import LEASE, RECOVERY, World, payload_of

DAY = 24 * 3600 * 1000
EXAMPLES = int(os.environ.get("BUOY_LIFECYCLE", "60"))
KINDS = st.lists(st.sampled_from(["own", "shop", "shop", "claims", "limited"]), max_size=3)
MOVES = st.sampled_from([100, 2000, LEASE // 3, LEASE + 1000, 600_000, DAY])


class Forwarder:
    """A process that hands over, one step after another."""

    def __init__(self, steps: RedisSteps[Any]) -> None:
        self.steps, self.step = steps, next(steps)
        self.over, self.slept = False, 0

    def go_on(self, replies: list[Any] | Unavailable) -> None:
        try:
            if isinstance(replies, Unavailable):
                self.step = self.steps.throw(replies)
            else:
                self.step = self.steps.send(replies)
        except (StopIteration, Unavailable):
            self.over = True


class Lifecycle(RuleBasedStateMachine):
    """Drives the queue of the parents, and that of what follows them."""

    world: World

    @initialize()
    def begin(self) -> None:
        self.world.broker.clock_offset_ms = 0
        self.world.broker.away.clear()
        self.world.everywhere("FLUSHALL")
        self.shop = World(self.world.broker, self.world.nodes, "shop")
        self.serial = count(1)
        self.promised: set[str] = set()
        self.runs: Counter[str] = Counter()
        self.forwarders: list[Forwarder] = []

    @rule(kinds=KINDS, stale=st.booleans())
    def a_parent_ends(self, kinds: list[str], stale: bool) -> None:
        parent = f"parent-{next(self.serial)}"
        self.world.enqueue(parent)
        held = self.take_parent(parent)
        children = [self.child(kind) for kind in kinds]
        if stale:
            self.world.live_on(RECOVERY)
            again = self.take_parent(parent)
            self.world.trip(0, Settlement.of(again, "failed", payload="{}"))
        reply = self.world.trip(0, Settlement.of(held, "done", children=[w for _, w in children]))
        assert bool(reply.refused) == stale
        if not stale:
            self.promised |= {id for id, _ in children}

    def take_parent(self, id: str) -> Reservation:
        """Take all jobs of its queue, and run the others."""
        taken = {each.id: each for each in self.world.take(100)}
        parent = taken.pop(id)
        self.world.trip(0, *(Settlement.of(each, "done") for each in taken.values()))
        self.runs.update(taken.keys())
        return parent

    def child(self, kind: str) -> tuple[str, tuple[str, ...]]:
        id = f"{kind}-{next(self.serial)}"
        if kind == "own":
            return id, (id, payload_of(id).decode(), "Job")
        more = Transition("shop", [[id, "finished"]]) if kind == "claims" else None
        entry = Entry(id, payload_of(id), "Job", transition=more)
        limit = 2 if kind == "limited" else None
        return id, (Handover(f"to-{id}", "p", "shop", entry, limit).encoded(),)

    @rule(steps=st.integers(1, 5), then=st.sampled_from(["dies", "sleeps"]))
    def a_forwarder_takes_some_steps(self, steps: int, then: str) -> None:
        each = Forwarder(forward_steps(self.world.broker, "mail", 100))
        for _ in range(steps):
            if not each.over:
                each.go_on(self.world.broker.client.calls(each.step))  # type: ignore[arg-type]
        if then == "sleeps" and not each.over:
            self.forwarders.append(each)

    @rule(data=st.data(), fate=st.sampled_from(["well", "well", "well", "lost", "unsent", "dies"]))
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

    @rule(move=MOVES)
    def time_passes(self, move: int) -> None:
        """Workers look at both queues then, and these forget which jobs have ended long ago."""
        self.world.wait(move)
        self.world.broker.away.clear()
        for each in self.forwarders:
            each.slept += move
        # By then the receipt of a job may be forgotten that another one has handed over.
        self.forwarders = [each for each in self.forwarders if each.slept < 7 * DAY]
        self.world.take(0)
        self.shop.take(0)

    @rule()
    def what_follows_runs(self) -> None:
        for world in (self.shop, self.world):
            held = world.take(100)
            world.trip(0, *(Settlement.of(each, "done") for each in held))
            self.runs.update(each.id for each in held if not each.id.startswith("parent"))

    @invariant()
    def each_is_in_its_place_or_has_run(self) -> None:
        if not hasattr(self, "promised"):
            return
        check_whole(self.world)
        check_whole(self.shop)
        stored = {*self.world.jobs, *self.shop.jobs}
        on_their_way = {
            Handover.parse(each.decode()).entry.id
            for each in self.world.call("ZRANGE", "handovers", 0, -1)
        }
        assert all(times == 1 for times in self.runs.values()), self.runs
        assert not stored & self.runs.keys()
        assert self.promised <= stored | self.runs.keys() | on_their_way
        followers = {id for id in stored | self.runs.keys() if not id.startswith("parent")}
        assert followers <= self.promised

    def teardown(self) -> None:
        if not hasattr(self, "promised"):
            return
        for _ in range(200):
            if not self.world.call("ZCARD", "handovers"):
                break
            self.what_follows_runs()
            self.world.wait(60_001)
            self.world.broker.away.clear()
            each = Forwarder(forward_steps(self.world.broker, "mail", 100))
            while not each.over:
                each.go_on(self.world.broker.client.calls(each.step))  # type: ignore[arg-type]
        self.what_follows_runs()
        self.each_is_in_its_place_or_has_run()
        assert self.runs.keys() == self.promised


def test_each_job_that_follows_gets_into_its_queue_once(world: World) -> None:
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
