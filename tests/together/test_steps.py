"""The table of packages/steps/README.md: each row a test, with Steps first and last."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any, NamedTuple, get_args

import pytest

from buoy import App, Plugin
from buoy.process.stopping import stop_flag
from buoy.testing import Clock, drain
from buoy_limits import Limit
from buoy_loner import Loner
from buoy_retry import Retry
from buoy_status import Status
from buoy_steps import Steps, each, step
from tests.docs.blocks import Page
from tests.support.clock import ManualClock

from . import jobs
from .jobs import Pay, Until, alarm
from .scene import DELAY, Scene

names = ["import"]
"""The name that the step has now."""
clock = ManualClock()
"""By which runs are long: each row of a long one takes a second."""


class Long(Pay):
    def perform(self, how: str = "well") -> str:
        if step(names[-1]):
            for row in each(count() if how == "long" else range(4)):
                clock.now += how == "long"
                stop_flag.set(how == "stop" and row == 2)
                if how == "busy":
                    raise ConnectionError("the bank does not answer")
        return "paid"


def variation(order: tuple[str, ...], until: Until) -> Any:
    """That class with the four plugins in this order."""
    plugins: dict[str, Plugin] = {
        "Retry": Retry(limit=1, delay=DELAY, on_give_up=alarm),
        "Loner": Loner(until=until),
        "Status": Status(),
        "Steps": Steps(max_runtime=5),
    }
    facts = {"plugins": [plugins[each] for each in order], "__module__": __name__}
    return type(f"Long_{order[0]}_{until}", (Long,), facts)


ORDERS: tuple[tuple[str, ...], ...] = (
    ("Steps", "Retry", "Loner", "Status"),
    ("Retry", "Loner", "Status", "Steps"),
)
VARIATIONS = {
    (order, until): variation(order, until) for order in ORDERS for until in get_args(Until)
}


class Row(NamedTuple):
    """One line of the table, and who tells its story: the event comes after the ``yield``."""

    event: str
    retry: str
    claim: str
    claim_until_started: str
    status: str
    story: Callable[[Scene], Iterator[None]]


def stops(scene: Scene) -> Iterator[None]:
    scene.enqueue("stop")
    yield
    scene.run()


def takes_long(scene: Scene) -> Iterator[None]:
    scene.enqueue("long")
    yield
    scene.run()


def is_killed(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    yield
    scene.kill()


def is_killed_again_and_again(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    for _ in range(3):
        scene.kill()
    yield
    scene.kill()


def loses_its_worker(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    yield
    scene.lose()


def fails(scene: Scene) -> Iterator[None]:
    scene.enqueue("busy")
    yield
    scene.run()


def fails_too_often(scene: Scene) -> Iterator[None]:
    scene.enqueue("busy")
    scene.run()
    scene.clock.advance(DELAY)
    yield
    scene.run()


def changes(scene: Scene) -> Iterator[None]:
    scene.enqueue("stop")
    scene.run()
    stop_flag.set(False)
    names.append("load")
    yield
    scene.run()


def is_put_back(scene: Scene) -> Iterator[None]:
    yield from fails_too_often(scene)
    jobs.given_up.clear()
    scene.before = scene.view
    scene.app.failures.retry(scene.id)


KEPT = "is not asked", "held", "free", "queued"
AGAIN = "runs it again", "held", "free", "delayed"
TABLE = [
    Row("its worker stops, and it comes to a checkpoint", *KEPT, stops),
    Row("it has run for `max_runtime`", *KEPT, takes_long),
    Row("its child is killed (`DirtyExit`)", *KEPT, is_killed),
    Row("its child is killed too often in one step", *AGAIN, is_killed_again_and_again),
    Row("its worker is killed, and it goes back", *KEPT, loses_its_worker),
    Row("it fails, and has retries left", *AGAIN, fails),
    Row("it fails, and has no retries left", "gives up", "free", "free", "failed", fails_too_often),
    Row("its steps have changed (`StepsChanged`)", *AGAIN, changes),
    Row("`buoy failed retry`", "begins anew", "held", "held", "queued", is_put_back),
]


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    times = SimpleNamespace(monotonic=clock, time=time.time)
    monkeypatch.setattr("buoy_steps.run.time", times)
    yield
    stop_flag.set(False)
    del names[1:]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.event)
@pytest.mark.parametrize("order", ORDERS, ids=["first", "last"])
@pytest.mark.parametrize("until", get_args(Until))
def test_with_steps_a_job_does_what_the_table_says(
    buoy_app: App, buoy_clock: Clock, row: Row, order: tuple[str, ...], until: Until
) -> None:
    scene = Scene(buoy_app, buoy_clock, VARIATIONS[order, until])
    story = row.story(scene)
    next(story)
    scene.before = scene.view
    jobs.given_up.clear()
    assert next(story, "over") == "over"

    claim = row.claim if until == "finished" else row.claim_until_started
    assert (retry(scene), scene.status(), scene.claim()) == (row.retry, row.status, claim)


def retry(scene: Scene) -> str:
    """What Retry has done since ``before``."""
    now, before = scene.view, scene.before
    assert now is not None
    assert before is not None
    if jobs.given_up:
        return "gives up"
    if now.attempt == before.attempt:
        return "is not asked"
    return "runs it again" if now.attempt > before.attempt else "begins anew"


class Limited(Long):
    plugins = [Steps(max_runtime=5, max_crashes=1), Limit(at_once=1)]


PERMITS = [
    (
        "its worker stops, and it comes to a checkpoint",
        "free, for the next in line",
        "blocked",
        stops,
    ),
    ("it has run for `max_runtime`", "free, for the next in line", "blocked", takes_long),
    ("its child is killed (`DirtyExit`)", "free, for the next in line", "blocked", is_killed),
    ("its worker is killed, and it goes back", "taken", "queued", loses_its_worker),
]
"""The table "With Steps" of docs/together.md: where another job waits in line."""


@pytest.mark.parametrize(("event", "permit", "state", "story"), PERMITS)
def test_the_permit_of_a_job_that_goes_on_later_is_as_the_table_says(
    buoy_app: App, buoy_clock: Clock, event: str, permit: str, state: str, story: Any
) -> None:
    scene = Scene(buoy_app, buoy_clock, Limited)
    play = story(scene)
    next(play)
    other = Limited.enqueue()
    assert other.state == "blocked"
    assert next(play, "over") == "over"

    views = [buoy_app.find(id) for id in (scene.id, other.id)]
    states = [view and view.state for view in views]
    assert states == ([state, "queued"] if permit != "taken" else [state, "blocked"])
    stop_flag.set(False)
    assert buoy_app.cancel(scene.id) == state
    assert drain(buoy_app, "payments") == {"done": 1}


def test_the_table_of_permits_of_the_documentation_is_the_tested_one() -> None:
    lines = Page("docs/together.md").text().split("## With Steps")[1].splitlines()
    cells = [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in lines if "|" in line]

    assert cells[2 : 2 + len(PERMITS)] == [row[:3] for row in PERMITS]


def test_the_table_of_the_documentation_is_the_tested_one() -> None:
    lines = Page("packages/steps/README.md").text().split("## Together with others")[1].splitlines()
    cells = [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in lines if "|" in line]

    assert cells[2 : 2 + len(TABLE)] == [row[:5] for row in TABLE]
