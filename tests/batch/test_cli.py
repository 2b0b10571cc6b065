"""``buoy batch``: how far batches are, and what operators do with them."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buoy import App
from buoy.cli import main
from buoy.testing import drain
from buoy_batch import Batch

from .shop import Row


def buoy(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["batch", *words])
    assert result.exit_code == code, result.output
    return result


def listed(*words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(buoy("list", "--json", *words).output)
    return rows


@pytest.fixture
def batch(buoy_app: App) -> Batch:
    with Batch(queue="mail", description="some rows") as made:
        made.enqueue_many(Row, [(1,), (13,)])
    return made


def test_list_shows_how_far_batches_are(buoy_app: App, batch: Batch) -> None:
    expected = {"batch": batch.id, "state": "closed", "total": 2, "pending": 2, "done": 0}
    rest = {"failed": 0, "others": 0, "description": "some rows"}
    assert listed() == [expected | rest]
    drain(buoy_app, "rows")
    head, line = buoy().output.splitlines()
    assert head.split()[:2] == ["batch", "state"]
    assert line.split() == [batch.id, "complete", "2", "0", "1", "1", "0", "some", "rows"]
    assert listed("--queue", "rows") == []
    assert len(listed("--queue", "mail")) == 1


def test_without_batches_it_says_so(buoy_app: App) -> None:
    assert buoy().output == "there is no batch\n"


def test_show_tells_all_of_one(buoy_app: App, batch: Batch) -> None:
    [shown] = json.loads(buoy("show", batch.id, "--json").output)
    assert (shown["batch"], shown["state"], shown["pending"]) == (batch.id, "closed", 2)
    assert shown["opened"].startswith("20")
    assert shown["completed"] is None
    assert "some rows" in buoy("show", batch.id).output


def test_all_members_are_cancelled(buoy_app: App, batch: Batch) -> None:
    assert buoy("cancel", batch.id, "--yes").output == f"{batch.id}: cancelled\n"
    assert listed()[0]["state"] == "cancelled"
    assert buoy_app.monitor.peek("rows") == []


def test_members_that_never_came_are_counted_as_lost(
    buoy_app: App, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert buoy("repair", batch.id).output == f"{batch.id}: 0 lost\n"
    buoy_app.command("DEL", buoy_app.key("rows", "jobs"), buoy_app.key("rows", "queued"))
    monkeypatch.setattr("buoy.operations.lost_members.OLD_SECONDS", -60.0)
    assert buoy("repair", batch.id).output == f"{batch.id}: 2 lost\n"
    assert listed()[0]["others"] == 2


def test_what_cannot_be_read_hides_no_other_batch(buoy_app: App, batch: Batch) -> None:
    home, odd = buoy_app.key("mail", "groups"), b"\xff \x1b[31m"
    for id in (odd, "typed", "typed-open", "gone", "odd"):
        buoy_app.command("ZADD", home, 0, id)
    buoy_app.command("SET", buoy_app.key("mail", "group:typed"), "x")
    buoy_app.command("HSET", buoy_app.key("mail", "group:typed-open"), "opened", 1)
    buoy_app.command("SET", buoy_app.key("mail", "group-open:typed-open"), "x")
    fields = ("opened", "x", "description", odd, "total", "-1", "done", "1e9", odd, odd)
    buoy_app.command("HSET", buoy_app.key("mail", "group:odd"), *fields)
    buoy_app.command("SADD", buoy_app.key("broken", "groups"), "x")
    buoy_app.command("SADD", "buoy:queues", "broken")

    assert [row["batch"] for row in listed()] == [batch.id, "mail:odd"]
    shown = buoy("show", "mail:odd").output
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert buoy("repair", "mail:odd").output == "mail:odd: 0 lost\n"
    assert buoy("cancel", "mail:odd", "--yes").output == "mail:odd: cancelled\n"


@pytest.mark.parametrize("command", ["show", "cancel", "repair"])
@pytest.mark.parametrize("id", ["mail:none", "none"])
def test_an_unknown_batch_is_an_error(buoy_app: App, command: str, id: str) -> None:
    assert buoy(command, id, code=1).output == (
        f"{id}: expected the id of a batch that buoy batch list shows, but there is none\n"
    )
