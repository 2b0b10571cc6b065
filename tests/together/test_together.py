"""The table of docs/together.md: each cell a test, in each order of the plugins."""

import pytest

from buoy import App
from buoy.testing import Clock
from buoy_batch import Batch
from buoy_sealed import Sealed, new_key
from tests.docs.blocks import Page

from . import jobs
from .jobs import ORDERS, VARIATIONS, Until
from .scene import Scene
from .table import TABLE, Row

rows = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.event)
SEALED = Sealed(new_key("2026-11"))
orders = pytest.mark.parametrize("order", ORDERS)


@pytest.fixture
def scene(buoy_app: App, buoy_clock: Clock, row: Row, order: str, until: Until) -> Scene:
    return Scene(buoy_app, buoy_clock, VARIATIONS[row.base, order, until])


@pytest.fixture
def member(scene: Scene) -> Scene:
    """Its first job is a member of a batch."""
    scene.batch = Batch(queue="batches")
    return scene


@pytest.fixture
def played(scene: Scene, row: Row) -> Scene:
    """The story of the row, told to its end."""
    story = row.story(scene)
    next(story)
    scene.before = scene.view if scene.handles else None
    jobs.given_up.clear()
    assert next(story, "over") == "over"
    return scene


@rows
@orders
@pytest.mark.parametrize("until", ["finished"])
class TestCell:
    def test_retry_does_what_the_table_says(self, played: Scene, row: Row) -> None:
        assert played.retry(jobs.given_up) == row.retry

    def test_the_claim_of_loner_is_as_the_table_says(self, played: Scene, row: Row) -> None:
        assert played.claim() == row.claim

    def test_the_status_is_as_the_table_says(self, played: Scene, row: Row) -> None:
        assert played.status() == row.status

    def test_its_batch_counts_it_as_the_table_says(
        self, member: Scene, played: Scene, row: Row
    ) -> None:
        assert member is played
        assert played.counted() == row.batch
        assert (played.retry(jobs.given_up), played.claim()) == (row.retry, row.claim)


@rows
@orders
@pytest.mark.parametrize("until", ["started"])
def test_the_claim_until_started_is_as_the_table_says(played: Scene, row: Row) -> None:
    assert played.claim() == row.claim_until_started


@rows
@pytest.mark.parametrize("until", ["finished", "started"])
def test_with_sealed_each_cell_stays_as_it_is(
    buoy_app: App, buoy_clock: Clock, row: Row, until: Until
) -> None:
    base = VARIATIONS[row.base, ORDERS[0], until]
    sealed = type("Sealed_Pay", (base,), {"plugins": [SEALED], "__module__": __name__})
    scene = Scene(buoy_app, buoy_clock, sealed)
    story = row.story(scene)
    next(story)
    scene.before = scene.view if scene.handles else None
    jobs.given_up.clear()
    assert next(story, "over") == "over"

    claim = row.claim if until == "finished" else row.claim_until_started
    found = scene.retry(jobs.given_up), scene.status(), scene.claim()
    assert found == (row.retry, row.status, claim)
    view = scene.view
    assert view is None or view.args == ["[sealed]"]


def test_the_table_of_the_documentation_is_the_tested_one() -> None:
    text = Page("docs/together.md").text().split("## What happens when")[1].split("## ")[0]
    lines = text.splitlines()
    cells = [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in lines if "|" in line]

    assert cells[2:] == [row.cells for row in TABLE]
