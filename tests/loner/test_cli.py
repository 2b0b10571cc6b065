"""Who holds which place, as an operator asks, and what becomes of a job that loses its place."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buoy import App
from buoy.cli import main
from buoy.cli.output import stamp
from buoy.testing import drain
from buoy_loner import holder

from .shop import Both, Charge, Reindex, Tenacious, finish, take, told


def buoy(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output
    return result


def listed(*words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(buoy("loner", "list", "--json", *words).output)
    return rows


# list
def test_it_says_who_holds_what_since_when(buoy_app: App) -> None:
    retrying = Tenacious.enqueue(1, "fail")
    drain(buoy_app)
    running, waiting = Charge.enqueue(2), Charge.enqueue(3)
    assert take(buoy_app, "purchasing").id == running.id
    delayed = Charge.using(delay=60).enqueue(4)
    Reindex.enqueue(5)
    take(buoy_app, "default")  # it has started, and holds its place no more

    rows = listed()

    assert [(row["class"], row["id"], row["queue"], row["state"]) for row in rows] == [
        (Tenacious.name, retrying.id, "purchasing", "retrying"),
        (Charge.name, running.id, "purchasing", "running"),
        (Charge.name, waiting.id, "purchasing", "waiting"),
        (Charge.name, delayed.id, "purchasing", "delayed"),
    ]
    for row in rows:
        assert list(row) == ["claim", "class", "id", "queue", "since", "state"]
        view = buoy_app.find(row["id"])
        assert view is not None
        assert row["since"] == stamp(view.enqueued_at)
        assert buoy_app.monitor.holder(row["queue"], row["claim"]) == row["id"]


def test_it_is_a_table_for_people_with_claims_that_can_be_copied(buoy_app: App) -> None:
    assert buoy("loner").output == "no place is held\n"
    first = Charge.enqueue(42)

    [row] = listed()

    head, line = buoy("loner").output.splitlines()
    assert head.split() == ["claim", "class", "id", "queue", "since", "state"]
    assert line.split() == list(row.values())
    assert row["id"] == first.id
    assert len(row["claim"]) == len("loner:") + 32


def test_it_is_filtered(buoy_app: App) -> None:
    Charge.enqueue_many([(n,) for n in range(60)])
    Reindex.enqueue(7)

    assert len(listed()) == 50
    assert len(listed("--count", "0")) == 61
    assert len(listed("--queue", "default")) == 1
    assert len(listed("--class", Reindex.name)) == 1
    assert len(listed("--class", Charge.name, "--count", "3")) == 3
    assert listed("--queue", "nowhere") == []


def test_what_was_deleted_by_hand_is_seen(buoy_app: App) -> None:
    first = Charge.enqueue(42)
    for part in ("jobs", "ready"):
        buoy_app.command("DEL", buoy_app.key("purchasing", part))

    [row] = listed()

    assert (row["id"], row["class"], row["since"], row["state"]) == (
        first.id,
        None,
        None,
        "gone",
    )


# release
@pytest.mark.parametrize("by", ["claim", "id"])
def test_the_place_is_free_and_its_job_goes_on(buoy_app: App, by: str) -> None:
    first = Charge.enqueue(42)
    [row] = listed()

    said = buoy("loner", "release", row[by]).output

    assert said == f"{row['claim']} is free; job {first.id} goes on without it\n"
    assert holder(Charge, 42) is None
    second = Charge.enqueue(42)
    assert told(second) == ("queued", None)
    assert drain(buoy_app, "purchasing") == {"done": 2}
    assert buoy_app.command("HLEN", buoy_app.key("purchasing", "claims")) == 0


@pytest.mark.parametrize("note", ["", "fail"])
def test_a_job_that_lost_its_place_frees_none_of_another_when_it_ends(
    buoy_app: App, note: str
) -> None:
    first = Charge.enqueue(42, note)
    held = take(buoy_app, "purchasing")
    buoy("loner", "release", first.id)
    second = Charge.enqueue(42, note)

    finish(buoy_app, held)

    assert told(Charge.enqueue(42, note)) == ("exists", second.id)


def test_nor_when_it_is_taken_out_or_starts(buoy_app: App) -> None:
    for job in (Charge, Reindex):
        first = job.enqueue(42)
        buoy("loner", "release", first.id)
        second = job.enqueue(42)

        if job is Charge:
            assert buoy_app.dequeue(first.id) == [first.id]
        else:
            assert take(buoy_app, "default").id == first.id

        assert told(job.enqueue(42)) == ("exists", second.id)


def test_a_job_that_lost_its_place_takes_it_again_when_it_is_put_back(buoy_app: App) -> None:
    first = Charge.enqueue(42, "fail")
    buoy("loner", "release", first.id)
    drain(buoy_app)

    buoy("failed", "retry", first.id)

    assert holder(Charge, 42, "fail") == first.id


def test_other_places_and_other_claims_stay(buoy_app: App) -> None:
    first = Both.enqueue(1, 2025)
    one, other = (row["claim"] for row in listed())

    buoy("loner", "release", one)

    assert [row["claim"] for row in listed()] == [other]
    assert buoy_app.monitor.holder("default", "other") == first.id
    drain(buoy_app)
    assert buoy_app.command("HLEN", buoy_app.key("default", "claims")) == 0


def test_what_nobody_holds_is_named_and_the_rest_is_done(buoy_app: App) -> None:
    first = Charge.enqueue(42)
    [row] = listed()

    result = buoy("loner", "release", "loner:x", first.id, "loner:x", code=1)

    assert result.stdout == f"{row['claim']} is free; job {first.id} goes on without it\n"
    assert result.stderr == (
        "loner:x: expected a claim that is held, or the id of its holder, but there is none\n"
    )


def test_claims_of_other_plugins_are_none_of_its_business(buoy_app: App) -> None:
    Both.enqueue(1, 2025)

    buoy("loner", "release", "other", code=1)

    assert buoy_app.monitor.holder("default", "other") is not None


def test_a_place_that_was_left_behind_by_hand_is_freed(buoy_app: App) -> None:
    first = Charge.enqueue(42)
    for part in ("jobs", "ready"):
        buoy_app.command("DEL", buoy_app.key("purchasing", part))
    assert told(Charge.enqueue(42)) == ("exists", first.id)

    buoy("loner", "release", first.id)

    assert Charge.enqueue(42).state == "queued"


def test_a_job_that_is_moved_takes_its_place_along(buoy_app: App) -> None:
    first = Charge.enqueue(42)

    buoy("queues", "move", "purchasing", "express")

    assert holder(Charge, 42) is None
    assert [(row["id"], row["queue"]) for row in listed()] == [(first.id, "express")]
    drain(buoy_app, "express")
    assert listed() == []
