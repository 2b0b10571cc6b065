"""Any actions in any order, and after each of them: a claim is held if and only if its job lives.

Which jobs live is read from Redis. Only what cannot be read there is kept by the test: which jobs
have started, and whose claims an operator has released.

BUOY_LIFECYCLE=N runs N sequences of actions instead of the usual number.
"""

import os
from collections import defaultdict
from typing import Any

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

from buoy import App, DirtyExit, Handle, Job, Later, Plugin, hookimpl
from buoy.jobs.run import load_run, run, settle_death
from buoy.model.reservation import Reservation, RoundTripRequest, Settlement
from buoy.operations.failed_set import Filter, find, remove, retry
from buoy.testing import Clock, drain
from buoy_loner import Loner, holder
from buoy_loner.claims import held_claims

from .shop import numbers

QUEUE = "claims"
LEASE = 30
EXAMPLES = int(os.environ.get("BUOY_LIFECYCLE", "40"))


class Fate(Plugin):
    """How the next run ends."""

    word = "done"

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(5) if self.word == "retry" else None


fate = Fate()


class Once(Job):
    queue = QUEUE
    plugins = [Loner(), fate]

    def perform(self, number: int) -> None:
        if fate.word != "done":
            raise ValueError(number)


class Soon(Once):
    plugins = [Loner(until="started")]


class Brief(Once):
    expires = 20


JOBS: list[Any] = [Once, Soon, Brief]
Unique = tuple[Any, int]

KINDS = st.sampled_from(JOBS)
NUMBERS = st.integers(0, 1)
DELAYS = st.sampled_from([None, None, 3.0, 60.0])
WORKERS = st.sampled_from(["one", "two"])
FATES = st.sampled_from(
    ["done", "fail", "fail", "retry", "die", "die and retry", "released", "crashed"]
)


class ClaimMachine(RuleBasedStateMachine):
    """Drives one queue; ``app`` and ``clock`` are set by the test."""

    app: App
    clock: Clock

    @initialize()
    def begin(self) -> None:
        self.app.command("FLUSHALL")
        self.app.broker.clock_offset_ms = 0
        self.app.broker.registered.clear()
        self.in_flight: dict[str, list[Reservation]] = defaultdict(list)
        self.started: set[str] = set()
        self.released: set[str] = set()
        self.holders: dict[Unique, str] = {}

    # Producers

    @rule(job=KINDS, number=NUMBERS, delay=DELAYS)
    def enqueue(self, job: Any, number: int, delay: float | None) -> None:
        self.check_handles(job, [number], [job.using(delay=delay).enqueue(number)])

    @rule(job=KINDS, rows=st.lists(NUMBERS, min_size=1, max_size=6), delay=DELAYS)
    def enqueue_many(self, job: Any, rows: list[int], delay: float | None) -> None:
        self.check_handles(job, rows, job.using(delay=delay).enqueue_many([(row,) for row in rows]))

    def check_handles(self, job: Any, rows: list[int], handles: list[Handle[Any]]) -> None:
        """Each handle has the right state, and the right holder."""
        for number, handle in zip(rows, handles, strict=True):
            there = self.holders.setdefault((job, number), handle.id)
            if there == handle.id:
                assert (handle.state in ("queued", "delayed"), handle.holder) == (True, None)
            else:
                assert (handle.state, handle.holder) == ("exists", there)

    # Workers

    @rule(worker=WORKERS, wanted=st.integers(0, 4), words=st.lists(FATES, max_size=4))
    def work(self, worker: str, wanted: int, words: list[str]) -> None:
        """Jobs are reserved; runs end, each in its way, if they have not lost their leases."""
        in_flight = self.in_flight[worker]
        trip = RoundTripRequest(QUEUE, next(numbers), wanted=wanted, in_flight=len(in_flight))
        given = self.app.broker.advance_queue(worker, trip).reservations
        self.started |= {each.id for each in given}
        in_flight += given
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

    @rule(job=KINDS, rows=st.lists(NUMBERS, max_size=1))
    def dequeue(self, job: Any, rows: list[int]) -> None:
        self.app.dequeue(job, *rows)

    @precondition(lambda self: self.holders)
    @rule(data=st.data(), act=st.sampled_from(["release", "replace", "cancel", "now", "later"]))
    def interfere(self, data: st.DataObject, act: str) -> None:
        """An operator does something with a job that holds a claim."""
        unique_job = data.draw(st.sampled_from(list(self.holders)))
        id = self.holders[unique_job]
        if act in ("release", "replace"):
            [claim] = [each.claim for each in held_claims(self.app) if each.id == id]
            assert self.app.release(QUEUE, claim) == id
            self.released.add(id)
            if act == "replace":
                job, number = unique_job
                assert job.enqueue(number).state == "queued"
        elif act == "cancel":
            assert self.app.cancel(id) is not None
        else:
            self.app.reschedule(id, None if act == "now" else self.now() + 90)

    def now(self) -> float:
        return int(self.app.command("TIME")[0]) + self.app.broker.clock_offset_ms / 1000

    @rule(forget=st.sampled_from([False, False, True]))
    def clean_up(self, forget: bool) -> None:
        """The failed are put back where their claim is free, or forgotten."""
        failures = list(find(self.app.monitor, Filter()))
        if forget:
            remove(self.app.control, failures)
            return
        for id, answer in retry(self.app.control, failures).items():
            if answer.kind == "queued":
                self.started.discard(id)
                self.released.discard(id)

    # What holds after each act

    @invariant()
    def a_claim_is_held_if_and_only_if_its_job_lives(self) -> None:
        lives = defaultdict(list)
        failed = {view.id for view in self.app.monitor.failed([QUEUE])}
        for id, payload in self.app.monitor.payloads(QUEUE):
            [job] = [each for each in JOBS if each.name == payload.name]
            started = job is Soon and id in self.started
            if not started and id not in failed | self.released:
                lives[job, payload.args[0]].append(id)
        assert all(len(ids) == 1 for ids in lives.values()), lives

        asked = {(job, number): holder(job, number) for job in JOBS for number in range(2)}
        self.holders = {unique: id for unique, id in asked.items() if id is not None}
        assert self.holders == {unique: ids[0] for unique, ids in lives.items()}
        assert {each.id for each in held_claims(self.app)} == {*self.holders.values()}
        assert claims(self.app) == 2 * len(self.holders)

    def teardown(self) -> None:
        """Whatever has happened: in the end all jobs have run, and all claims are free."""
        fate.word = "done"
        for _ in range(12):
            self.pass_time(LEASE * 2)
            drain(self.app)
        assert claims(self.app) == 0


def settle_run(reservation: Reservation, word: str) -> Settlement:
    """Ends a run in the way that the word names."""
    if word in ("released", "crashed"):
        return Settlement.of(reservation, word)  # type: ignore[arg-type]  # these two
    fate.word = word.removeprefix("die and ")
    if word.startswith("die"):
        return settle_death(reservation, load_run(reservation), DirtyExit("killed"))
    return run(reservation)


def claims(app: App) -> int:
    """How many entries there are for claims: two for each, one to find it and one to free it."""
    return int(app.command("HLEN", app.key(QUEUE, "claims")))


def test_a_claim_is_held_if_and_only_if_its_job_lives(buoy_app: App, buoy_clock: Clock) -> None:
    machine = type("ClaimMachineHere", (ClaimMachine,), {"app": buoy_app, "clock": buoy_clock})

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
