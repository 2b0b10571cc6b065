"""The lifecycle of a worker: every signal in every state, and what follows from the clock."""

import signal
from collections.abc import Callable
from math import inf

import pytest

from buoy.worker.lifecycle import ECHO_SECONDS, LAST_TRY_SECONDS, Lifecycle
from tests.support.clock import ManualClock

GRACE = 25.0
START = 1000.0
LATER = 1010.0
"""When the signal of a row arrives. Stops before it have arrived at START."""


def starting(life: Lifecycle) -> None:
    """A worker that tries to connect."""


def running(life: Lifecycle) -> None:
    life.start()


def paused(life: Lifecycle) -> None:
    life.start()
    life.receive(signal.SIGUSR2)


def stopping(life: Lifecycle) -> None:
    life.start()
    life.receive(signal.SIGTERM)


def draining(life: Lifecycle) -> None:
    """It stops after QUIT: jobs have as long as they need."""
    life.start()
    life.receive(signal.SIGQUIT)


def recycled(life: Lifecycle) -> None:
    life.start()
    life.recycle()


def recycled_and_paused(life: Lifecycle) -> None:
    recycled(life)
    life.receive(signal.SIGUSR2)


def grace_over(life: Lifecycle) -> None:
    life.grace = 5.0
    stopping(life)
    life.clock = lambda: LATER
    assert life.end_grace()
    life.grace = GRACE


# State before, signal, reaction, state after, deadline after.
TABLE: list[tuple[Callable[[Lifecycle], None], str, str, str, float | None]] = [
    (starting, "TERM INT QUIT", "exit", "starting", None),
    (starting, "HUP", "stop", "stopping", LATER + GRACE),
    (starting, "USR1 CONT", "continue", "starting", None),
    (starting, "USR2", "continue", "paused", None),
    (running, "TERM INT HUP", "stop", "stopping", LATER + GRACE),
    (running, "QUIT", "stop", "stopping", None),
    (running, "USR1 CONT", "continue", "running", None),
    (running, "USR2", "continue", "paused", None),
    (paused, "TERM INT HUP", "stop", "stopping", LATER + GRACE),
    (paused, "QUIT", "stop", "stopping", None),
    (paused, "USR1 USR2", "continue", "paused", None),
    (paused, "CONT", "continue", "running", None),
    (stopping, "TERM INT", "stop", "stopping", LATER),
    (stopping, "QUIT", "stop", "stopping", None),
    (stopping, "HUP USR1 USR2 CONT", "continue", "stopping", START + GRACE),
    (draining, "TERM INT", "stop", "stopping", LATER + GRACE),
    (draining, "QUIT", "stop", "stopping", None),
    (draining, "HUP USR1 USR2 CONT", "continue", "stopping", None),
    (recycled, "TERM INT", "stop", "stopping", LATER + GRACE),
    (recycled, "QUIT", "stop", "stopping", None),
    (recycled, "HUP USR1 CONT", "continue", "stopping", None),
    (recycled, "USR2", "continue", "paused", None),
    (recycled_and_paused, "TERM INT", "stop", "stopping", LATER + GRACE),
    (recycled_and_paused, "QUIT", "stop", "stopping", None),
    (recycled_and_paused, "HUP CONT", "continue", "stopping", None),
    (recycled_and_paused, "USR1 USR2", "continue", "paused", None),
    (grace_over, "TERM INT", "stop", "grace over", LATER),
    (grace_over, "QUIT", "stop", "grace over", None),
    (grace_over, "HUP USR1 USR2 CONT", "continue", "grace over", START + 5.0),
]
ROWS = [
    pytest.param(before, signal.Signals[f"SIG{name}"], *rest, id=f"{before.__name__}-{name}")
    for before, names, *rest in TABLE
    for name in names.split()
]
STOPPING_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def life(clock: ManualClock) -> Lifecycle:
    return Lifecycle(GRACE, clock=clock)


def test_the_table_has_every_signal_in_every_state() -> None:
    assert len(ROWS) == len({(row.values[0], row.values[1]) for row in ROWS}) == 8 * 7


class TestSignals:
    @pytest.mark.parametrize(("before", "number", "reaction", "after", "deadline"), ROWS)
    def test_a_signal_changes_the_state(
        self,
        life: Lifecycle,
        clock: ManualClock,
        before: Callable[[Lifecycle], None],
        number: signal.Signals,
        reaction: str,
        after: str,
        deadline: float | None,
    ) -> None:
        before(life)
        told_before = life.told_to_stop
        clock.now = LATER

        assert life.receive(number) == reaction

        assert (life.state, life.deadline) == (after, deadline)
        assert life.told_to_stop == (told_before or number in STOPPING_SIGNALS)
        assert life.take_kill_request() == (number == signal.SIGUSR1)
        assert not life.take_kill_request()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_under_a_supervisor_a_copy_of_a_stop_changes_nothing(
        self, clock: ManualClock, number: signal.Signals
    ) -> None:
        life = Lifecycle(GRACE, supervised=True, clock=clock)
        stopping(life)

        clock.now = START + ECHO_SECONDS / 2
        assert life.receive(number) == "continue"
        assert life.deadline == START + GRACE
        clock.now = START + ECHO_SECONDS
        assert life.receive(number) == "stop"
        assert life.deadline == clock.now

    def test_a_stop_with_a_deadline_after_one_without_is_no_copy(self, clock: ManualClock) -> None:
        life = Lifecycle(GRACE, supervised=True, clock=clock)
        draining(life)

        assert life.receive(signal.SIGTERM) == "stop"
        assert life.deadline == START + GRACE

    def test_a_recycle_after_a_signal_changes_nothing(
        self, life: Lifecycle, clock: ManualClock
    ) -> None:
        stopping(life)
        clock.now = LATER

        life.recycle()

        assert (life.stopped_at, life.deadline) == (START, START + GRACE)

    def test_a_signal_in_the_midst_of_a_recycle_keeps_its_deadline(
        self, life: Lifecycle, clock: ManualClock
    ) -> None:
        def interrupted() -> float:
            life.clock = clock
            life.receive(signal.SIGTERM)
            return clock.now

        life.start()
        life.clock = interrupted

        life.recycle()

        assert life.deadline == START + GRACE


class TestWhatFollows:
    @pytest.mark.parametrize(
        ("before", "takes_jobs", "shown"),
        [
            (starting, True, "running"),
            (running, True, "running"),
            (paused, False, "paused"),
            (stopping, False, "stopping"),
            (draining, False, "stopping"),
            (recycled, False, "stopping"),
            (recycled_and_paused, False, "paused"),
            (grace_over, False, "stopping"),
        ],
    )
    def test_what_a_state_allows_and_shows(
        self, life: Lifecycle, before: Callable[[Lifecycle], None], takes_jobs: bool, shown: str
    ) -> None:
        before(life)

        assert (life.takes_jobs, life.shown_state) == (takes_jobs, shown)

    def test_the_grace_time_ends_once(self, life: Lifecycle, clock: ManualClock) -> None:
        assert life.seconds_to_deadline() == inf
        stopping(life)
        assert life.seconds_to_deadline() == GRACE
        clock.now = START + GRACE
        assert not life.end_grace()
        assert life.seconds_to_deadline() == 0.0

        clock.now += 0.1

        assert life.end_grace()
        assert not life.end_grace()
        assert life.seconds_to_deadline() == inf

    @pytest.mark.parametrize("before", [running, draining, recycled])
    def test_without_a_deadline_there_is_no_end_of_the_grace_time(
        self, life: Lifecycle, clock: ManualClock, before: Callable[[Lifecycle], None]
    ) -> None:
        before(life)
        clock.now += 1e6

        assert not life.end_grace()
        assert life.seconds_to_deadline() == inf


class TestEnd:
    @pytest.mark.parametrize("before", [starting, running, paused, recycled_and_paused])
    def test_a_worker_that_does_not_stop_or_is_paused_must_not_end(
        self, life: Lifecycle, clock: ManualClock, before: Callable[[Lifecycle], None]
    ) -> None:
        before(life)
        clock.now += 1e6

        assert not life.may_end(in_flight=False, unsettled=False)

    @pytest.mark.parametrize("before", [stopping, draining, recycled])
    def test_a_worker_that_has_nothing_to_do_ends_at_once(
        self, life: Lifecycle, before: Callable[[Lifecycle], None]
    ) -> None:
        before(life)

        assert life.may_end(in_flight=False, unsettled=False)

    def test_jobs_in_flight_are_waited_for_until_some_time_after_the_deadline(
        self, life: Lifecycle, clock: ManualClock
    ) -> None:
        stopping(life)
        clock.now = START + GRACE + LAST_TRY_SECONDS
        assert not life.may_end(in_flight=True, unsettled=False)

        clock.now += 0.1

        assert life.may_end(in_flight=True, unsettled=False)

    def test_without_a_deadline_jobs_in_flight_are_waited_for_as_long_as_they_need(
        self, life: Lifecycle, clock: ManualClock
    ) -> None:
        draining(life)
        clock.now += 1e6

        assert not life.may_end(in_flight=True, unsettled=True)

    def test_what_is_only_to_be_settled_is_tried_for_some_time_after_the_stop(
        self, life: Lifecycle, clock: ManualClock
    ) -> None:
        draining(life)
        clock.now = START + LAST_TRY_SECONDS
        assert not life.may_end(in_flight=False, unsettled=True)

        clock.now += 0.1

        assert life.may_end(in_flight=False, unsettled=True)
