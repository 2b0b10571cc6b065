"""``buoy retry``, as an operator types it."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from buoy import App, Handle, Job
from buoy.cli import main
from buoy.model.reservation import RoundTripRequest
from buoy.testing import Clock, drain
from buoy_retry import Retry

Run = Callable[..., Result]


@pytest.fixture
def run(buoy_app: App) -> Run:
    def run(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["retry", *words])
        assert result.exit_code == code, result.output
        return result

    return run


class Mail(Job):
    queue = "mail"
    plugins = [Retry(limit=3, delay=60)]

    def perform(self, reason: str) -> None:
        if reason:
            raise TimeoutError(reason)


class Newsletter(Mail):
    queue = "bulk"


def ids_of(result: Result) -> list[str]:
    return [row["id"] for row in json.loads(result.output)]


@pytest.fixture
def three(buoy_app: App) -> list[str]:
    """The ids of three jobs that are delayed for another attempt, one of them in another queue.
    Other jobs are queued, delayed, failed."""
    handles: list[Handle[None]] = [
        Newsletter.enqueue("450 busy"),
        Mail.enqueue("421 closing"),
        Mail.enqueue("450 busy"),
    ]
    buoy_app.push("nowhere.Job", queue="mail")
    drain(buoy_app)
    Mail.using(delay=5000).enqueue("")
    Mail.enqueue("")
    return [handle.id for handle in handles]


def test_list_without_jobs_says_so(run: Run) -> None:
    assert run().output == "no job is delayed for another attempt\n"
    assert run("list", "--json").output == "[]\n"


def test_list_shows_the_next_attempt_and_the_last_error(
    run: Run, three: list[str], buoy_app: App
) -> None:
    row = json.loads(run("list", "--json").output)[0]

    assert row.pop("due").endswith("+00:00")
    assert row.pop("failed_at").endswith("+00:00")
    assert row == {
        "id": three[0],
        "class": Newsletter.name,
        "queue": "bulk",
        "args": ["450 busy"],
        "tags": [],
        "attempt": 2,
        "error": "TimeoutError",
        "message": "450 busy",
        "worker": "drain",
    }
    head, *lines = run().output.splitlines()
    assert head.split() == ["id", "class", "queue", "args", "attempt", "due", "error", "message"]
    assert [line.split()[0] for line in lines] == three


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], [0, 1, 2]),
        (["--queue", "mail"], [1, 2]),
        (["--queue", "other"], []),
        (["--class", Mail.name], [1, 2]),
        (["--class", Newsletter.name], [0]),
        (["--class", "Mail"], []),
        (["--error", "BUSY"], [0, 2]),
        (["--error", "timeouterror"], [0, 1, 2]),
        (["--error", "busy", "--queue", "mail"], [2]),
    ],
)
def test_list_filters_by_queue_class_and_error(
    run: Run, three: list[str], filters: list[str], found: list[int]
) -> None:
    assert ids_of(run("list", "--json", *filters)) == [three[n] for n in found]


def test_list_accepts_ids(run: Run, three: list[str]) -> None:
    assert ids_of(run("list", three[2], three[0], "unknown", "--json")) == [three[0], three[2]]


def test_now_makes_jobs_due(run: Run, three: list[str], buoy_app: App) -> None:
    assert run("now", three[0], three[2]).output == "2 jobs were made due\n"

    assert drain(buoy_app) == {"done": 1, "delayed": 2}
    assert [view.attempt for id in three if (view := buoy_app.find(id))] == [3, 2, 3]


def test_now_accepts_filters(run: Run, three: list[str], buoy_app: App) -> None:
    assert run("now", "--error", "closing").output == "1 job was made due\n"
    assert run("now", "--error", "closing").output == "0 jobs were made due\n"

    assert [view.args for view in buoy_app.monitor.peek("mail")] == [[""], ["421 closing"]]


def test_cancel_ends_jobs(run: Run, three: list[str], buoy_app: App) -> None:
    assert run("cancel", "--queue", "mail").output == "2 jobs were ended\n"

    assert [buoy_app.find(id) is None for id in three] == [False, True, True]
    [mail] = buoy_app.monitor.queues(["mail"])
    assert (mail.queued, mail.delayed, mail.failed) == (1, 1, 1)


def test_cancel_does_not_end_a_job_that_has_started(
    run: Run,
    three: list[str],
    buoy_app: App,
    buoy_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker takes the job after the command has found it, before it is ended."""
    reschedule, remove = buoy_app.reschedule, buoy_app.control.remove

    def meanwhile() -> None:
        reschedule(three[0], queue="bulk")
        buoy_app.broker.advance_queue("w-1", RoundTripRequest("bulk", 1, wanted=1))

    def remove_too_late(*words: str) -> dict[str, str]:
        meanwhile()
        return remove(*words)

    monkeypatch.setattr(buoy_app.control, "remove", remove_too_late)

    assert run("cancel", three[0]).output == "0 jobs were ended\n"
    view = buoy_app.find(three[0])
    assert view is not None
    assert view.state == "running"


@pytest.mark.parametrize("command", ["now", "cancel"])
def test_changing_all_jobs_needs_the_option_all(run: Run, three: list[str], command: str) -> None:
    refused = run(command, code=2)
    assert "Error: expected ids, filters or --all, got none of them" in refused.output

    tried = run(command, "--all", "--dry-run").output
    assert [line.split()[0] for line in tried.splitlines()[2:]] == three
    assert ids_of(run("list", "--json")) == three

    words = ["--all", "--yes"] if command == "cancel" else ["--all"]
    assert run(command, *words).output.startswith("3 jobs were ")
    assert ids_of(run("list", "--json")) == []


def test_show_lists_all_attempts_of_a_job(
    run: Run, three: list[str], buoy_app: App, buoy_clock: Clock
) -> None:
    buoy_clock.advance(61)
    drain(buoy_app)

    first, second = json.loads(run("show", three[0], "--json").output)

    assert first.pop("failed_at") <= second.pop("failed_at")
    assert first == {
        "attempt": 1,
        "error": "TimeoutError",
        "message": "450 busy",
        "worker": "drain",
        "wait": 60.0,
    }
    assert second == first | {"attempt": 2}
    assert len(run("show", three[0]).output.splitlines()) == 3


def test_show_of_a_job_that_has_not_failed_says_so(run: Run, buoy_app: App) -> None:
    handle = Mail.enqueue("")

    assert run("show", handle.id).output == f"{handle.id} has not failed yet\n"
    assert run("show", "xyz", code=1).output == "Error: xyz: expected a job, but it is unknown\n"


def test_failed_show_includes_the_history(
    run: Run, three: list[str], buoy_app: App, buoy_clock: Clock
) -> None:
    for _ in range(3):
        buoy_clock.advance(61)
        drain(buoy_app)

    shown = CliRunner().invoke(main, ["failed", "show", three[0]]).output

    kept = json.loads(shown[shown.index("retry        {") + 13 : shown.index("\n\n  Traceback")])
    assert [each["attempt"] for each in kept["history"]] == [1, 2, 3, 4]


def test_list_includes_a_job_that_another_plugin_retries(run: Run, buoy_app: App) -> None:
    payload = b'{"class":"other.Job","args":[],"id":"a1","attempt":2,"plugins":{"retry":7}}'
    buoy_app.push("x", queue="mail")
    buoy_app.command("HSET", buoy_app.key("mail", "jobs"), "a1", payload)
    buoy_app.command("ZADD", buoy_app.key("mail", "delayed"), 4_000_000_000_000, "a1")

    [row] = json.loads(run("list", "--json").output)

    assert (row["id"], row["error"], row["failed_at"]) == ("a1", None, None)
    assert ids_of(run("list", "--error", "x", "--json")) == []
