"""``buoy limits``: what is counted, and limits that are changed while jobs run."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buoy import App
from buoy.cli import main
from buoy.testing import Clock, drain
from buoy_limits.rows import COLUMNS

from .shop import CallStripe, Charge, Late, Rare, Slow

KEY = f"Limit:{Charge.name} account=1"


def buoy(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["limits", *words])
    assert result.exit_code == code, result.output
    return result


def listed(*words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(buoy("list", "--json", *words).output)
    return rows


def test_list_shows_the_limits_with_most_blocked_jobs_first(buoy_app: App) -> None:
    assert buoy().output == "no limit counts any job\n"
    CallStripe.enqueue(1)
    Charge.enqueue_many([(1,)] * 5)

    head, line, _ = buoy().output.splitlines()
    assert head.split() == [*COLUMNS]
    assert line.split() == [*KEY.split(), "purchasing", "2", "2", "3", *"----"]
    assert [row["key"] for row in listed()] == [KEY, "Limit:stripe"]
    assert listed("--count", "1") == listed("--queue", "purchasing")[:1]
    assert listed("--queue", "nowhere") == []


def test_a_limit_is_set_and_reset(buoy_app: App) -> None:
    Charge.enqueue_many([(1,)] * 6)

    assert buoy("set", KEY, "4").output == f"purchasing: {KEY}: 4; 2 jobs were queued\n"
    counts = {"taken": 4, "limit": 4, "blocked": 2, "set": 4}
    assert listed() == [dict.fromkeys(COLUMNS) | {"key": KEY, "queue": "purchasing"} | counts]
    assert buoy("reset", KEY).output == f"purchasing: {KEY}: as declared; 0 jobs were queued\n"
    assert drain(buoy_app) == {"done": 6}
    assert listed() == []


def test_a_limit_may_be_set_before_any_job_counts(buoy_app: App) -> None:
    buoy_app.control.pause("purchasing")
    buoy_app.control.pause("purchasing", resume=True)
    CallStripe.enqueue(1)
    drain(buoy_app)

    buoy("set", "Limit:stripe", "0", "--queue", "purchasing")

    assert CallStripe.enqueue(1).state == "blocked"
    assert drain(buoy_app) == {}
    assert buoy("reset", "Limit:stripe").output.endswith("as declared; 1 job was queued\n")


def test_rates_are_listed_with_their_next_free_time(buoy_app: App, buoy_clock: Clock) -> None:
    Slow.enqueue(1)
    Slow.enqueue_many([(2,)] * 3)

    [later, sooner] = listed()

    assert later == dict.fromkeys(later) | {
        "key": f"Rate:{Slow.name} account=2",
        "queue": "purchasing",
        "limit": "36/3600",
        "delayed": 2,
        "next": later["next"],
    }
    assert sooner["key"] == f"Rate:{Slow.name} account=1"
    assert (sooner["delayed"], later["next"] > sooner["next"]) == (0, True)
    assert listed("--queue", "nowhere") == []
    buoy_clock.advance(301)
    assert listed() == []


def test_throttles_and_bursts_are_listed(buoy_app: App) -> None:
    rare, late = Rare.enqueue(1), Late.enqueue(1)

    [throttle, burst] = listed()

    assert throttle == dict.fromkeys(throttle) | {
        "key": f"Throttle:{Rare.name} account=1",
        "queue": "purchasing",
        "next": throttle["next"],
        "holder": rare.id,
    }
    assert (burst["key"], burst["holder"]) == (f"Debounce:{Late.name}", late.id)
    assert throttle["next"] > burst["next"]


def test_a_rate_is_set_and_reset(buoy_app: App, buoy_clock: Clock) -> None:
    key = f"Rate:{Slow.name} account=1"
    Slow.enqueue_many([(1,)] * 5)

    assert buoy("set", key, "60/60 burst 3").output == (
        f"purchasing: {key}: 1/1 burst 3; 4 jobs were given other times\n"
    )
    [row] = listed()
    assert (row["limit"], row["set"]) == ("1/1 burst 3", "1/1 burst 3")
    buoy_clock.advance(4)
    assert drain(buoy_app) == {"done": 5}
    [row] = listed()
    assert row["delayed"] == 0
    assert buoy("reset", key).output == (
        f"purchasing: {key}: as declared; 0 jobs were given other times\n"
    )


def test_a_throttle_is_lifted(buoy_app: App) -> None:
    first = Rare.enqueue(1)
    key = f"Throttle:{Rare.name} account=1"
    assert Rare.enqueue(1).code == "throttled"

    assert buoy("reset", key).output == (
        f"purchasing: {key}: lifted; job {first.id} throttles no other one\n"
    )

    assert listed() == []
    assert Rare.enqueue(1).state == "queued"
    assert buoy("reset", f"{key}0", "--queue", "purchasing").output == (
        f"purchasing: {key}0: lifted; no job throttled others\n"
    )


@pytest.mark.parametrize(
    "words", [("set", "Throttle", "5"), ("set", "Debounce", "5"), ("reset", "Debounce")]
)
def test_what_only_its_class_tells_cannot_be_set(buoy_app: App, words: tuple[str, ...]) -> None:
    act, kind, *number = words
    key = f"{kind}:shop.Charge"

    assert buoy(act, key, *number, "--queue", "default", code=1).output == (
        f"Error: {key}: expected the key of a limit or a rate; the seconds of a throttle and of a "
        "debounce are changed in the class: jobs that are enqueued from then on have the new ones\n"
    )


@pytest.mark.parametrize(
    "text", ["5", "0/60", "1/0", "1/-1", "60/60 burst 0", "1/nan", "1/9e9", "²/1"]
)
def test_a_rate_is_jobs_and_seconds(buoy_app: App, text: str) -> None:
    assert (
        "rate: expected jobs and seconds, such as 100/60 or 100/60 burst 10, 0.000001 to 100000000 "
        f"seconds for each job, got {text!r}"
    ) in buoy("set", "Rate:x", text, code=2).output


def test_an_unknown_key_is_an_error(buoy_app: App) -> None:
    assert buoy("set", "Limit:nothing", "4", code=1).output == (
        "Limit:nothing: expected a key that buoy limits list shows, but there is none\n"
    )


@pytest.mark.parametrize("number", ["-1", "x", "1000001"])
def test_a_limit_is_a_whole_number(buoy_app: App, number: str) -> None:
    said = buoy("set", "--", KEY, number, code=2).output
    assert f"expected a whole number, 0 to 1000000, got '{number}'" in said


def test_blocked_jobs_are_listed_and_counted(buoy_app: App) -> None:
    Charge.enqueue_many([(1,)] * 3)

    listing = CliRunner().invoke(main, ["jobs", "list", "--state", "blocked"]).output
    assert listing.startswith("blocked 1\n")
    table = CliRunner().invoke(main, ["queues", "list"]).output.splitlines()
    assert table[0].split()[3] == "blocked"
    assert table[1].split()[-7] == "1"


def test_a_blocked_job_is_not_run_now(buoy_app: App) -> None:
    [*_, handle] = Charge.enqueue_many([(1,)] * 3)

    result = CliRunner().invoke(main, ["jobs", "run-now", handle.id])

    assert (result.exit_code, result.output) == (
        1,
        f"{handle.id}: expected a delayed or failed job, but it is blocked in purchasing, until it "
        "gets its permits\n",
    )


def test_a_blocked_job_shows_its_limits(buoy_app: App) -> None:
    [*_, handle] = Charge.enqueue_many([(1,)] * 3)

    [shown] = json.loads(CliRunner().invoke(main, ["jobs", "show", "--json", handle.id]).output)

    assert (shown["state"], shown["plugins"]["limits"]) == ("blocked", {"limits": [KEY]})
