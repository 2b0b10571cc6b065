"""Any actions in any order, and after each of them: no more jobs than a limit allows are queued or
run, nobody waits while there is room, and each line keeps its order.

Everything is read from Redis. Only the limits are kept by the test.

BUOY_LIFECYCLE=N runs N sequences of actions instead of the usual number.
"""

import os
import re
from collections import Counter, defaultdict
from itertools import count, pairwise
from typing import Any

from hypothesis import HealthCheck, Phase, settings
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
    plugins = [
        Debounce(4, at_most=10, key="number"),
        Limit(at_once=1, name="burst", key=lambda arguments: arguments["turn"] % 2),
        fate,
    ]

    def perform(self, number: int, turn: int = 0) -> None:
        if fate.word != "done":
            raise ValueError(number)


class Given(Job):
    queue = QUEUE
    plugins = [
        Limits(Limit(at_once=1, key="number", name="given"), Rate(1, per=3, key="number")),
        fate,
    ]
    perform = One.perform


JOBS: list[Any] = [One, Two, Same, Paced, Calm]
DECLARED = {"one": 1, "all": 3, "two": 2, "turn": 1, "Same": 1, "paced": 2, "burst": 1, "given": 1}
PACES = {f"Rate:{Paced.name}": 2, f"Rate:{Given.name}": 3}
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
        self.set_paces: dict[str, float] = {}
        self.let_in: dict[int, tuple[float, float, str]] = {}
        self.done: set[str] = set()
        self.lifted: set[str] = set()
        self.by_hand: set[str] = set()
        self.orderly = True
        self.seen = check_whole(self.world)

    # Producers and workers

    @rule(job=KINDS, rows=ROWS, delay=DELAYS)
    def enqueue(self, job: Any, rows: list[int], delay: float | None) -> None:
        before = self.now
        handles = job.using(delay=delay).enqueue_many([(row,) for row in rows])

        stored = [handle for handle in handles if handle.state != "exists"]
        views = list(filter(None, map(self.app.find, [handle.id for handle in stored])))
        assert [view.state for view in views] == [handle.state for handle in stored]
        if job is Calm:
            after = self.now
            for row, handle in zip(rows, handles, strict=True):
                self.throttled_as_it_should_be(row, handle, before, after)

    def throttled_as_it_should_be(
        self, row: int, handle: Handle[None], before: float, after: float
    ) -> None:
        """Within the time, only a job that has not become done lets another one in. The job was
        enqueued between these two moments, which may be far apart on a busy machine."""
        first, last, id = self.let_in.get(row, (0.0, 0.0, ""))
        if handle.state == "exists":
            assert (handle.code, handle.holder) == ("throttled", id)
            assert before - last < 20
            assert id not in self.lifted
        else:
            assert id in self.lifted or after - first >= 20
            self.let_in[row] = (before, after, handle.id)

    @property
    def now(self) -> float:
        seconds, micros = map(int, self.app.command("TIME"))
        return seconds + micros / 1e6 + self.app.broker.clock_offset_ms / 1000

    @rule(rows=ROWS, delay=DELAYS)
    def burst(self, rows: list[int], delay: float | None) -> None:
        """One job of each key waits, soon, with the arguments that came last."""
        turns = [(row, next(numbers)) for row in rows]
        Burst.using(delay=delay).enqueue_many(turns)
        self.orderly = False  # a job that is replaced goes to the line of its new key

        for row, turn in dict(turns).items():
            holder = self.app.monitor.holder(QUEUE, f"Debounce:{Burst.name} number={row}")
            view = self.app.find(holder or "")
            assert view is not None
            assert (view.args, view.state != "running") == ([row, turn], True)
            if view.state == "delayed":
                assert (view.at or 0) <= self.now + 10

    @rule(id=st.sampled_from(["given 1", "given 2"]), row=st.integers(0, 1), delay=DELAYS)
    def replace(self, id: str, row: int, delay: float | None) -> None:
        """The job of this id needs the permit of the arguments that it has now."""
        Given.using(id=id, replace=True, delay=delay).enqueue(row)

        view = self.app.find(id)
        if view is not None and view.state not in ("running", "failed"):
            assert view.args == [row]
            keys = [key for _, _, key in needs_in(check_whole(self.world))[id]]
            assert keys == [f"Limit:given number={row}"]
        self.orderly = False

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
        trip = RoundTripRequest(QUEUE, next(numbers), settlements=settlements)
        answer = self.app.broker.advance_queue(worker, trip)
        refused = {each.token for each in answer.refused}
        applied = (each for each in settlements if each.token not in refused)
        self.done |= {each.id for each in applied if each.outcome == "done"}

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
            self.by_hand.add(id)
            self.app.reschedule(id, None if act == "now" else self.now + 90)

    @rule(key=KEYS, limit=st.sampled_from([None, 0, 1, 2, 5]))
    def set_limit(self, key: str, limit: int | None) -> None:
        self.app.control.set_limit(QUEUE, key, limit)
        if limit is None:
            self.set.pop(key, None)
        else:
            self.set[key] = limit

    @rule(
        pace=st.sampled_from(sorted(PACES)),
        row=st.integers(0, 1),
        to=st.sampled_from([None, (0.5, 1), (7.0, 1), (3.0, 3)]),
    )
    def set_pace(self, pace: str, row: int, to: tuple[float, int] | None) -> None:
        key = f"{pace} number={row}"
        self.app.control.set_pace(QUEUE, key, *(to or (None,)))
        if to is None:
            self.set_paces.pop(key, None)
        else:
            self.set_paces[key] = to[0]

    @rule()
    def move_away_and_back(self) -> None:
        for source, target in ((QUEUE, "other"), ("other", QUEUE)):
            move = Move(self.app.control, self.app.monitor, source, target, "mover")
            self.app.run_steps(move.run())
            if source == QUEUE:
                self.app.command("DEL", self.app.key(QUEUE, "ended"))
        self.app.command("DEL", self.app.key("other", "ended"))
        self.orderly = False

    @rule()
    def move_in_vain(self) -> None:
        """The other queue takes none: all jobs keep their places and times, and what they hold."""
        self.app.broker.renew_leases({QUEUE: []})
        before = check_whole(self.world)
        ended = [word for id in before.jobs for word in (before.now, id)]
        if ended:
            self.app.command("ZADD", self.app.key("other", "ended"), *ended)

        move = Move(self.app.control, self.app.monitor, QUEUE, "other", "mover")
        moved = self.app.run_steps(move.run())

        after = check_whole(self.world)
        assert moved.count == 0
        come_due = before.delayed.keys() - after.delayed.keys()
        assert after.delayed.items() <= before.delayed.items()
        assert all(before.delayed[id] <= after.now for id in come_due)
        assert [id for id in after.queued if id not in come_due] == before.queued
        assert set(before.lines) <= set(after.lines)
        assert come_due or after.claims == before.claims
        self.app.command("DEL", self.app.key("other", "ended"))

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
        gone = before.jobs.keys() - self.seen.jobs.keys()
        self.lifted |= (gone - self.done) | self.seen.failed.keys()
        self.who_may_run_holds_its_permits()
        self.times_are_as_far_apart_as_their_pace_says()
        self.lines_keep_their_order(before)

    def limit(self, key: str) -> int:
        name = key.partition(":")[2].partition(" ")[0].rpartition(".")[2]
        return self.set.get(key, DECLARED[name])

    def who_may_run_holds_its_permits(self) -> None:
        for id, needs in needs_in(self.seen).items():
            if id in {*self.seen.queued, *(self.seen.leases.keys() - self.taken)}:
                started = "u" in self.seen.claims[f"?{id}"].splitlines()
                assert all(held or (word == "s" and started) for word, held, _ in needs), id

    def times_are_as_far_apart_as_their_pace_says(self) -> None:
        times: dict[str, list[float]] = defaultdict(list)
        for id, due in self.seen.delayed.items():
            text = self.seen.claims.get(f"?{id}", "")
            for key in re.findall(r"^p\+\S+ (.*)$", text, re.MULTILINE):
                if due > self.seen.now and id not in self.by_hand:
                    times[key].append(due)
        for key, some in times.items():
            interval = self.set_paces.get(key, PACES[key.partition(" ")[0]])
            for one, next_one in pairwise(sorted(some)):
                assert next_one - one >= interval * 1000 - 1, key

    def lines_keep_their_order(self, before: Snapshot) -> None:
        """Those who leave a line were its first; those who come are its last. Who was taken out of
        turn returns to its place."""
        if self.orderly:
            for key in {line.split("\n")[0] for line in before.lines}:
                old, new = (
                    [
                        line
                        for line in seen.lines
                        if line.split("\n")[0] == key and line.split("\n")[2] not in self.taken
                    ]
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
        for key in self.set_paces:
            self.app.control.set_pace(QUEUE, key, None)
        left = check_whole(self.world)
        for _ in range(12):
            if set(left.jobs) != set(left.failed):
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
            # A failure is shown as it was found: to make it shorter takes longer than a test may.
            phases=[Phase.generate],
            derandomize="CI" in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
