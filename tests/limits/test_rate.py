"""``Rate``: when jobs begin."""

import math
from typing import Any

import pytest

from buoy import App, ConfigurationError, Job, Later, Plugin, hookimpl
from buoy.testing import Clock, drain, plugin_contract
from buoy_limits import Limit, Limits, Rate

STEP = 101
"""Seconds: a little more than there are between two jobs, and far more than a test takes."""


class Again(Plugin):
    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(50) if job.attempt == 1 else None


class Call(Job):
    queue = "calls"
    plugins = [Rate(60, per=6000), Again()]

    def perform(self, number: int = 0, fails: bool = False) -> None:
        if fails:
            raise ValueError(number)


class Bursts(Call):
    plugins = [Rate(60, per=6000, burst=3)]


class Keyed(Call):
    plugins = [Rate(1, per=100, key="number")]


class Both(Call):
    plugins = [Limits(Rate(60, per=6000), Limit(at_once=1))]


def test_a_rate_keeps_the_contract(buoy_app: App) -> None:
    plugin_contract(Rate(1, per=1))


def begun(app: App, clock: Clock, steps: int) -> list[int]:
    """How many jobs are done at once, and after each further step."""
    found = [sum(drain(app).values())]
    for _ in range(steps):
        clock.advance(STEP)
        found.append(sum(drain(app).values()))
    return found


def test_jobs_begin_one_after_the_other(buoy_app: App, buoy_clock: Clock) -> None:
    states = [handle.state for handle in Call.enqueue_many([()] * 4)]

    assert states == ["queued", "delayed", "delayed", "delayed"]
    assert begun(buoy_app, buoy_clock, 5) == [1, 1, 1, 1, 0, 0]
    assert Call.enqueue().state == "queued"
    assert buoy_app.command("ZCARD", buoy_app.key("calls", "paces")) == 1


def test_some_jobs_may_begin_together(buoy_app: App, buoy_clock: Clock) -> None:
    Bursts.enqueue_many([()] * 6)

    assert begun(buoy_app, buoy_clock, 4) == [3, 1, 1, 1, 0]
    buoy_clock.advance(STEP)
    assert [handle.state for handle in Bursts.enqueue_many([()] * 4)].count("queued") >= 2


def test_each_key_has_its_own_times_and_old_ones_are_forgotten(
    buoy_app: App, buoy_clock: Clock
) -> None:
    handles = Keyed.enqueue_many([(number,) for number in (1, 2, 2, 3)])

    assert [handle.state for handle in handles] == ["queued", "queued", "delayed", "queued"]
    paces = buoy_app.key("calls", "paces")
    assert buoy_app.command("ZCARD", paces) == 3
    buoy_clock.advance(300)
    Keyed.enqueue(9)
    assert buoy_app.command("ZRANGE", paces, 0, -1) == [f"Rate:{Keyed.name} number=9".encode()]


def test_a_further_attempt_gets_a_time_of_its_own(buoy_app: App, buoy_clock: Clock) -> None:
    Call.enqueue(1, True)
    Call.enqueue_many([(2,), (3,)])

    assert begun(buoy_app, buoy_clock, 5) == [1, 1, 1, 1, 0, 0]


def test_a_job_with_a_delay_gets_its_time_when_it_is_due(buoy_app: App, buoy_clock: Clock) -> None:
    Call.using(delay=150).enqueue_many([()] * 2)
    assert Call.enqueue().state == "queued"

    assert begun(buoy_app, buoy_clock, 4) == [1, 0, 1, 1, 0]


def test_a_rate_and_a_limit_hold_both(buoy_app: App, buoy_clock: Clock) -> None:
    Both.enqueue_many([()] * 3)
    assert buoy_app.command("HLEN", buoy_app.key("calls", "claims")) == 4

    buoy_clock.advance(500)
    buoy_app.broker.renew_leases({"calls": []})
    [view] = buoy_app.monitor.queues(["calls"])

    assert (view.queued, view.blocked, view.delayed) == (1, 2, 0)
    assert begun(buoy_app, buoy_clock, 1) == [3, 0]
    assert buoy_app.command("EXISTS", buoy_app.key("calls", "claims")) == 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Rate(0, per=1), "Rate.number: expected a whole number from 1 to 1000000, got 0"),
        (
            lambda: Rate(1, per=1, burst=0),
            "Rate.burst: expected a whole number from 1 to 1000000, got 0",
        ),
        (
            lambda: Rate(1, per=1e9),
            "Rate.per: expected seconds, from 0.000001 to 100000000 for each job, got 1000000000.0",
        ),
        (
            lambda: Rate(1, per=math.inf),
            "Rate.per: expected seconds, from 0.000001 to 100000000 for each job, got inf",
        ),
        (
            lambda: Rate(5, per=0),
            "Rate.per: expected seconds, from 0.000001 to 100000000 for each job, got 0",
        ),
        (
            lambda: Rate(1, per=1, key=5),  # type: ignore[arg-type]
            "Rate.key: expected the name of an argument, a tuple of names, or a function, got 5",
        ),
    ],
)
def test_options_are_checked(make: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make()

    assert str(raised.value) == said
