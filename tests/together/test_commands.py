"""Every command of every package, found by walking the tree of commands: whatever it is given, and
whatever lies in Redis, it says in printable lines what it did, and touches what was meant."""

import json
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click
import pytest
from click.testing import CliRunner, Result

from buoy import App, Job
from buoy.cli import main
from buoy.cli.group import ListGroup
from buoy.cli.params import COUNT
from buoy.testing import drain
from tests.docs.blocks import Page

from .hostile import NASTY, fill, fill_around, good, snapshot

APP = "tests.together.jobs"
JOB = "tests.together.jobs.Pay"
NUMBERS = (click.IntRange, click.FloatRange, click.Choice, click.types.BoolParamType)
"""Types for which there is neither an empty value nor a name; Seconds is one of them."""

VALUES = {
    "id": "first-failed",
    "ids": "first-failed",
    "claims": "loner:x",
    "queue": "mail",
    "queues": "mail",
    "source": "mail",
    "target": "good",
    "name": JOB,
    "app": APP,
    "file": "/nowhere.yml",
    "to": "ops@example.com",
    "when": "1h",
    "label": "v1",
    "key": "k",
    "limit": "5",
    "batch": "mail:g",
}
"""A good value for each argument, and for each option that must be given."""

ENDLESS = {"worker", "scheduler", "metrics", "dev", "web"}
"""These serve until they are stopped: here they are only given what they must refuse."""


@dataclass(frozen=True)
class Use:
    """A command with one of its parameters, given some value; the others have good ones."""

    path: tuple[str, ...]
    command: click.Command = field(compare=False)
    param: click.Parameter = field(compare=False)

    def __str__(self) -> str:
        return " ".join([*self.path, str(self.param.name)])

    def words(self, value: str) -> list[str]:
        """What a user types."""
        if not self.path:
            return [self.param.opts[0], value, "queues"]
        options, arguments = [], []
        for each in self.command.params:
            given = value if each is self.param else VALUES.get(str(each.name), "")
            if isinstance(each, click.Argument):
                arguments += [given] if each.required or each is self.param else []
            elif each.required or each is self.param:
                options += [each.opts[0], given]
        return [*self.path, *sure(self.command), *options, "--", *arguments]

    def kind(self) -> str:
        return type(self.param.type).__name__


def sure(command: click.Command) -> list[str]:
    return ["--yes"] if any(each.name == "yes" for each in command.params) else []


def tree(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from tree(below, (*path, name))


TREE = dict(tree(main))
BEHIND = {"redis_url", "redis_namespace"}
"""The options of ``buoy`` itself, which may also stand behind a command."""
USES = [
    Use(path, command, param)
    for path, command in TREE.items()
    for param in command.params
    if not isinstance(param.type, NUMBERS) and (not path or param.name not in BEHIND)
]
QUEUES = [use for use in USES if use.kind() == "QueueName"]
TIMES = [use for use in USES if use.kind() in ("Instant", "Moment")]
NAMES = [use for use in USES if use.kind() in ("Text", "QueueName") and use.path]
READING = {
    path: command
    for path, command in TREE.items()
    if (
        path[:1] not in {(name,) for name in ENDLESS}
        and path[-1:] in {("list",), ("count",), ("summary",), ("peek",), ("show",), ("doctor",)}
    )
    or isinstance(command, ListGroup)
}


def run(*words: str) -> Result:
    with at_most(120):
        result = CliRunner().invoke(main, words, env={"BUOY_MAIL_URL": "memory://"})
    assert "Traceback" not in result.output, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    raw = {c for c in result.output if not c.isprintable()} - {"\n"}
    assert not raw, ascii(result.output)
    assert "\nFAKE" not in result.output
    return result


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail when a command takes longer, as one does that serves and is missing in ENDLESS."""

    def stop(*_: object) -> None:
        pytest.fail(f"it still runs after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def odd(buoy_app: App) -> Iterator[App]:
    fill(buoy_app)
    fill_around(buoy_app)
    yield buoy_app
    buoy_app.command("FLUSHALL")


@pytest.fixture(scope="module", autouse=True)
def known() -> None:
    """Every parameter is of a type that refuses what says nothing, or is a number or a choice."""
    lax = [str(use) for use in USES if use.kind() == "StringParamType" or use.kind() == "Path"]
    assert lax == []


@pytest.mark.parametrize("use", USES, ids=str)
@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_text_is_never_taken_for_all(buoy_app: App, use: Use, value: str) -> None:
    for place in ("queued", "delayed", "failed"):
        good(buoy_app, "mail", place, f"first-{place}")
    before = snapshot(buoy_app)

    result = run(*use.words(value))

    assert result.exit_code == 2, result.output
    assert snapshot(buoy_app) == before


@pytest.mark.parametrize("use", [use for use in USES if use.kind() != "File"], ids=str)
def test_what_is_no_utf_8_is_refused(buoy_app: App, use: Use) -> None:
    before = snapshot(buoy_app)

    result = run(*use.words("\udcff\x1b[31m"))

    assert result.exit_code in (1, 2), result.output
    assert snapshot(buoy_app) == before


@pytest.mark.parametrize("use", QUEUES, ids=str)
@pytest.mark.parametrize("value", ["mail*", "!mail", "ma il", "{mail}", "mail,good", NASTY])
def test_a_glob_is_no_queue(buoy_app: App, use: Use, value: str) -> None:
    good(buoy_app, "mail", "queued", "first-queued")
    before = snapshot(buoy_app)

    assert run(*use.words(value)).exit_code == 2
    assert snapshot(buoy_app) == before


CREATES = {"queues move target", "enqueue queue", "enqueue id", "enqueue name", "enqueue tags"}
CREATES |= {"failed retry to", "jobs retry to", "deploy label"}
"""A name that is new is what is meant."""
LISTS = {"list", "count", "summary", "wait", "failures"}
"""These show that there is nothing, or wait for nothing, and are content with that."""
NAMED = [
    use
    for use in NAMES
    if use.path[0] not in ENDLESS and use.path[-1] not in LISTS and str(use) not in CREATES
]


def must_be_there(use: Use) -> bool:
    """Whether the parameter names one thing. What nothing fits is a filter, or says how."""
    is_name = use.param.name in {"id", "ids", "queue", "source", "claims", "app"}
    return is_name or (use.param.name == "name" and use.param.required)


@pytest.mark.parametrize("use", NAMED, ids=str)
@pytest.mark.parametrize("value", ["nope", "no\x1bpe\u202e"])
def test_a_name_that_nothing_has_changes_nothing(buoy_app: App, use: Use, value: str) -> None:
    for place in ("queued", "delayed", "failed"):
        good(buoy_app, "mail", place, f"first-{place}")
        good(buoy_app, "good", place, f"good-{place}")
    buoy_app.command("SADD", "buoy:queues", "mail", "good")
    before = snapshot(buoy_app)

    result = run(*use.words(value))

    if use.kind() == "QueueName" and "\x1b" in value:
        codes = {2}  # no queue can have that name
    else:
        codes = {1} if must_be_there(use) else {0, 1}
    assert result.exit_code in codes, result.output
    assert result.output
    assert snapshot(buoy_app) == before


@pytest.mark.parametrize("use", TIMES, ids=str)
@pytest.mark.parametrize(
    "value",
    [
        *("999999999999d", "-999999999999d", "nand", "infs", "1e300h", "10000-01-01"),
        *("0000-01-01", "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:59"),
        *("yesterday", NASTY),
    ],
)
def test_a_time_beyond_the_calendar_is_refused_or_means_never(
    buoy_app: App, use: Use, value: str
) -> None:
    good(buoy_app, "mail", "failed", "first-failed")
    assert run(*use.words(value)).exit_code in (0, 1, 2)


@pytest.mark.parametrize(
    ("path", "as_json"),
    [
        (path, as_json)
        for path, command in READING.items()
        for as_json in (False, True)
        if not as_json or any(each.name == "as_json" for each in command.params)
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else str(each),
)
def test_what_is_listed_can_be_read(
    odd: App, path: tuple[str, ...], as_json: bool, caplog: pytest.LogCaptureFixture
) -> None:
    command, before = TREE[path], snapshot(odd)
    words = [VALUES[str(each.name)] for each in command.params if isinstance(each, click.Argument)]
    words += ["--count", "0"] if any(each.type is COUNT for each in command.params) else []

    result = run(*path, *words, *(["--json"] if as_json else []))

    assert result.exit_code in (0, 1), result.output
    if as_json and (result.exit_code == 0 or result.stdout):  # a job that is unknown has none
        assert isinstance(json.loads(result.stdout, parse_constant=pytest.fail), list)
    assert snapshot(odd) == before
    assert all(record.getMessage().isprintable() for record in caplog.records)


def test_what_cannot_be_read_is_named(odd: App, caplog: pytest.LogCaptureFixture) -> None:
    run("queues")
    run("workers")

    told = [record.getMessage() for record in caplog.records if record.name == "buoy.monitor"]

    for start in ("buoy:queues", "buoy:{broken}:queued", "buoy:{mail}:meta", "buoy:{mail}:tokens"):
        assert any(line.startswith(f"skipped: {start}: ") for line in told), start
    assert any(line.startswith("skipped: worker w-pid-") for line in told)
    assert any(line.startswith("skipped: worker typed: ") for line in told)
    assert all(record.levelno == logging.WARNING for record in caplog.records)


def test_readable_jobs_are_listed_beside_unreadable_ones(odd: App) -> None:
    assert {row["name"] for row in json.loads(run("queues", "--json").stdout)} >= {"mail", "good"}
    rows = json.loads(run("failed", "list", "--count", "0", "--json").stdout)
    assert {"first-failed", "last-failed", "good-failed"} <= {row["id"] for row in rows}
    rows = json.loads(run("jobs", "list", "--count", "0", "--json").stdout)
    states = ("queued", "delayed", "failed")
    assert {f"first-{state}" for state in states} <= {row["id"] for row in rows}
    rows = json.loads(run("retry", "list", "--json").stdout)
    assert {"first-delayed", "last-delayed", "good-delayed"} <= {row["id"] for row in rows}
    assert "fine" in {row["id"] for row in json.loads(run("workers", "--json").stdout)}


ACTING = [
    (["failed", "retry", "--all"], ["failed"], "queued"),
    (["failed", "remove", "--all", "--yes"], ["failed"], None),
    (["failed", "retry", "--all", "--to", "other"], ["failed"], None),
    (["failed", "remove", "--keep", "0", "--yes"], ["failed"], None),
    (["jobs", "run-now", "first-delayed", "last-delayed"], ["delayed"], "queued"),
    (["jobs", "retry", "first-failed", "last-failed"], ["failed"], "queued"),
    (["jobs", "cancel", "first-queued", "last-queued"], ["queued"], None),
    (["delayed", "now", "--all"], ["delayed"], "queued"),
    (["delayed", "move", "--all", "--to", "2285-01-01"], [], None),
    (["delayed", "remove", "--all", "--yes"], ["delayed"], None),
    (["retry", "now", "--all"], ["delayed"], "queued"),
    (["retry", "cancel", "--all", "--yes"], ["delayed"], None),
    (["queues", "clear", "mail", "--yes"], ["queued", "delayed"], None),
    (["queues", "move", "mail", "other"], [], None),
]


@pytest.mark.parametrize(("words", "places", "state"), ACTING, ids=lambda each: str(each)[:40])
def test_commands_act_on_readable_jobs_beside_unreadable_ones(
    odd: App, words: list[str], places: list[str], state: str | None
) -> None:
    result = run(*words)

    assert result.exit_code in (0, 1), result.output
    for place in places:
        for which in ("first", "last"):
            view = odd.monitor.find(f"{which}-{place}", "mail")
            assert (view and view.state) == state, result.output


def test_a_move_leaves_no_leases(odd: App) -> None:
    odd.command("DEL", odd.key("mail", "tokens"))

    run("queues", "move", "mail", "other")

    assert odd.command("HLEN", odd.key("mail", "tokens")) == 0
    assert odd.command("ZCARD", odd.key("mail", "leases")) == 0
    for id in ("first-queued", "last-queued", "first-delayed", "last-delayed"):
        view = odd.monitor.find(id, "other")
        assert view is not None, id


def test_readable_jobs_are_run_beside_unreadable_ones(odd: App) -> None:
    ran: list[str] = []

    class Good(Job):
        name = "shop.Good"

        def perform(self, n: int) -> None:
            ran.append(self.id)

    odd.command("HDEL", odd.key("mail", "meta"), "paused")

    drain(odd, "mail")

    assert {"first-queued", "last-queued"} <= {*ran}
    assert odd.command("LLEN", odd.key("mail", "queued")) == 0
    assert odd.command("ZCARD", odd.key("mail", "leases")) == 0


def test_a_job_is_enqueued_beside_unreadable_ones(odd: App) -> None:
    for id in ("a", "b"):
        said = run("enqueue", "shop.Good", "[1]", "--queue", "mail", "--id", id)
        assert said.exit_code == 0, said.output
    assert {view.id for view in odd.monitor.peek("mail", 0, 10_000)} >= {"a", "b"}


@pytest.mark.parametrize("id", ["first-queued", "first-delayed", "first-failed"])
@pytest.mark.parametrize("words", [["failed", "show"], ["retry", "show"], ["jobs", "show"]])
def test_a_readable_job_is_shown_beside_unreadable_ones(
    odd: App, words: list[str], id: str
) -> None:
    fails = words[0] == "failed" and id != "first-failed"
    assert run(*words, id).exit_code == fails


def test_each_unreadable_job_can_be_shown(odd: App) -> None:
    for view in list(odd.monitor.failed(["mail"]))[::7]:
        assert run("failed", "show", view.id).exit_code in (0, 1, 2)
        assert run("retry", "show", view.id).exit_code in (0, 1, 2)
        assert run("jobs", "show", view.id).exit_code in (0, 1, 2)


def test_an_alarm_is_printable(odd: App) -> None:
    from buoy_mailer.transport import outbox

    outbox.clear()
    for words in ([], ["--since-last"], ["--since-last", "--queue", "mail"]):
        assert run("mail", "failures", "--to", "ops@example.com", *words).exit_code == 1

    for envelope in outbox:
        text = envelope.message.get_content()
        assert all(line.isprintable() for line in text.split("\n"))
    assert len(outbox) == 3


def test_every_command_and_code_is_documented() -> None:
    page = Page("docs/operations.md").text()
    table = page.split("## Exit codes")[1]
    named = {" ".join(path) for path, command in TREE.items() if path and len(path) == 1}
    for name in sorted(named):
        assert f"`{name}" in table, name
