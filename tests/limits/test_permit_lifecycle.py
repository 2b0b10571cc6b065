"""Any actions in any order, and after each of them: no more jobs than a limit allows are queued or
run, nobody waits while there is room, and each line keeps its order.

Everything is read from Redis. Only the limits are kept by the test.

BUOY_LIFECYCLE=N runs N sequences of actions instead of the usual number.
"""

import math
import os
from collections import Counter, defaultdict
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

from buoy import App, DirtyExit, Handle, Job, Later, Plugin, hookimpl
from buoy.jobs.run import load_run, run, settle_death
from buoy.model.reservation import Reservation, RoundTripRequest, Settlement
from buoy.operations.failed_set import Filter, find, remove, retry
from buoy.operations.move import Move
from buoy.operations.repair import Survey
from buoy.testing import Clock, drain
from buoy_limits import Debounce, Fair, Limit, Limits, Lonely, Rate, Throttle
from tests.support.snapshot import Snapshot, check_whole, needs_in
from tests.support.world import World

QUEUE = "limited"
LEASE = 30
SLACK = 0.5
"""Seconds that two moments of a test may be apart."""
EXAMPLES = int(os.environ.get("BUOY_LIFECYCLE", "60"))
numbers = count(1)


class Fate(Plugin):
    """How the next run ends."""

    word = "done"

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(5) if self.word == "retry" else None


fate = Fate()


class One(Job):
    queue = QUEUE
    plugins = [Limit(at_once=1, key="number", name="one"), fate]

    def perform(self, number: int) -> None:
        if fate.word != "done":
            raise ValueError(number)


class Two(Job):
    queue = QUEUE
    plugins = [
        Limits(Limit(at_once=3, name="all"), Limit(at_once=2, key="number", name="two")),
        Fair(key="number", name="turn"),
        fate,
    ]
    perform = One.perform


class Same(Job):
    queue = QUEUE
    expires = 20
    plugins = [Lonely(), fate]
    perform = One.perform


class Paced(Job):
    queue = QUEUE
    plugins = [
        Limits(Rate(1, per=2, burst=2, key="number"), Limit(at_once=2, name="paced")),
        fate,
    ]
    perform = One.perform


class Calm(Job):
    queue = QUEUE
    plugins = [Throttle(20, key="number"), fate]
    perform = One.perform


class Burst(Job):
    queue = QUEUE
    plugins = [Debounce(4, at_most=10, key="number"), Limit(at_once=2, name="burst"), fate]

    def perform(self, number: int, turn: int = 0) -> None:
        if fate.word != "done":
            raise ValueError(number)


JOBS: list[Any] = [One, Two, Same, Paced, Calm]
DECLARED = {"one": 1, "all": 3, "two": 2, "turn": 1, "Same": 1, "paced": 2, "burst": 2}
KEYS = st.sampled_from(["Limit:one number=0", "Limit:all", "Limit:two number=1"])

KINDS = st.sampled_from(JOBS)
ROWS = st.lists(st.integers(0, 1), min_size=1, max_size=6)
DELAYS = st.sampled_from([None, None, 3.0, 60.0])
WORKERS = st.sampled_from(["one", "two"])
FATES = st.sampled_from(
    ["done", "done", "fail", "retry", "die", "die and retry", "released", "crashed"]
)


class PermitMachine(RuleBasedStateMachine):
    """Drives one queue; ``app``, ``clock`` and ``world`` are set by the test."""

    app: App
    clock: Clock
    world: World

    @initialize()
    def begin(self) -> None:
        self.app.command("FLUSHALL")
        self.app.broker.clock_offset_ms = 0
        self.app.broker.registered.clear()
        self.in_flight: dict[str, list[Reservation]] = defaultdict(list)
        self.taken: set[str] = set()
        self.set: dict[str, int] = {}
        self.let_in: dict[int, tuple[float, str]] = {}
        self.orderly = True
        self.seen = check_whole(self.world)

    # Producers and workers

    @rule(job=KINDS, rows=ROWS, delay=DELAYS)
    def enqueue(self, job: Any, rows: list[int], delay: float | None) -> None:
        handles = job.using(delay=delay).enqueue_many([(row,) for row in rows])

        stored = [handle for handle in handles if handle.state != "exists"]
        views = list(filter(None, map(self.app.find, [handle.id for handle in stored])))
        assert [view.state for view in views] == [handle.state for handle in stored]
        if job is Calm:
            for row, handle in zip(rows, handles, strict=True):
                self.throttled_as_it_should_be(row, handle)

    def throttled_as_it_should_be(self, row: int, handle: Handle[None]) -> None:
        """Within the time, only a job that has failed lets another one in."""
        at, id = self.let_in.get(row, (-math.inf, ""))
        if handle.state == "exists":
            assert (handle.code, handle.holder) == ("throttled", id)
            assert self.now - at < 20 + SLACK
        else:
            earlier = self.app.find(id) if id else None
            failed = earlier is not None and earlier.state == "failed"
            assert failed or self.now - at > 20 - SLACK
            self.let_in[row] = (self.now, handle.id)

    @property
    def now(self) -> float:
        seconds, micros = map(int, self.app.command("TIME"))
        return seconds + micros / 1e6 + self.app.broker.clock_offset_ms / 1000

    @rule(rows=ROWS, delay=DELAYS)
    def burst(self, rows: list[int], delay: float | None) -> None:
        """One job of each key waits, soon, with the arguments that came last."""
        turns = [(row, next(numbers)) for row in rows]
        Burst.using(delay=delay).enqueue_many(turns)

        for row, turn in dict(turns).items():
            holder = self.app.monitor.holder(QUEUE, f"Debounce:{Burst.name} number={row}")
            view = self.app.find(holder or "")
            assert view is not None
            assert (view.args, view.state != "running") == ([row, turn], True)
            if view.state == "delayed":
                assert (view.at or 0) <= self.now + 10

    @rule(worker=WORKERS, wanted=st.integers(0, 4), words=st.lists(FATES, max_size=4))
    def work(self, worker: str, wanted: int, words: list[str]) -> None:
        """Jobs are reserved; runs end, each in its way, if they have not lost their leases."""
        in_flight = self.in_flight[worker]
        trip = RoundTripRequest(QUEUE, next(numbers), wanted=wanted, in_flight=len(in_flight))
        answer = self.app.broker.advance_queue(worker, trip)
        in_flight += answer.reservations
        self.taken -= {each.id for each in answer.reservations}
        idle = wanted > len(answer.reservations) and not answer.state
        assert not (idle and self.world.queued), "a worker has left a job that it could take"
        settlements = [settle_run(in_flight.pop(0), word) for word in words if in_flight]
        self.app.broker.advance_queue(
            worker, RoundTripRequest(QUEUE, next(numbers), settlements=settlements)
        )

    @rule(worker=WORKERS)
    def die(self, worker: str) -> None:
        self.in_flight.pop(worker, None)

    @rule(seconds=st.sampled_from([1, 4, 25, LEASE * 2]))
    def pass_time(self, seconds: int) -> None:
        """With somebody there who looks at the queue, as workers do."""
        for _ in range(0, seconds, 2):
            self.clock.advance(min(seconds, 2))
            self.app.broker.renew_leases({QUEUE: []})

    # Operators

    @rule(job=KINDS, rows=st.lists(st.integers(0, 1), max_size=1))
    def dequeue(self, job: Any, rows: list[int]) -> None:
        self.app.dequeue(job, *rows)
        self.orderly = False

    @rule(data=st.data(), act=st.sampled_from(["cancel", "now", "later", "take", "take", "edit"]))
    def interfere(self, data: st.DataObject, act: str) -> None:
        """An operator does something with a job."""
        if not self.seen.jobs:
            return
        id = data.draw(st.sampled_from(sorted(self.seen.jobs)))
        self.orderly = False
        if act == "cancel":
            self.app.cancel(id)
        elif act == "take":
            self.taken |= {each.id for each in self.app.control.take(QUEUE, [id], "mover")}
        elif act == "edit":
            self.app.edit(id, [0], keep_claims=True)
        else:
            now = int(self.app.command("TIME")[0]) + self.app.broker.clock_offset_ms / 1000
            self.app.reschedule(id, None if act == "now" else now + 90)

    @rule(key=KEYS, limit=st.sampled_from([None, 0, 1, 2, 5]))
    def set_limit(self, key: str, limit: int | None) -> None:
        self.app.control.set_limit(QUEUE, key, limit)
        if limit is None:
            self.set.pop(key, None)
        else:
            self.set[key] = limit

    @rule()
    def move_away_and_back(self) -> None:
        for source, target in ((QUEUE, "other"), ("other", QUEUE)):
            move = Move(self.app.control, self.app.monitor, source, target, "mover")
            move.run()
            if source == QUEUE:
                self.app.command("DEL", self.app.key(QUEUE, "ended"))
        self.app.command("DEL", self.app.key("other", "ended"))
        self.orderly = False

    @rule(forget=st.sampled_from([False, False, True]))
    def clean_up(self, forget: bool) -> None:
        """The failed are put back, or forgotten."""
        failures = list(find(self.app.monitor, Filter()))
        if forget:
            remove(self.app.control, failures)
        else:
            retry(self.app.control, failures)

    # What holds after each act

    @invariant()
    def limits_hold(self) -> None:
        before, self.seen = self.seen, check_whole(self.world)
        taken, was_taken = counts(self.seen), counts(before)
        for key, number in taken.items():
            assert number <= max(self.limit(key), was_taken.get(key, 0)), key
        for line in self.seen.lines:
            key = line.split("\n")[0]
            assert taken.get(key, 0) >= self.limit(key), f"{line} waits while there is room"
        self.who_may_run_holds_its_permits()
        self.lines_keep_their_order(before)

    def limit(self, key: str) -> int:
        name = key.partition(":")[2].partition(" ")[0].rpartition(".")[2]
        return self.set.get(key, DECLARED[name])

    def who_may_run_holds_its_permits(self) -> None:
        for id, needs in needs_in(self.seen).items():
            if id in {*self.seen.queued, *(self.seen.leases.keys() - self.taken)}:
                assert all(held for word, held, _ in needs if word == "f"), id

    def lines_keep_their_order(self, before: Snapshot) -> None:
        """Those who leave a line were its first; those who come are its last."""
        if self.orderly:
            for key in {line.split("\n")[0] for line in before.lines}:
                old, new = (
                    [line for line in seen.lines if line.split("\n")[0] == key]
                    for seen in (before, self.seen)
                )
                stay = [line for line in old if line in new]
                assert old[len(old) - len(stay) :] == new[: len(stay)] == stay
        self.orderly = True

    def teardown(self) -> None:
        """Whatever has happened: there is nothing to repair, all jobs run, all permits are free."""
        assert list(Survey(self.app.broker, QUEUE).faults()) == []
        fate.word = "done"
        for key in self.set:
            self.app.control.set_limit(QUEUE, key, None)
        for _ in range(12):
            self.pass_time(LEASE * 2)
            drain(self.app)
        left = check_whole(self.world)
        assert set(left.jobs) == set(left.failed)
        assert (left.claims, left.blocked, left.lines) == ({}, {}, [])


def counts(seen: Snapshot) -> Counter[str]:
    """How many permits of each key are taken."""
    needs = needs_in(seen).values()
    return Counter(key for some in needs for _, held, key in some if held)


def settle_run(reservation: Reservation, word: str) -> Settlement:
    """Ends a run in the way that the word names."""
    if word in ("released", "crashed"):
        return Settlement.of(reservation, word)  # type: ignore[arg-type]  # these two
    fate.word = word.removeprefix("die and ")
    if word.startswith("die"):
        return settle_death(reservation, load_run(reservation), DirtyExit("killed"))
    return run(reservation)


def test_limits_hold_whatever_happens(buoy_app: App, buoy_clock: Clock) -> None:
    world = World(buoy_app.broker, [buoy_app.broker.client], QUEUE)
    fields = {"app": buoy_app, "clock": buoy_clock, "world": world}
    machine = type("PermitMachineHere", (PermitMachine,), fields)

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
