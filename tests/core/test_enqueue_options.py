"""Options of one enqueueing: ``using``, ``push`` and ``buoy enqueue`` take all of them alike."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buoy import App, BuoyError, Job, QueueFull
from buoy.cli import main
from buoy.model.options import GivenOptions
from buoy.model.payload import Payload
from buoy.testing import FakeWorker, drain


class Mail(Job):
    queue = "mail"

    def perform(self, to: str) -> str:
        return to


class Parent(Job):
    queue = "parents"

    def perform(self) -> None:
        with self.after_success():
            self.app.push(Mail.name, ["next"], queue="mail", priority="high", tags=["followed"])
            self.app.push(Mail.name, ["later"], queue="mail", delay=60, id="l", replace=True)


def buoy(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["enqueue", *words])
    assert result.exit_code == code, result.output
    return result


OPTIONS: dict[str, tuple[object, list[str]]] = {
    "queue": ("other", ["--queue", "other"]),
    "delay": (60, ["--delay", "60"]),
    "at": (4_102_444_800, ["--at", "2100-01-01T00:00+00:00"]),
    "id": ("m", ["--id", "m"]),
    "newer": (("version", 7), ["--newer", "version=7"]),
    "tags": (["vip", "eu"], ["--tag", "vip", "--tag", "eu"]),
    "timeout": (5.5, ["--timeout", "5.5"]),
    "max_memory": (64 * 2**20, ["--max-memory", "64"]),
    "expires": (600.0, ["--expires", "600"]),
    "max_length": (1, ["--max-length", "1"]),
    "priority": ("high", ["--priority", "high"]),
    "front": (True, ["--front"]),
    "replace": (True, ["--replace"]),
}
"""For each option a value, and the words of a command that mean it."""
NEEDED: dict[str, dict[str, object]] = {"replace": {"id": "m"}}
"""What goes with an option."""


def by_using(given: dict[str, Any]) -> None:
    Mail.using(**given).enqueue("ann")


def by_push(given: dict[str, Any]) -> None:
    Mail.app.push(Mail.name, ["ann"], **{"queue": "mail"} | given)


def by_apush(given: dict[str, Any]) -> None:
    async def push() -> None:
        try:
            await Mail.app.apush(Mail.name, ["ann"], **{"queue": "mail"} | given)
        finally:
            await Mail.app.aclose()

    asyncio.run(push())


def by_command(given: dict[str, Any], *words: str) -> None:
    told = {name: OPTIONS[name][1] for name in given}
    buoy(Mail.name, '["ann"]', *words, *[word for each in told.values() for word in each])


def by_command_with_the_app(given: dict[str, Any]) -> None:
    by_command(given, "-a", __name__)


def by_command_without_the_app(given: dict[str, Any]) -> None:
    by_command(given, *([] if "queue" in given else ["--queue", "mail"]))


WAYS: list[Callable[[dict[str, Any]], None]] = [
    by_using,
    by_push,
    by_apush,
    by_command_with_the_app,
    by_command_without_the_app,
]


def stored(app: App, queue: str) -> list[dict[str, object]]:
    """What is stored of the jobs of a queue, in the order in which they will run, without what each
    has of its own."""
    found: list[dict[str, object]] = []
    for view in [*app.monitor.peek(queue), *app.monitor.delayed(queue)]:
        payload = Payload.decoded(view.raw)
        expires = payload.expires_at and round(payload.expires_at - payload.enqueued_at)
        wait = view.at and round(view.at if view.at > 4e9 else view.at - view.enqueued_at, -2)
        found.append(
            {
                "id": view.id if view.id == "m" else "",
                "args": view.args,
                "state": view.state,
                "wait": wait,
                "tags": list(payload.tags),
                "limits": payload.limits,
                "expires": expires,
                "priority": view.priority,
            }
        )
    return found


def test_each_option_of_using_is_tried_here() -> None:
    assert {*OPTIONS} == {*GivenOptions.__annotations__}


@pytest.mark.parametrize("option", OPTIONS)
def test_each_way_to_enqueue_takes_the_option_and_stores_a_job_alike(
    buoy_app: App, option: str
) -> None:
    given = {option: OPTIONS[option][0], **NEEDED.get(option, {})}
    queue = str(given.get("queue", "mail"))
    seen = []
    for way in WAYS:
        buoy_app.command("FLUSHDB")
        if option != "max_length":
            Mail.using(queue=queue).enqueue("before")
        if option == "replace":
            Mail.using(id="m", delay=60).enqueue("old")
        way(given)
        seen.append(stored(buoy_app, queue))

    assert [len(jobs) for jobs in seen] == [1 if option == "max_length" else 2] * len(WAYS)
    assert seen == [seen[0]] * len(WAYS)


@pytest.mark.parametrize("way", WAYS)
def test_a_number_that_is_not_newer_and_a_full_queue_refuse_the_job_in_each_way(
    buoy_app: App, way: Callable[[dict[str, Any]], None]
) -> None:
    def refused(given: dict[str, Any]) -> None:
        with suppress(QueueFull, AssertionError):  # a command ends with 1
            way(given)
        [job] = buoy_app.monitor.peek("mail")
        assert job.args == ["first"]

    Mail.using(newer=("version", 7)).enqueue("first")

    refused({"newer": OPTIONS["newer"][0]})
    refused({"max_length": 1})


def test_what_is_pushed_by_name_runs_in_the_order_of_its_priority(buoy_app: App) -> None:
    for name, given in {
        "low": {"priority": "low"},
        "normal": {},
        "high": {"priority": "high"},
        "first": {"front": True},
        "last": {"priority": "low"},
    }.items():
        buoy_app.push(Mail.name, [name], queue="mail", **given)  # type: ignore[arg-type]

    worker, queued = FakeWorker(buoy_app, "mail"), {}
    for view in buoy_app.monitor.peek("mail"):
        queued[view.id] = view.args[0]
    taken = [queued[worker.take().id] for _ in range(5)]
    assert taken == ["high", "first", "normal", "low", "last"]


def test_a_push_replaces_the_arguments_and_the_time_of_the_job_that_waits(buoy_app: App) -> None:
    buoy_app.push("other.Job", [1], queue="mail", id="r", delay=600)

    handle = buoy_app.push("other.Job", [2], queue="mail", id="r", delay=60, replace=True)

    assert (handle.code, handle.holder) == ("replaced", "r")
    [view] = buoy_app.monitor.delayed("mail")
    assert view.args == [2]
    assert view.at is not None
    assert view.at - view.enqueued_at == pytest.approx(60, abs=50)


def test_a_push_after_a_success_keeps_its_options(buoy_app: App) -> None:
    Mail.using(id="l", delay=600).enqueue("sooner")
    Mail.enqueue("there")
    Parent.enqueue()

    assert drain(buoy_app, "parents") == {"done": 1}

    first, _ = buoy_app.monitor.peek("mail")
    assert (first.args, first.priority, first.tags) == (["next"], "high", ("followed",))
    [later] = buoy_app.monitor.delayed("mail")
    assert (later.id, later.args) == ("l", ["later"])


def test_a_push_of_an_inline_app_takes_the_options_too(buoy_app: App) -> None:
    with buoy_app.inline():
        handle = buoy_app.push(Mail.name, ["ann"], queue="mail", priority="high", expires=5)

    assert handle.state == "queued"
    assert buoy_app.monitor.queue_names() == []


# Mistakes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"delay": 1, "at": 2}, "expected delay or at, got both (1, 2)"),
        ({"replace": True}, "expected replace with the id of the job, got no id"),
        ({"priority": 5}, '(priority): expected "high", "normal" or "low", got 5'),
        ({"front": "yes"}, "(front): expected True or False, got 'yes'"),
        ({"replace": 1, "id": "m"}, "(replace): expected True or False, got 1"),
        ({"delay": -1}, "(delay): expected 0 or more seconds, less than 10 ** 10, got -1"),
        ({"tags": "vip"}, "(tags): expected a list of texts, got 'vip'"),
        ({"timeout": 0}, "(timeout): expected a number, more than 0, got 0"),
        (
            {"urgency": 5},
            "expected one of queue, delay, at, id, newer, tags, timeout, max_memory, expires, "
            "max_length, priority, front, replace, got 'urgency'",
        ),
    ],
)
def test_a_wrong_option_is_told_with_what_was_called(
    buoy_app: App, given: dict[str, Any], message: str
) -> None:
    for subject, way in {"using": by_using, "push": by_push, "push ": by_apush}.items():
        between = "" if message.startswith("(") else ": "
        told = f"^{re.escape(subject.strip() + between + message)}$"
        with pytest.raises(BuoyError, match=told):
            way(given)
    assert buoy_app.monitor.queue_names() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--delay", "1", "--at", "2100-01-01"], "expected --delay or --at, got both"),
        (["--replace"], "expected --replace with the --id of the job, got no --id"),
        (
            ["--priority", "urgent"],
            "Invalid value for '--priority': expected one of high, normal, low; got 'urgent'",
        ),
        (
            ["--at", "tomorrow"],
            "Invalid value for '--at': expected a time like 2026-01-31T08:00, got 'tomorrow'",
        ),
        (
            ["--newer", "version"],
            "Invalid value for '--newer': expected a name and a number like version=7, got "
            "'version'",
        ),
        (
            ["--timeout", "0"],
            "Invalid value for '--timeout': expected seconds, more than 0, up to 1000000000, got "
            "'0'",
        ),
        (
            ["--max-memory", "0"],
            "Invalid value for '--max-memory': expected a whole number, 1 to 1000000000, got '0'",
        ),
    ],
)
@pytest.mark.parametrize("more", [["-a", __name__], ["--queue", "mail"]])
def test_the_command_tells_what_is_wrong_and_enqueues_nothing(
    buoy_app: App, words: list[str], message: str, more: list[str]
) -> None:
    result = buoy(Mail.name, '["ann"]', *more, *words, code=2)

    assert result.output.endswith(f"Error: {message}\n")
    assert buoy_app.monitor.queue_names() == []


def test_the_command_says_what_became_of_the_job_that_waits(buoy_app: App) -> None:
    words = ["other.Job", "--queue", "mail", "--id", "r", "--replace"]
    buoy(*words)

    assert "the job that waits has its arguments now" in buoy(*words).output

    FakeWorker(buoy_app, "mail").take()
    assert "the job with this id runs, so it was not replaced" in buoy(*words).output


def test_a_queue_that_is_full_ends_the_command_with_1(buoy_app: App) -> None:
    Mail.enqueue("first")

    said = buoy("other.Job", "--queue", "mail", "--max-length", "1", code=1).output

    assert said == (
        "Error: queue 'mail' is full: expected fewer than 1 queued and delayed jobs, got 1; 0 of 1 "
        "jobs were enqueued; start a worker for it, or raise max_length\n"
    )
