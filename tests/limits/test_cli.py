"""``buoy limits``: what is counted, and limits that are changed while jobs run."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buoy import App
from buoy.cli import main
from buoy.testing import Clock, drain

from .shop import CallStripe, Charge, Late, Slow

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
    assert head.split() == ["key", "queue", "taken", "limit", "blocked", "set", "next"]
    assert line.split() == [*KEY.split(), "purchasing", "2", "2", "3", "-", "-"]
    assert [row["key"] for row in listed()] == [KEY, "Limit:stripe"]
    assert listed("--count", "1") == listed("--queue", "purchasing")[:1]
    assert listed("--queue", "nowhere") == []


def test_a_limit_is_set_and_reset(buoy_app: App) -> None:
    Charge.enqueue_many([(1,)] * 6)

    assert buoy("set", KEY, "4").output == f"purchasing: {KEY}: 4; 2 jobs were queued\n"
    assert listed() == [
        dict.fromkeys(("next",))
        | {"key": KEY, "queue": "purchasing", "taken": 4, "limit": 4, "blocked": 2, "set": 4}
    ]
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
    Late.enqueue(1)
    Slow.enqueue_many([(2,)] * 3)

    [later, sooner] = listed()

    assert later["key"] == f"Rate:{Slow.name} account=2"
    assert later == dict.fromkeys(later) | {
        "key": later["key"],
        "queue": "purchasing",
        "next": later["next"],
    }
    assert sooner["key"] == f"Rate:{Slow.name} account=1"
    assert later["next"] > sooner["next"]
    assert listed("--queue", "nowhere") == []
    buoy_clock.advance(31)
    assert listed() == []


@pytest.mark.parametrize("kind", ["Rate", "Throttle", "Debounce"])
@pytest.mark.parametrize("words", [("set", "5"), ("reset",)])
def test_what_is_no_limit_cannot_be_set(buoy_app: App, kind: str, words: tuple[str, ...]) -> None:
    key = f"{kind}:shop.Charge"
    act, *number = words

    assert buoy(act, key, *number, "--queue", "default", code=1).output == (
        f"Error: {key}: expected the key of a limit; a rate, a throttle and a debounce are changed "
        "in the class: jobs that are enqueued from then on have the new one\n"
    )


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
