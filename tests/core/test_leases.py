"""Outages, jumps of the clock and moments of contact in any order: no worker that lives loses a
job, and the jobs of those that died are back after a while of contact.

Each worker does as heartbeat.py does: it beats each third of a lease, looks more often while
somebody is late, and tries again soon what did not go through.

BUOY_LEASES=N runs N sequences instead of the usual number.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from buoy.model.reservation import Reservation
from buoy.worker.heartbeat import CLOSE_WATCH
from tests.support.world import LEASE, RECOVERY, World

EXAMPLES = int(os.environ.get("BUOY_LEASES", "60"))
SOON = 500
"""Milliseconds after which a worker tries again what did not go through."""
MOMENT = 100
DEAF = 15
"""How often one after the other Redis may be there for a moment in which a worker does not try, or
change its clock: somebody who tries twice a second is unlucky four times in five."""

OUTAGES = st.sampled_from([1300, 3700, LEASE // 3, LEASE * 13 // 10, 120 * LEASE])
CONTACTS = st.sampled_from([SOON, 2000, LEASE // 3, 2 * LEASE])
JUMPS = st.sampled_from([LEASE // 7, LEASE // 3, LEASE * 9 // 10, 2 * LEASE, 120 * LEASE])
WORKERS = st.sampled_from(["one", "two", "three"])


@dataclass
class Someone:
    """A worker that lives. Times are in milliseconds since the begin."""

    next_beat: int
    next_look: int | None = None
    hand: list[Reservation] = field(default_factory=list)
    deaf: int = 0

    @property
    def next_try(self) -> int:
        return min(self.next_beat, self.next_look or self.next_beat)


class Leases(RuleBasedStateMachine):
    """Drives one queue; ``world`` is set by the test."""

    world: World

    @initialize()
    def begin(self) -> None:
        self.world.broker.clock_offset_ms = 0
        self.world.everywhere("FLUSHALL")
        self.world.late = False
        self.time = 0
        self.there = True
        self.workers: dict[str, Someone] = {}
        self.orphans: set[str] = set()
        self.ids: Iterator[int] = count(1)

    # What happens

    @rule(name=WORKERS, wanted=st.integers(0, 2))
    def take(self, name: str, wanted: int) -> None:
        """A worker starts, if it is not there, and takes jobs."""
        worker = self.workers.setdefault(name, Someone(self.time))
        if wanted:
            self.world.enqueue(*[f"job-{next(self.ids)}" for _ in range(wanted)])
        taken = self.world.take(wanted, worker=name)
        self.orphans -= {each.id for each in taken}
        worker.hand += taken

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.workers)))
        self.orphans |= {each.id for each in self.workers.pop(name).hand}

    @rule()
    def visit(self) -> None:
        """Somebody looks in who does not stay."""
        self.world.trip(0, worker="short-lived")

    @rule(milliseconds=CONTACTS)
    def contact(self, milliseconds: int) -> None:
        self.live(milliseconds)

    @precondition(lambda self: self.patient())
    @rule(milliseconds=OUTAGES, contact=st.just(MOMENT) | CONTACTS)
    def outage(self, milliseconds: int, contact: int) -> None:
        self.there = False
        self.live(milliseconds)
        self.there = True
        self.count_deaf()
        self.live(contact)

    @precondition(lambda self: self.patient())
    @rule(milliseconds=JUMPS, back=st.booleans(), contact=st.just(MOMENT) | CONTACTS)
    def jump(self, milliseconds: int, back: bool, contact: int) -> None:
        self.world.wait(-milliseconds if back else milliseconds)
        self.count_deaf()
        self.live(contact)

    def patient(self) -> bool:
        return all(worker.deaf < DEAF for worker in self.workers.values())

    def count_deaf(self) -> None:
        for worker in self.workers.values():
            worker.deaf += 1

    # Time

    def live(self, milliseconds: int) -> None:
        """Let time pass; the workers try what they try."""
        end = self.time + milliseconds
        while self.workers:
            worker = min(self.workers.values(), key=lambda each: each.next_try)
            if worker.next_try > end:
                break
            self.pass_until(max(self.time, worker.next_try))
            if self.there:
                self.beat(worker)
            else:
                worker.next_beat, worker.next_look = self.time + SOON, None
        self.pass_until(end)

    def pass_until(self, time: int) -> None:
        self.world.wait(time - self.time)
        self.time = time

    def beat(self, worker: Someone) -> None:
        whole = worker.next_beat <= self.time
        assert self.world.beat(*worker.hand if whole else []) == []
        if whole:
            worker.deaf, worker.next_beat = 0, self.time + LEASE // 3
        worker.next_look = self.time + round(CLOSE_WATCH * LEASE) if self.world.late else None

    # What holds

    @invariant()
    def no_worker_that_lives_has_lost_a_job(self) -> None:
        runs = self.world.tokens
        for worker in self.workers.values():
            for held in worker.hand:
                assert runs.get(held.id) == held.token

    def teardown(self) -> None:
        """With a worker that lives and has contact, the jobs of all others are back in time."""
        self.workers["one"] = self.workers.get("one") or Someone(self.time)
        self.live(RECOVERY)
        assert self.orphans <= set(self.world.queued)


def test_no_sequence_takes_a_job_from_a_worker_that_lives(world: World) -> None:
    machine = type("LeasesHere", (Leases,), {"world": world})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize="CI" in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
