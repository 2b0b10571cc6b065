"""The table "With Retry, Loner and Status" of the README: each row a test."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from buoy import App, Job
from buoy.model.payload import Payload
from buoy.testing import Clock, drain
from buoy_loner import Loner, holder
from buoy_retry import Constant, Retry
from buoy_sealed import Sealed
from buoy_status import Status, status
from tests.docs.blocks import Page

from .shop import NEW, OLD, SECRET, seen


class Pay(Job):
    queue = "purchasing"
    plugins = [Retry(1, Constant(60)), Loner(), Status(), Sealed()]

    def perform(self, card: str, how: str = "well") -> str:
        seen.append(card)
        if how == "fail":
            raise ValueError(card)
        return card


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUOY_SEALED_KEYS", OLD)
    seen.clear()


class Case(NamedTuple):
    """A job and what can be seen of it."""

    app: App
    clock: Clock
    monkeypatch: pytest.MonkeyPatch
    how: str

    def enqueue(self) -> str:
        handle = Pay.enqueue(SECRET, self.how)
        return handle.holder or handle.id

    def sealed(self, id: str) -> str | None:
        """The encrypted text of a job; None if no queue has the job."""
        view = self.app.find(id)
        return None if view is None else Payload.decoded(view.raw).sealed

    def end(self) -> None:
        """Let the job run as often as it may."""
        for _ in range(2):
            drain(self.app)
            self.clock.advance(61)


def is_enqueued(case: Case) -> tuple[str, bool]:
    id = case.enqueue()
    return id, case.sealed(id) is not None


def waits(case: Case) -> tuple[str, bool]:
    first = case.enqueue()
    before = case.sealed(first)
    return case.enqueue(), case.sealed(first) == before


def runs_again(case: Case) -> tuple[str, bool]:
    id = case.enqueue()
    before = case.sealed(id)
    drain(case.app)
    return id, case.sealed(id) == before


def succeeds(case: Case) -> tuple[str, bool]:
    id = case.enqueue()
    drain(case.app)
    return id, case.sealed(id) is None


def fails(case: Case) -> tuple[str, bool]:
    id = case.enqueue()
    before = case.sealed(id)
    case.end()
    return id, case.sealed(id) == before


def has_no_key(case: Case) -> tuple[str, bool]:
    id = case.enqueue()
    before = case.sealed(id)
    case.monkeypatch.setenv("BUOY_SEALED_KEYS", NEW)
    drain(case.app)
    case.monkeypatch.setenv("BUOY_SEALED_KEYS", OLD)
    view = case.app.find(id)
    return id, case.sealed(id) == before and view is not None and view.attempt == 1 and not seen


def is_retried(case: Case) -> tuple[str, bool]:
    id, _ = has_no_key(case)
    case.monkeypatch.setenv("BUOY_SEALED_KEYS", f"{OLD} {NEW}")
    case.app.failures.retry(id)
    return id, case.sealed(id) is not None


Story = Callable[[Case], tuple[str, bool]]
ROWS: list[tuple[str, str, str, str, str | None, Story]] = [
    ("is enqueued", "held", "queued", "well", None, is_enqueued),
    ("is enqueued while an equal one waits", "held", "queued", "well", None, waits),
    ("fails, and runs again", "held", "delayed", "fail", "[sealed]", runs_again),
    ("succeeds", "free", "done", "well", None, succeeds),
    ("fails for good", "free", "failed", "fail", "[sealed]", fails),
    ("cannot be opened: its key is missing", "free", "failed", "well", "'2026-01'", has_no_key),
    ("is retried by an operator", "held", "queued", "well", None, is_retried),
]


@pytest.mark.parametrize(
    ("event", "claim", "state", "how", "message", "story"), ROWS, ids=[row[0] for row in ROWS]
)
def test_a_sealed_job_does_what_the_table_says(
    buoy_app: App,
    buoy_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    event: str,
    claim: str,
    state: str,
    how: str,
    message: str | None,
    story: Story,
) -> None:
    id, arguments_are_right = story(Case(buoy_app, buoy_clock, monkeypatch, how))

    assert arguments_are_right
    assert holder(Pay, SECRET, how) == (id if claim == "held" else None)
    found = status(Pay, SECRET, how)
    assert found is not None
    assert (found.id, found.state) == (id, state)
    assert message is None or message in str(found.message)
    assert found.result == (SECRET if state == "done" else None)


def test_a_job_that_is_retried_is_opened_with_the_key_that_is_there_then(
    buoy_app: App, buoy_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_retried(Case(buoy_app, buoy_clock, monkeypatch, "well"))

    assert drain(buoy_app) == {"done": 1}
    assert seen == [SECRET]


def test_the_table_of_the_readme_has_these_rows() -> None:
    part = Page("packages/sealed/README.md").text().split("## With Retry, Loner and Status")[1]
    rows = [
        line.split("|")[1:-1] for line in part.split("Their order")[0].splitlines() if "|" in line
    ]
    cells = [tuple(cell.strip() for cell in row) for row in rows[2:]]

    assert [row[0] for row in cells] == [row[0] for row in ROWS]
    assert [row[2].partition(";")[0].split()[0] for row in cells] == [row[1] for row in ROWS]
