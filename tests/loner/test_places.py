"""Any acts in any order, and after each of them: a place is held if and only if its job lives.

Which jobs live is read from where they lie in Redis. Only what cannot be read there is kept beside
it: which jobs have started.

BUOY_LIFECYCLE=N runs N sequences of acts instead of the usual number.
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
    rule,
    run_state_machine_as_test,
)

from buoy import App, DirtyExit, Handle, Job, Later, Plugin, hookimpl
from buoy.failures import Filter, find, remove, retry
from buoy.reservation import Advance, Reservation, Settlement
from buoy.run import run, settle_death
from buoy.testing import Clock, drain
from buoy_loner import Loner, holder

from .shop import numbers

QUEUE = "places"
LEASE = 30
EXAMPLES = int(os.environ.get("BUOY_LIFECYCLE", "60"))


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


class Keyed(Once):
    plugins = [Loner(key="number")]

    def perform(self, number: int, note: str = "") -> None:
        super().perform(number)


class Soon(Once):
    plugins = [Loner(until="started")]


class Brief(Once):
    expires = 20


JOBS: list[Any] = [Once, Keyed, Soon, Brief]
Place = tuple[Any, int]

KINDS = st.sampled_from(JOBS)
WORDS = st.integers(0, 2)
DELAYS = st.sampled_from([None, None, 3.0, 60.0])
WORKERS = st.sampled_from(["one", "two"])
FATES = ["done", "done", "fail", "retry", "die", "die and retry", "release", "crashed"]


class Places(RuleBasedStateMachine):
    """Drives one queue; ``app`` and ``clock`` are set by the test."""

    app: App
    clock: Clock

    @initialize()
    def begin(self) -> None:
        self.app.command("FLUSHALL")
        self.app.broker.shift = 0
        self.app.broker.registered.clear()
        self.hands: dict[str, list[Reservation]] = defaultdict(list)
        self.started: set[str] = set()
        self.held: dict[Place, str] = {}

    # Producers

    @rule(job=KINDS, number=WORDS, delay=DELAYS)
    def enqueue(self, job: Any, number: int, delay: float | None) -> None:
        self.told(job, [number], [job.using(delay=delay).enqueue(number)])

    @rule(job=KINDS, rows=st.lists(WORDS, min_size=1, max_size=6), delay=DELAYS)
    def enqueue_many(self, job: Any, rows: list[int], delay: float | None) -> None:
        self.told(job, rows, job.using(delay=delay).enqueue_many([(row,) for row in rows]))

    def told(self, job: Any, rows: list[int], handles: list[Handle[Any]]) -> None:
        """Each handle says whether the place was free, and who holds it."""
        for number, handle in zip(rows, handles, strict=True):
            there = self.held.setdefault((job, number), handle.id)
            if there == handle.id:
                assert (handle.state in ("queued", "delayed"), handle.holder) == (True, None)
            else:
                assert (handle.state, handle.holder) == ("exists", there)

    # Workers

    @rule(worker=WORKERS, wanted=st.integers(1, 4))
    def reserve(self, worker: str, wanted: int) -> None:
        hand = self.hands[worker]
        trip = Advance(QUEUE, next(numbers), wanted=wanted, hands=len(hand))
        given = self.app.broker.visit(worker, trip).reservations
        hand += given
        self.started |= {held.id for held in given}

    @rule(worker=WORKERS, word=st.sampled_from(FATES))
    def settle(self, worker: str, word: str) -> None:
        """The oldest in hand ends, if its lease has not run out meanwhile."""
        if self.hands[worker]:
            settlement = ended(self.hands[worker].pop(0), word)
            trip = Advance(QUEUE, next(numbers), settlements=[settlement])
            self.app.broker.visit(worker, trip)

    @rule(worker=WORKERS)
    def die(self, worker: str) -> None:
        self.hands.pop(worker, None)

    @rule(seconds=st.sampled_from([1, 4, 25, LEASE * 2]))
    def pass_time(self, seconds: int) -> None:
        """With somebody there who looks at the queue, as workers do."""
        for _ in range(0, seconds, 10):
            self.clock.advance(min(seconds, 10))
            self.app.broker.beat({QUEUE: []})

    # Operators

    @rule(job=KINDS, numbers=st.lists(WORDS, max_size=1))
    def dequeue(self, job: Any, numbers: list[int]) -> None:
        self.app.dequeue(job, *numbers)

    @rule()
    def clear(self) -> None:
        views = [*self.app.monitor.peek(QUEUE), *self.app.monitor.delayed(QUEUE)]
        self.app.broker.remove(QUEUE, [view.id for view in views], "waiting delayed")

    @rule()
    def retry_failures(self) -> None:
        for id, answer in retry(self.app.broker, find(self.app.monitor, Filter())).items():
            if answer == "queued":
                self.started.discard(id)

    @rule()
    def remove_failures(self) -> None:
        remove(self.app.broker, find(self.app.monitor, Filter()))

    # What holds after each act

    @invariant()
    def a_place_is_held_if_and_only_if_its_job_lives(self) -> None:
        lives = defaultdict(list)
        failed = {view.id for view in self.app.monitor.failed([QUEUE])}
        for id, payload in self.app.monitor.scan(QUEUE):
            [job] = [each for each in JOBS if each.name == payload.name]
            if id not in failed and not (job is Soon and id in self.started):
                lives[job, payload.args[0]].append(id)
        assert all(len(ids) == 1 for ids in lives.values()), lives

        self.held = {
            (job, number): id
            for job in JOBS
            for number in range(3)
            if (id := holder(job, number)) is not None
        }
        assert self.held == {place: ids[0] for place, ids in lives.items()}
        assert claims(self.app) == 2 * len(self.held)

    def teardown(self) -> None:
        """Whatever has happened: in the end all jobs are worked off, and all places are free."""
        fate.word = "done"
        for _ in range(12):
            self.pass_time(LEASE * 2)
            drain(self.app)
        assert claims(self.app) == 0


def ended(held: Reservation, word: str) -> Settlement:
    """How a run ends, by the word for it."""
    if word in ("release", "crashed"):
        return Settlement.of(held, word)  # type: ignore[arg-type]  # these two
    fate.word = word.removeprefix("die and ")
    return settle_death(held, DirtyExit("killed")) if word.startswith("die") else run(held)


def claims(app: App) -> int:
    """How many entries there are for claims: two for each, one to find it and one to free it."""
    return int(app.command("HLEN", app.key(QUEUE, "claims")))


def test_a_place_is_held_if_and_only_if_its_job_lives(buoy_app: App, buoy_clock: Clock) -> None:
    machine = type("PlacesHere", (Places,), {"app": buoy_app, "clock": buoy_clock})

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
