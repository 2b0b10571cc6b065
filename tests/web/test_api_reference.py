"""docs/dashboard-api.md says what the API has: pages, their queries and fields, and actions."""

import re
from pathlib import Path
from typing import Any

import pytest

from buoy import App
from buoy.testing import FakeWorker, drain
from buoy_batch import Batch
from buoy_scheduler import enqueue_in, set_schedule
from buoy_web import Visit
from buoy_web.installed import installed_parts

from .conftest import Site
from .jobs import Charge
from .test_plugin_pages import Ship, Weigh
from .test_workers import register

MANUAL = (Path(__file__).parents[2] / "docs/dashboard-api.md").read_text()
OF_FORMS = {"problem", "new"}
"""What a page is asked for when its form is shown again."""


def table(title: str) -> dict[str, list[str]]:
    """Returns the rows of the table with this heading: their cells by the first one."""
    [text] = re.findall(rf"^\| {title} \|.*\n\|-.*\n((?:\|.*\n)+)", MANUAL, re.MULTILINE)
    rows = [line.strip("|").split("|") for line in text.splitlines()]
    return {cells[0].strip(" `/"): [cell.strip() for cell in cells[1:]] for cells in rows}


def words(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def plain_path(path: str) -> str:
    return path.replace(":path}", "}")


PAGES, ROWS, ACTIONS = table("page"), table("in"), table("path")


@pytest.fixture
def id(buoy_app: App, site: Site) -> str:
    """A running job, and something on each page."""
    set_schedule("nightly", Charge, cron="0 8 * * *", args=[7])
    Charge.enqueue(-1)
    drain(buoy_app)
    register(buoy_app, "east-1")
    running = Charge.enqueue(1).id
    FakeWorker(buoy_app, "payments", "east-1").take()
    Ship.enqueue(1)
    Weigh.enqueue(1)
    with Batch(queue="reports") as batch:
        batch.enqueue(Charge, 4)
    enqueue_in(100, Charge, 3)
    site.post("/schedule/run", "/schedule", name="nightly")
    return running


def test_every_page_has_the_fields_and_the_query_of_the_manual(
    site: Site, id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()
    get = Visit.get

    def noting(visit: Visit, name: str, default: str = "") -> str:
        if name not in visit.path:
            asked.add(name)
        return get(visit, name, default)

    monkeypatch.setattr(Visit, "get", noting)
    found: dict[str, Any] = {}
    for path, (query, fields) in PAGES.items():
        asked.clear()
        found[path] = site.get("/api/" + path.format(queue="payments", id=id)).json()
        assert set(found[path]) == words(fields), path
        assert asked - OF_FORMS == words(query), path
    rows = {
        "jobs": found["jobs"]["jobs"],
        "queues": found[""]["queues"],
        "workers": found["workers"]["workers"],
        "groups": found["failed"]["groups"],
        "entries of the schedule": found["schedule"]["entries"],
        "runs": found["schedule"]["entries"][0]["runs"],
        "claims": found["unique"]["claims"],
        "batches": found["batches"]["batches"],
        "limits, rates, throttles, debounces": found["limits"]["limits"],
        "classes": found["classes"]["classes"],
        "findings": found["doctor"]["findings"],
        "entries of the audit log": found["audit"]["entries"],
    }
    assert rows.keys() == ROWS.keys()
    for name, (fields,) in ROWS.items():
        assert set(rows[name][0]) == words(fields), name


def test_every_page_and_every_action_is_in_the_manual() -> None:
    parts = installed_parts()

    own = [page for page in parts.pages if "history" not in page.path]
    assert {plain_path(page.path) for page in own} == PAGES.keys()
    actions = {plain_path(each.path): each.role for each in parts.actions}
    assert actions == {path: role for path, (_, role) in ACTIONS.items()}


@pytest.mark.parametrize("path", ACTIONS)
def test_actions_ask_for_the_fields_of_the_manual(
    site: Site, id: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    asked: set[str] = set()
    get = Visit.get

    def noting(visit: Visit, name: str, default: str = "") -> str:
        if name not in visit.path:
            asked.add(name)
        return get(visit, name, default)

    monkeypatch.setattr(Visit, "get", noting)
    site.client.post("/api/" + path.format(id="x", queue="q", name="x"), json={})

    fields = words(ACTIONS[path][0])
    assert asked - {"token", "back"} <= fields
