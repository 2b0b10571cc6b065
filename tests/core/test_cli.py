"""The command line, as a user types it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import buoy.cli
from buoy import App, Handle, Job, Plugin, hookimpl
from buoy.cli import main
from buoy.testing import Clock, FakeWorker, drain
from tests.support.old_click import IS_OLD

Run = Callable[..., Result]


@pytest.fixture
def run(buoy_app: App) -> Run:
    def run(*words: str, code: int = 0, answer: str | None = None) -> Result:
        result = CliRunner().invoke(main, words, input=answer)
        assert result.exit_code == code, result.output
        return result

    return run


@dataclass(frozen=True)
class Noted(Plugin):
    tag: str

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Iterator[None]:
        job.plugin_data["noted"] = {"tag": self.tag}
        return (yield)


@dataclass(frozen=True)
class Silent(Plugin):
    pass


class Purchase(Job):
    queue = "purchasing"
    plugins = [Noted("all")]

    def perform(self, purchase_id: int, reason: str = "") -> None:
        if reason:
            raise ValueError(reason)


class Refund(Purchase):
    tags = ("money",)
    plugins = [Silent()]
    timeout = 60


def failing(*reasons: str) -> list[Handle[None]]:
    handles = [Purchase.enqueue(n, reason) for n, reason in enumerate(reasons)]
    drain(Purchase.app)
    return handles


def ids_of(result: Result) -> list[str]:
    return [row["id"] for row in json.loads(result.output)]


# Queues


def test_queues_shows_totals_as_a_table(run: Run) -> None:
    Purchase.enqueue(1)
    Purchase.using(delay=60).enqueue(2)

    head, row = run("queues").output.splitlines()
    assert head.split() == [
        *("name", "queued", "latency", "delayed", "running", "failed", "done", "rejected"),
        "paused",
    ]
    assert re.fullmatch(r"purchasing +1 +(\d+ ms|[\d.]+ s) +1 +0 +0 +0 +0 +no", row.strip()), row


def test_queues_list_as_json_is_one_array_of_objects(run: Run) -> None:
    assert json.loads(run("queues", "list", "--json").output) == []

    Purchase.enqueue(1)
    Purchase.using(at=2e9).enqueue(2)

    [row] = json.loads(run("queues", "list", "--json").output)
    assert 0.0 <= row.pop("latency") < 60.0
    assert row == {
        "name": "purchasing",
        "queued": 1,
        "delayed": 1,
        "running": 0,
        "failed": 0,
        "done": 0,
        "rejected": 0,
        "paused": False,
        "seen_at": None,
        "next_due_at": "2033-05-18T03:33:20.000+00:00",
        "blocked": 0,
    }


@pytest.mark.parametrize("command", ["queues", "workers", "failed"])
def test_without_a_command_of_its_own_json_is_one_array_too(run: Run, command: str) -> None:
    assert run(command, "--json").output == "[]\n"


def test_what_lists_alone_lists_the_same_as_json(run: Run) -> None:
    failing("no money")

    for command in ("queues", "failed"):
        assert run(command, "--json").output == run(command, "list", "--json").output != "[]\n"


def test_queues_without_any_says_so(run: Run) -> None:
    assert run("queues").output == "no queues: nothing was enqueued yet\n"


def test_peek_shows_the_next_jobs_and_changes_nothing(run: Run, buoy_app: App) -> None:
    handles = Purchase.enqueue_many([(n,) for n in range(4)])

    shown = run("queues", "peek", "purchasing", "--start", "1", "--count", "2", "--json")

    assert ids_of(shown) == [handle.id for handle in handles[1:3]]
    assert run("queues", "peek", "purchasing", "--delayed").output == (
        "purchasing has no delayed jobs\n"
    )
    assert buoy_app.monitor.queues()[0].queued == 4


def test_tables_have_a_column_of_priorities_if_any_job_has_one(run: Run) -> None:
    Purchase.enqueue(1)
    for command in (["queues", "peek", "purchasing"], ["jobs", "list"]):
        assert "priority" not in run(*command).output

    first = Purchase.using(priority="high").enqueue(2)

    for command in (["queues", "peek", "purchasing"], ["jobs", "list"]):
        head, *rows = run(*command).output.splitlines()[-3:]
        assert "priority" in head
        assert sorted("high" in row for row in rows) == [False, True]
        assert sorted("normal" in row for row in rows) == [False, True]
    assert ids_of(run("queues", "peek", "purchasing", "--json"))[0] == first.id
    assert re.search(r"^priority +high$", run("jobs", "show", first.id).output, re.MULTILINE)


def test_peek_shows_delayed_jobs_with_the_time_they_are_due(run: Run) -> None:
    handle = Purchase.using(at=2_000_000_000).enqueue(1)

    [row] = json.loads(run("queues", "peek", "purchasing", "--delayed", "--json").output)

    assert (row["id"], row["due"]) == (handle.id, "2033-05-18T03:33:20.000+00:00")


def test_pause_and_resume_say_what_they_changed(run: Run, buoy_app: App) -> None:
    Purchase.enqueue(1)

    assert run("queues", "pause", "purchasing").output == "purchasing is paused\n"
    assert run("queues", "pause", "purchasing").output == "purchasing was paused already\n"
    assert not drain(buoy_app)
    assert run("queues", "resume", "purchasing").output == "purchasing is resumed\n"
    assert run("queues", "resume", "purchasing").output == "purchasing was not paused\n"
    assert drain(buoy_app) == {"done": 1}


def test_clear_ends_queued_and_delayed_jobs_only(run: Run, buoy_app: App) -> None:
    failing("no")
    Purchase.enqueue_many([(n,) for n in range(150)])
    Purchase.using(delay=60).enqueue_many([(n,) for n in range(150)])

    assert run("queues", "clear", "purchasing", "--yes").output == "300 jobs were ended\n"

    [queue] = buoy_app.monitor.queues()
    assert (queue.queued, queue.delayed, queue.failed) == (0, 0, 1)


def test_clear_ends_jobs_that_become_due_meanwhile(
    run: Run, buoy_app: App, buoy_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Purchase.using(delay=60).enqueue_many([(n,) for n in range(150)])
    remove = buoy_app.control.remove

    def remove_late(*args: Any) -> dict[str, str]:
        ended = remove(*args)
        buoy_clock.advance(61)
        buoy_app.broker.renew_leases({"purchasing": []})  # some worker queues what is due
        return ended

    monkeypatch.setattr(buoy_app.control, "remove", remove_late)

    assert run("queues", "clear", "purchasing", "--yes").output == "150 jobs were ended\n"
    assert buoy_app.monitor.queues()[0].queued == 0


def test_clear_asks_first(run: Run, buoy_app: App) -> None:
    Purchase.enqueue(1)

    refused = run("queues", "clear", "purchasing", answer="n\n", code=1)

    assert refused.output.startswith(
        "End all queued, blocked and delayed jobs of purchasing? [y/N]: n\n"
    )
    assert buoy_app.monitor.queues()[0].queued == 1


@pytest.mark.parametrize("command", ["pause", "resume", "clear", "peek"])
def test_a_queue_that_is_not_there_is_told(run: Run, buoy_app: App, command: str) -> None:
    Purchase.enqueue(1)

    said = run("queues", command, "purchasin", code=1).output

    assert said == (
        "Error: purchasin: expected a queue that anything was ever enqueued to; see buoy queues\n"
    )
    assert buoy_app.command("EXISTS", buoy_app.key("purchasin", "meta")) == 0


@pytest.mark.parametrize("command", ["pause", "resume", "clear", "peek"])
def test_a_glob_is_no_queue(run: Run, command: str) -> None:
    said = run("queues", command, "mail*", code=2).output

    assert (
        "Error: Invalid value for 'QUEUE': queue: expected a name without spaces and without any "
        "of {}*?[]!,: got 'mail*'\n" in said
    )


def test_a_queue_can_be_paused_before_its_first_job(run: Run, buoy_app: App) -> None:
    assert run("queues", "pause", "purchasing", "--force").output == "purchasing is paused\n"
    Purchase.enqueue(1)
    assert not drain(buoy_app)
    assert run("queues", "resume", "purchasing").output == "purchasing is resumed\n"


def test_clear_passes_over_what_it_cannot_end(run: Run, buoy_app: App) -> None:
    Purchase.enqueue_many([(n,) for n in range(150)])
    for n in range(150):
        buoy_app.command("LPUSH", buoy_app.key("purchasing", "queued"), f"ghost-{n}")

    assert run("queues", "clear", "purchasing", "--yes").output == "150 jobs were ended\n"


@pytest.mark.skipif(IS_OLD, reason="its runner answers for nobody")
def test_without_anybody_to_ask_yes_must_be_said(run: Run, buoy_app: App) -> None:
    failing("no money")
    Purchase.enqueue(1)

    for words in (["queues", "clear", "purchasing"], ["failed", "remove", "--all"]):
        refused = run(*words, code=2)
        assert "Error: expected --yes where nobody can be asked\n" in refused.output
    [queue] = buoy_app.monitor.queues()
    assert queue.queued + queue.failed == 2


def test_without_an_input_yes_must_be_said(buoy_app: App) -> None:
    failing("no money")

    ended = subprocess.run(
        [sys.executable, "-m", "buoy", "failed", "remove", "--all"],
        env={**os.environ, "BUOY_URL": buoy_app.settings.url},
        preexec_fn=partial(os.close, 0),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2, ended.stderr
    assert "Error: expected --yes where nobody can be asked\n" in ended.stderr


# Failures


def test_failed_lists_the_newest_and_says_that_there_are_more(run: Run) -> None:
    handles = failing(*map(str, range(1, 53)))

    said = run("failed")
    assert said.stderr == "50 of 52: --count 0 shows all\n"
    listed = [line.split()[0] for line in said.stdout.splitlines()[1:]]
    assert listed == [handle.id for handle in reversed(handles)][:50]

    assert run("failed", "list", "--count", "52").stderr == ""
    assert len(ids_of(run("failed", "list", "--json", "--count", "0"))) == 52


@pytest.mark.parametrize("filters", [["--error", ""], ["--class", ""], ["--queue", ""], [""]])
def test_an_empty_filter_is_not_all(run: Run, filters: list[str]) -> None:
    [handle] = failing("no money")

    refused = run("failed", "remove", *filters, code=2)

    assert "expected a text, got an empty one; is a variable not set?" in refused.output
    assert ids_of(run("failed", "list", "--json")) == [handle.id]


def test_remove_all_asks(run: Run) -> None:
    handles = failing("no money", "no card")

    kept = run("failed", "remove", "--all", answer="n\n", code=1)
    assert kept.output.startswith("Remove all failed jobs (2)? [y/N]: n\n")
    assert len(ids_of(run("failed", "list", "--json"))) == len(handles)

    assert "2 jobs were removed\n" in run("failed", "remove", "--all", answer="y\n").output


def test_ids_that_are_unknown_are_named_and_the_others_done(run: Run) -> None:
    [handle] = failing("no money")

    said = run("failed", "remove", "nope", handle.id, "no\x1bpe", code=1)

    assert said.stdout == "1 job was removed\n"
    assert said.stderr == (
        "no\\x1bpe: expected a failed job that matches, but there is none\n"
        "nope: expected a failed job that matches, but there is none\n"
    )


def test_what_cannot_be_read_is_named_and_the_others_are_retried(run: Run, buoy_app: App) -> None:
    bad, good = failing("no money", "no card")
    text = f'{{"class":"J","id":"{bad.id}","claims":[["a"]]}}'
    buoy_app.command("HSET", buoy_app.key("purchasing", "jobs"), bad.id, text)

    said = run("failed", "retry", "--all", code=1)

    assert said.stdout == "1 job was queued\n"
    assert said.stderr == (f"{bad.id} stays failed: it cannot be read; see buoy failed show\n")
    assert f"raw          {text}\n" in run("failed", "show", bad.id).output
    assert [view.id for view in buoy_app.monitor.peek("purchasing")] == [good.id]


def test_wide_letters_keep_the_columns_of_a_table(run: Run) -> None:
    failing("日本語", "e\u0301")

    head, *rows = run("failed").output.splitlines()

    columns = {head.index("cause")} | {row.index("exception") for row in rows if row.isascii()}
    assert len(columns) == 1
    wide = next(row for row in rows if "日本語" in row)
    assert wide.index("exception") == head.index("cause") - 6  # in args and message


def test_failed_lists_what_happened(run: Run) -> None:
    assert run("failed").output == "no failed jobs\n"

    [handle] = failing("no money")

    [row] = json.loads(run("failed", "list", "--json").output)
    assert row.pop("failed_at").endswith("+00:00")
    assert row == {
        "id": handle.id,
        "class": Purchase.name,
        "queue": "purchasing",
        "args": [0, "no money"],
        "tags": [],
        "error": "ValueError",
        "message": "no money",
        "cause": "exception",
        "attempt": 1,
        "worker": "drain",
    }
    assert handle.id in run("failed").output


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--error", "NO MONEY"], 1),
        (["--error", "valueerror"], 2),
        (["--class", Purchase.name], 2),
        (["--class", "Refund"], 0),
        (["--queue", "purchasing"], 2),
        (["--queue", "mail"], 0),
        (["--since", "1h"], 2),
        (["--since", "2100-01-01"], 0),
        (["--until", "1h"], 0),
        (["--until", "2100-01-01"], 2),
        (["--count", "1"], 1),
    ],
)
def test_failures_are_filtered(run: Run, filters: list[str], found: int) -> None:
    failing("no money", "no card")

    assert len(ids_of(run("failed", "list", "--json", *filters))) == found


def test_a_time_that_is_none_is_refused(run: Run) -> None:
    result = run("failed", "list", "--since", "yesterday", code=2)

    assert (
        "Invalid value for '--since': expected a time like 2026-01-31T08:00, "
        "or how long ago like 2h, got 'yesterday'" in result.output
    )


@pytest.mark.parametrize(
    "words",
    [
        ["failed", "list", "--count"],
        ["queues", "peek", "mail", "--count"],
        ["queues", "peek", "mail", "--start"],
    ],
)
@pytest.mark.parametrize("count", ["-1", "1" + "0" * 20])
def test_a_count_that_is_none_is_refused(run: Run, words: list[str], count: str) -> None:
    assert (
        f"Invalid value for '{words[-1]}': expected a whole number, 0 to 1000000000, got '{count}'"
        in run(*words, count, code=2).output
    )


def test_failed_show_tells_all_of_one_with_its_traceback(run: Run) -> None:
    [handle] = failing("no money")

    shown = run("failed", "show", handle.id).output

    assert "message      no money\n" in shown
    assert "      raise ValueError(reason)\n  ValueError: no money" in shown


def test_failed_show_tells_what_plugins_keep_with_the_job(run: Run) -> None:
    [handle] = failing("no money")

    shown = run("failed", "show", handle.id).output

    assert 'noted        {\n  "tag": "all"\n}\n\n  Traceback' in shown


def test_failed_show_of_another_job_says_where_it_is(run: Run) -> None:
    handle = Purchase.enqueue(1)

    assert run("failed", "show", "xyz", code=1).output == (
        "Error: xyz: expected a failed job, but it is unknown\n"
    )
    assert run("failed", "show", handle.id, code=1).output == (
        f"Error: {handle.id}: expected a failed job, but it is queued in purchasing; see "
        "buoy jobs show\n"
    )


def test_retry_moves_jobs_back_once(run: Run, buoy_app: App) -> None:
    first, second = failing("no money", "no card")

    assert run("failed", "retry", first.id).output == "1 job was queued\n"
    assert run("failed", "retry", first.id, code=1).output == (
        f"0 jobs were queued\n{first.id}: expected a failed job that matches, but there is none\n"
    )

    assert ids_of(run("failed", "list", "--json")) == [second.id]
    assert drain(buoy_app) == {"failed": 1}
    assert len(ids_of(run("failed", "list", "--json"))) == 2


def test_remove_forgets_the_filtered(run: Run) -> None:
    first, _ = failing("no money", "no card")

    assert run("failed", "remove", "--error", "card", "--yes").output == "1 job was removed\n"
    assert ids_of(run("failed", "list", "--json")) == [first.id]


@pytest.mark.parametrize("command", ["retry", "remove"])
def test_without_ids_and_filters_all_must_be_said(run: Run, command: str) -> None:
    failing("no money", "no card")

    refused = run("failed", command, code=2)

    assert "Error: expected ids, filters or --all, got none of them" in refused.output
    words = ["--yes"] if command == "remove" else []
    assert run("failed", command, "--all", *words).output.startswith("2 jobs were ")


@pytest.mark.parametrize("command", ["retry", "remove"])
def test_a_dry_run_only_says_which(run: Run, command: str) -> None:
    [handle] = failing("no money")

    said = run("failed", command, "--all", "--dry-run").output
    assert said.startswith("1 job matches, none is changed:\n")
    assert handle.id in said

    assert ids_of(run("failed", "list", "--json")) == [handle.id]


# Jobs


def test_classes_prints_what_is_declared_in_the_order_in_which_it_acts(run: Run) -> None:
    shown = run("classes", Refund.name, "-a", Refund.__module__).output

    assert shown == (
        f"{Refund.name}(purchase_id: int, reason: str = '') -> None\n"
        "  queue      purchasing\n"
        "  timeout    60\n"
        "  tags       money\n"
        "  plugins\n"
        "    1. Noted(tag='all')\n"
        "       around_perform; from Purchase\n"
        "    2. Silent()\n"
        "       no hooks; from Refund\n"
    )


@dataclass(frozen=True)
class Everywhere(Plugin):
    number: int = 1

    @hookimpl
    def after_run(self) -> None: ...

    @hookimpl
    def before_exit(self) -> None: ...

    @hookimpl
    def worker_stopping(self) -> None: ...


@pytest.mark.usefixtures("buoy_registry")
def test_classes_shows_app_wide_plugins_in_front(
    run: Run, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched(Purchase):
        plugins = [Everywhere(2)]

    monkeypatch.setenv("BUOY_PLUGINS", f"{__name__}:Silent")
    monkeypatch.setattr(Job, "app", App(buoy_app.settings.url, plugins=[Everywhere()]))
    words = ["-a", Refund.__module__]

    assert run("classes", Purchase.name, *words).output.partition("plugins\n")[2] == (
        "    1. Silent()\n"
        "       no hooks; from plugins (BUOY_PLUGINS)\n"
        "    2. Everywhere(number=1)\n"
        "       after_run, before_exit, worker_stopping; from the app\n"
        "    3. Noted(tag='all')\n"
        "       around_perform; from Purchase\n"
    )
    [watched] = json.loads(run("classes", Watched.name, *words, "--json").output)
    assert [each["plugin"] for each in watched["plugins"]] == [
        *("Silent()", "Everywhere(number=2)", "Noted(tag='all')"),
    ]
    assert watched["plugins"][1]["hooks"] == ["after_run", "before_exit"]


def test_classes_lists_all_that_the_app_has(run: Run) -> None:
    words = ["classes", "-a", Refund.__module__]

    lines = [line.split() for line in run(*words).output.splitlines()]

    assert lines[0] == ["class", "queue", "tags", "plugins"]
    assert [Purchase.name, "purchasing", "-", "Noted"] in lines
    assert [Refund.name, "purchasing", "money", "Noted,", "Silent"] in lines
    rows = {row["class"]: row for row in json.loads(run(*words, "--json").output)}
    [refund] = json.loads(run("classes", Refund.name, *words[1:], "--json").output)
    assert rows[Refund.name] == refund
    assert refund["tags"] == ["money"]
    assert (refund["timeout"], [each["from"] for each in refund["plugins"]]) == (
        60,
        ["Purchase", "Refund"],
    )


def test_classes_of_an_unknown_class_says_what_to_do(run: Run) -> None:
    result = run("classes", "shop.Nothing", "-a", "json", code=1)

    assert result.output.startswith("Error: no job named 'shop.Nothing': expected one of the ")
    assert result.output.endswith("import its module in what -a names\n")


class Chargeback(Job):
    def perform(self) -> None: ...


@pytest.mark.parametrize("name", ["tests.core.test_cli.Chargeback2", "Chargeback"])
def test_a_class_that_is_misspelt_or_named_without_its_module_is_guessed(
    run: Run, name: str
) -> None:
    for command in (["classes"], ["enqueue"], ["jobs", "run"]):
        result = run(*command, name, "-a", "json", code=1)

        assert result.output.endswith(f"has imported; did you mean {Chargeback.name}?\n")


def test_a_module_that_is_not_there_is_named(run: Run) -> None:
    result = run("classes", "x", "-a", "nowhere.jobs", code=1)

    assert result.output == (
        f"Error: -a: expected a module that can be imported from {Path.cwd()}, "
        "got 'nowhere.jobs' (No module named 'nowhere')\n"
    )


MARKS = "" if sys.version_info < (3, 13) else "      ~~~^^^^^^^\n"
"""Python 3.13 marks what of a line has failed, also if it is all of it."""


def test_the_traceback_of_a_module_begins_in_that_module(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner_jobs.py").write_text("int('one')\n")
    (tmp_path / "outer_jobs.py").write_text("import inner_jobs\n")

    said = run("classes", "-a", "outer_jobs", code=1).output

    assert said == (
        "Error: -a: 'outer_jobs' cannot be imported:\n"
        "  Traceback (most recent call last):\n"
        f'    File "{tmp_path}/outer_jobs.py", line 1, in <module>\n'
        "      import inner_jobs\n"
        f'    File "{tmp_path}/inner_jobs.py", line 1, in <module>\n'
        "      int('one')\n"
        f"{MARKS}"
        "  ValueError: invalid literal for int() with base 10: 'one'\n"
    )


def test_a_declaration_that_cannot_be_meant_is_told_with_its_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mistaken_jobs.py"
    path.write_text("from buoy import Job\n\nclass Odd(Job):\n    plugins = ['x']\n")

    assert run("classes", "x", "-a", "mistaken_jobs", code=1).output == (
        f"Error: {path}:3: Odd.plugins: expected values like Retry(), got 'x'\n"
    )


def test_enqueue_with_the_app_checks_the_arguments(run: Run) -> None:
    result = run("enqueue", Purchase.name, '["x", 1, 2]', "-a", Purchase.__module__, code=1)

    assert result.output == (
        f"Error: {Purchase.name}: expected arguments for perform"
        "(purchase_id: int, reason: str = '') -> None, but too many positional arguments\n"
    )


def test_enqueue_answers_with_the_handle(run: Run, buoy_app: App) -> None:
    words = ["enqueue", Purchase.name, '{"purchase_id": 42}', "-a", Purchase.__module__]

    [row] = json.loads(run(*words, "--id", "p42", "--delay", "60", "--json").output)

    assert (row["id"], row["queue"], row["state"]) == ("p42", "purchasing", "delayed")
    view = buoy_app.find("p42")
    assert view is not None
    assert view.args == [42]


def test_enqueue_by_name_needs_a_queue(run: Run, buoy_app: App) -> None:
    refused = run("enqueue", "other.Job", "[1]", code=2)
    assert refused.output.endswith("Error: expected -a MODULE, or --queue for a push by name\n")

    run("enqueue", "other.Job", "[1]", "--queue", "other")

    [view] = buoy_app.monitor.peek("other")
    assert (view.name, view.args) == ("other.Job", [1])


def test_enqueue_wants_json(run: Run) -> None:
    refused = run("enqueue", "x", "42", "--queue", "other", code=2)
    assert "expected a JSON array or object, got '42'" in refused.output

    refused = run("enqueue", "x", "[", "--queue", "other", code=2)
    assert "expected JSON like '[42]', got '['" in refused.output


@pytest.mark.parametrize("given", ['{"a": 1, "a": 2}', '[{"b": {"a": 1, "a": 1}}]'])
def test_enqueue_refuses_json_that_has_a_name_twice(run: Run, buoy_app: App, given: str) -> None:
    refused = run("enqueue", "x", given, "--queue", "other", code=2)

    assert f"got {given!r} (expected each name once, got 'a' twice)" in refused.output
    assert buoy_app.monitor.queue_names() == []


def test_workers_without_any_says_so(run: Run) -> None:
    assert run("workers").output == "no workers\n"
    assert json.loads(run("workers", "--json").output) == []


def test_workers_are_listed_with_the_jobs_that_they_run(buoy_app: App, run: Run) -> None:
    worker = FakeWorker(buoy_app, "purchasing", "worker-1")
    buoy_app.command("HSET", "buoy:worker:worker-1", "slots", 2)
    buoy_app.command("ZADD", "buoy:workers", 1000, "worker-1")
    handles = Purchase.enqueue_many([(1,), (2,)])
    ids = [handle.id for handle in handles if worker.take()]

    assert f"  {', '.join(ids)}  " in run("workers").output
    assert json.loads(run("workers", "--json").output)[0]["running"] == ids


def test_what_a_terminal_does_not_have_is_spelled(buoy_app: App) -> None:
    Purchase.enqueue_many([(1,)])
    [handle] = failing("日本語")
    program = "import sys; from buoy.cli import main; main()"
    environment = os.environ | {"BUOY_URL": buoy_app.settings.url, "PYTHONIOENCODING": "latin-1"}

    for words in (["failed"], ["failed", "show", handle.id]):
        ended = subprocess.run(
            [sys.executable, "-c", program, *words],
            env=environment,
            capture_output=True,
            check=True,
        )
        assert rb"\u65e5" in ended.stdout


def test_what_is_passed_over_is_told_on_stderr(buoy_app: App) -> None:
    buoy_app.command("SADD", "buoy:queues", "a b\x1b[31m")
    environment = os.environ | {"BUOY_URL": buoy_app.settings.url}

    ended = subprocess.run(
        [sys.executable, "-m", "buoy", "queues", "--json"],
        env=environment,
        capture_output=True,
        check=True,
    )

    assert ended.stdout == b"[]\n"
    assert ended.stderr == (
        rb"skipped: buoy:queues: expected names of queues, got 'a b\x1b[31m'" + b"\n"
    )


def test_an_error_that_nobody_expected_is_told_in_printable_lines(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("odd\x1b[31m\nlines")

    monkeypatch.setattr("buoy.cli.doctor.examine", fail)

    said = run("doctor", code=1).output

    assert said.startswith("Error: RuntimeError: odd\\x1b[31m\n  lines\n  Traceback ")
    assert all(line.isprintable() for line in said.splitlines())


# Plugins' commands


@click.command(short_help="Say hello.")
def hello() -> None:
    click.echo("hello")


def plug(monkeypatch: pytest.MonkeyPatch, *targets: str) -> None:
    points = [EntryPoint("hello", target, "buoy.commands") for target in targets]
    monkeypatch.setattr(buoy.cli, "plugin_entry_points", lambda: points)


def test_the_command_of_an_installed_plugin_is_there(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(monkeypatch, f"{__name__}:hello")

    assert run("hello").output == "hello\n"
    assert "Say hello." in run("--help").output


@pytest.mark.parametrize(
    ("targets", "reason"),
    [
        (["nowhere.at_all:x"], "nowhere.at_all:x: ModuleNotFoundError: No module named 'nowhere'"),
        (["json:loads"], "json:loads: expected a click command, got <function loads"),
        (["a:x", "b:x"], "expected one package that brings it, got a:x and b:x"),
    ],
)
def test_a_broken_plugin_is_named_and_the_others_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, targets: list[str], reason: str
) -> None:
    plug(monkeypatch, *targets)

    assert "(broken: " in run("--help").output
    assert run("queues").output == "no queues: nothing was enqueued yet\n"
    assert f"Error: command 'hello' is broken: {reason}" in run("hello", code=1).output


def test_help_and_declaring_jobs_load_no_redis_client() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from buoy.cli import main;"
        "result = CliRunner().invoke(main, ['--help']); assert 'worker' in result.output;"
        "sys.exit('redis' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
