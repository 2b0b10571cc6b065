"""``buoy loner``: which job holds which claim; a job whose claim is released."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buoy import App
from buoy.cli import main
from buoy.cli.output import format_time
from buoy.testing import drain
from buoy_loner import holder

from .shop import Both, Charge, Reindex, Tenacious, finish, state_and_holder, take


def buoy(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output
    return result


def listed(*words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(buoy("loner", "list", "--json", *words).output)
    return rows


# list
def test_list_shows_which_job_holds_which_claim_since_when(buoy_app: App) -> None:
    retrying = Tenacious.enqueue(1, "fail")
    drain(buoy_app)
    running, waiting = Charge.enqueue(2), Charge.enqueue(3)
    assert take(buoy_app, "purchasing").id == running.id
    delayed = Charge.using(delay=60).enqueue(4)
    Reindex.enqueue(5)
    take(buoy_app, "default")  # it has started, and holds its claim no longer

    rows = listed()

    assert [(row["class"], row["id"], row["queue"], row["state"]) for row in rows] == [
        (Tenacious.name, retrying.id, "purchasing", "delayed"),
        (Charge.name, running.id, "purchasing", "running"),
        (Charge.name, waiting.id, "purchasing", "queued"),
        (Charge.name, delayed.id, "purchasing", "delayed"),
    ]
    for row in rows:
        assert list(row) == ["claim", "class", "id", "queue", "since", "state"]
        view = buoy_app.find(row["id"])
        assert view is not None
        assert row["since"] == format_time(view.enqueued_at)
        assert buoy_app.monitor.holder(row["queue"], row["claim"]) == row["id"]


def test_list_is_a_table_with_claims_that_can_be_copied(buoy_app: App) -> None:
    assert buoy("loner").output == "no claim is held\n"
    first = Charge.enqueue(42)

    [row] = listed()

    head, line = buoy("loner").output.splitlines()
    assert head.split() == ["claim", "class", "id", "queue", "since", "state"]
    assert line.split() == list(row.values())
    assert row["id"] == first.id
    assert len(row["claim"]) == len("loner:") + 32


def test_list_filters_by_queue_class_and_count(buoy_app: App) -> None:
    Charge.enqueue_many([(n,) for n in range(60)])
    Reindex.enqueue(7)

    assert len(listed()) == 50
    assert len(listed("--count", "0")) == 61
    assert len(listed("--queue", "default")) == 1
    assert len(listed("--class", Reindex.name)) == 1
    assert len(listed("--class", Charge.name, "--count", "3")) == 3
    assert listed("--queue", "nowhere") == []


def test_list_shows_a_claim_whose_job_was_deleted_by_hand(buoy_app: App) -> None:
    first = Charge.enqueue(42)
    for part in ("jobs", "queued"):
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
def test_release_frees_the_claim_and_its_job_goes_on(buoy_app: App, by: str) -> None:
    first = Charge.enqueue(42)
    [row] = listed()

    output = buoy("loner", "release", row[by]).output

    assert output == f"{row['claim']} is free; job {first.id} continues without it\n"
    assert holder(Charge, 42) is None
    second = Charge.enqueue(42)
    assert state_and_holder(second) == ("queued", None)
    assert drain(buoy_app, "purchasing") == {"done": 2}
    assert buoy_app.command("HLEN", buoy_app.key("purchasing", "claims")) == 0


@pytest.mark.parametrize("note", ["", "fail"])
def test_a_job_whose_claim_was_released_frees_no_claim_of_another_job_when_it_ends(
    buoy_app: App, note: str
) -> None:
    first = Charge.enqueue(42, note)
    reservation = take(buoy_app, "purchasing")
    buoy("loner", "release", first.id)
    second = Charge.enqueue(42, note)

    finish(buoy_app, reservation)

    assert state_and_holder(Charge.enqueue(42, note)) == ("exists", second.id)


def test_a_job_whose_claim_was_released_frees_no_claim_of_another_job_when_it_is_dequeued_or_starts(
    buoy_app: App,
) -> None:
    for job in (Charge, Reindex):
        first = job.enqueue(42)
        buoy("loner", "release", first.id)
        second = job.enqueue(42)

        if job is Charge:
            assert buoy_app.dequeue(first.id) == [first.id]
        else:
            assert take(buoy_app, "default").id == first.id

        assert state_and_holder(job.enqueue(42)) == ("exists", second.id)


def test_a_job_whose_claim_was_released_takes_it_again_when_it_is_put_back(buoy_app: App) -> None:
    first = Charge.enqueue(42, "fail")
    buoy("loner", "release", first.id)
    drain(buoy_app)

    buoy("failed", "retry", first.id)

    assert holder(Charge, 42, "fail") == first.id


def test_release_leaves_the_other_claims_of_the_job(buoy_app: App) -> None:
    first = Both.enqueue(1, 2025)
    one, other = (row["claim"] for row in listed())

    buoy("loner", "release", one)

    assert [row["claim"] for row in listed()] == [other]
    assert buoy_app.monitor.holder("default", "other") == first.id
    drain(buoy_app)
    assert buoy_app.command("HLEN", buoy_app.key("default", "claims")) == 0


def test_release_names_unknown_claims_and_releases_the_others(buoy_app: App) -> None:
    first = Charge.enqueue(42)
    [row] = listed()

    result = buoy("loner", "release", "loner:x", first.id, "loner:x", code=1)

    assert result.stdout == f"{row['claim']} is free; job {first.id} continues without it\n"
    assert result.stderr == (
        "loner:x: expected a claim that is held, or the id of its holder, but there is none\n"
    )


def test_release_does_not_release_claims_of_other_plugins(buoy_app: App) -> None:
    Both.enqueue(1, 2025)

    buoy("loner", "release", "other", code=1)

    assert buoy_app.monitor.holder("default", "other") is not None


def test_release_frees_a_claim_whose_job_was_deleted_by_hand(buoy_app: App) -> None:
    first = Charge.enqueue(42)
    for part in ("jobs", "queued"):
        buoy_app.command("DEL", buoy_app.key("purchasing", part))
    assert state_and_holder(Charge.enqueue(42)) == ("exists", first.id)

    buoy("loner", "release", first.id)

    assert Charge.enqueue(42).state == "queued"


def test_a_job_that_is_moved_keeps_its_claim_in_the_other_queue(buoy_app: App) -> None:
    first = Charge.enqueue(42)

    buoy("queues", "move", "purchasing", "express")

    assert holder(Charge, 42) is None
    assert [(row["id"], row["queue"]) for row in listed()] == [(first.id, "express")]
    drain(buoy_app, "express")
    assert listed() == []
