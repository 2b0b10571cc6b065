"""`buoy jobs`, as people type it: lists, and one job wherever it lies."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import buoy.cli.edit_job
import buoy.operations.known_job
from buoy import App, Job
from buoy.cli import main
from buoy.operations import job_search
from buoy.operations.known_job import KnownJob
from buoy.testing import Clock, FakeWorker, drain
from tests.support.cluster import Cluster
from tests.support.world import World

Run = Callable[..., Result]


@pytest.fixture
def run(buoy_app: App) -> Run:
    return runner


def runner(*words: str, code: int = 0, answer: str | None = None) -> Result:
    result = CliRunner().invoke(main, ["jobs", *words], input=answer)
    assert result.exit_code == code, result.output
    return result


class Purchase(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int, reason: str = "", **options: Any) -> object:
        if reason == "exit":
            raise SystemExit(3)
        if reason:
            raise ValueError(reason)
        return {"charged": purchase_id, **options}


class Mail(Purchase):
    queue = "mail"

    async def perform(self, purchase_id: int, reason: str = "", **options: Any) -> object:
        return object() if reason else None


def failed(app: App, reason: str = "no money") -> str:
    id = Purchase.enqueue(1, reason).id
    assert drain(app) == {"failed": 1}
    return id


@pytest.fixture
def everywhere(buoy_app: App) -> dict[str, str]:
    """A job in each state, and one that has ended."""
    ids = {"failed": failed(buoy_app), "ended": Purchase.enqueue(0).id}
    assert drain(buoy_app) == {"done": 1}
    ids["running"] = Purchase.enqueue(2).id
    FakeWorker(buoy_app, "purchasing").take()
    ids["queued"] = Mail.enqueue(3, gift="für Élise").id
    ids["delayed"] = Mail.using(delay=3600, tags=["vip"]).enqueue(4).id
    return ids


def ids_of(result: Result) -> list[str]:
    return [row["id"] for row in json.loads(result.output)]


def fact(result: Result, name: str) -> str:
    [line] = [line for line in result.output.splitlines() if line.startswith(f"{name} ")]
    return line[len(name) :].strip()


class TestList:
    def test_the_counts_come_first_and_then_the_newest(
        self, run: Run, everywhere: dict[str, str]
    ) -> None:
        said = run("list")

        head, titles, *rows = said.output.splitlines()
        assert head == "running 1, queued 1, delayed 1, failed 1"
        columns = ["id", "state", "class", "queue", "args", "attempt", "tags", "enqueued_at", "at"]
        assert titles.split() == columns
        newest = ["delayed", "queued", "running", "failed"]
        assert [row.split()[:2] for row in rows] == [[everywhere[s], s] for s in newest]
        assert run().output == said.output
        assert run("--json").output == run("list", "--json").output

    def test_without_jobs_it_says_so(self, run: Run) -> None:
        assert run("list").output == "no jobs\n"
        assert run("list", "--queue", "mial").output == (
            "no jobs: nothing was ever enqueued to mial\n"
        )
        assert json.loads(run("--json").output) == []

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            (["--state", "queued,failed"], ["queued", "failed"]),
            (["--state", "running"], ["running"]),
            (["--class", Mail.name], ["delayed", "queued"]),
            (["--queue", "purchasing"], ["running", "failed"]),
            (["--args", "ÉLISE"], ["queued"]),
            (["--args", '[1, "no'], ["failed"]),
            (["--args", "[4]", "--state", "queued"], []),
            (["--tag", "vip"], ["delayed"]),
            (["--older", "1h"], []),
            (["--newer", "1h"], ["delayed", "queued", "running", "failed"]),
            (["--newer", "2100-01-01"], []),
        ],
    )
    def test_jobs_are_filtered(
        self, run: Run, everywhere: dict[str, str], filters: list[str], found: list[str]
    ) -> None:
        assert ids_of(run("list", "--json", *filters)) == [everywhere[state] for state in found]
        said = run("list", *filters).output
        assert ("no jobs" in said) == (not found)

    def test_it_says_how_many_match_and_that_there_are_more(self, run: Run, buoy_app: App) -> None:
        Purchase.enqueue_many([(n,) for n in range(1200)])
        Mail.using(delay=60).enqueue_many([(n,) for n in range(5)])

        whole, some = run("list", "--count", "3"), run("list", "--count", "3", "--args", "[11")

        assert whole.stdout.startswith("running 0, queued 1200, delayed 5, failed 0\n")
        assert whole.stderr == "3 of 1205: --count 0 shows all\n"
        assert some.stdout.startswith("running 0, queued 111, delayed 0, failed 0\n")
        assert some.stderr == "3 of 111: --count 0 shows all\n"
        shown = json.loads(run("list", "--json", "--count", "3", "--args", "[11").output)
        assert [row["args"] for row in shown] == [[1199], [1198], [1197]]
        assert len(ids_of(run("list", "--json", "--count", "0"))) == 1205

    def test_no_command_reads_more_than_a_page(
        self, run: Run, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = [each.id for each in Purchase.enqueue_many([(n,) for n in range(37)])]
        assert drain(buoy_app) == {"done": 37}
        rows = [(n, "no money") for n in range(23)]
        ids = [each.id for each in Purchase.enqueue_many(rows)]
        assert drain(buoy_app) == {"failed": 23}
        ids += [each.id for each in Purchase.enqueue_many([(n,) for n in range(37)])]
        monkeypatch.setattr(job_search, "PAGE_SIZE", 10)

        assert sorted(ids_of(run("list", "--json", "--count", "0"))) == sorted(ids)
        assert set(ids_of(run("list", "--json", "--count", "50"))) == set(ids[-50:])

    def test_a_state_that_is_none_is_refused(self, run: Run) -> None:
        assert (
            "Invalid value for '--state': expected some of running, queued, blocked, delayed, "
            "failed, got 'done'" in run("list", "--state", "queued,done", code=2).output
        )

    def test_jobs_that_come_and_go_meanwhile_are_listed_once(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each page finds the queue changed by then."""
        first = [each.id for each in Purchase.enqueue_many([(n,) for n in range(60)])]
        monkeypatch.setattr(job_search, "PAGE_SIZE", 10)
        worker = FakeWorker(buoy_app, "purchasing")
        found = []
        for view in job_search.newest(buoy_app.monitor, "purchasing", "queued"):
            found.append(view.id)
            if len(found) % 10 == 0:
                Purchase.enqueue_many([(n,) for n in range(3)])
                worker.take()

        assert len(found) == len(set(found))
        assert set(first[6:]) <= set(found) <= set(first)


class TestShow:
    @pytest.mark.parametrize("state", ["running", "queued", "delayed", "failed"])
    def test_a_job_is_shown_wherever_it_lies(
        self, run: Run, everywhere: dict[str, str], state: str
    ) -> None:
        said = run("show", everywhere[state])

        assert (fact(said, "state"), fact(said, "id")) == (state, everywhere[state])
        assert re.fullmatch(r"(now|\d+ s ago) \(20\S+\+00:00\)", fact(said, "enqueued_at"))
        [row] = json.loads(run("show", everywhere[state], "--json").output)
        assert (row["state"], row["id"]) == (state, everywhere[state])

    def test_facts_of_each_state(self, run: Run, everywhere: dict[str, str]) -> None:
        assert run("show", everywhere["failed"]).output.endswith("  ValueError: no money\n")
        assert re.match(r"in (59 min|1 h) \(20", fact(run("show", everywhere["delayed"]), "due"))
        running = run("show", everywhere["running"])
        assert fact(running, "worker") == "fake"
        assert re.fullmatch(r"(now|\d+ s ago) \(20\S+\+00:00\)", fact(running, "running_since"))
        queued = run("show", everywhere["queued"])
        assert fact(queued, "kwargs") == '{"gift": "für Élise"}'
        assert "due" not in queued.output

    def test_a_job_that_has_ended_is_known_for_a_while(
        self, run: Run, everywhere: dict[str, str]
    ) -> None:
        said = run("show", everywhere["ended"])

        assert (fact(said, "state"), fact(said, "queue")) == ("ended", "purchasing")
        assert re.fullmatch(r"(now|\d+ s ago) \(20\S+\+00:00\)", fact(said, "ended_at"))
        [row] = json.loads(run("show", everywhere["ended"], "--json").output)
        assert (row["id"], row["state"]) == (everywhere["ended"], "ended")

    def test_an_unknown_id_is_an_error(self, run: Run) -> None:
        assert run("show", "no\x1bpe", code=1).output == (
            "Error: no\\x1bpe: expected the id of a job, but no queue knows it; a job that ended "
            "is known for two minutes\n"
        )

    def test_plugins_tell_what_they_know(
        self, run: Run, everywhere: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        points = [
            EntryPoint("notes", f"{__name__}:note_of", "buoy.job_facts"),
            EntryPoint("broken", "nowhere:x", "buoy.job_facts"),
        ]
        monkeypatch.setattr(buoy.operations.known_job, "installed_facts", lambda: points)

        [row] = json.loads(run("show", "known to notes", "--json").output)
        assert (row["state"], row["plugins"]["notes"]) == ("ended", {"note": "known to notes"})
        assert "ModuleNotFoundError" in row["plugins"]["broken"]["broken"]
        assert '"note": "' in run("show", everywhere["queued"]).output

    @pytest.mark.parametrize(
        "text", [b"", b"{", b"\xff\x1b", b"[" * 10**5, b'{"class":"\\u001b","id":"a","args":[1]}']
    )
    def test_hostile_payloads_are_printable(self, run: Run, buoy_app: App, text: bytes) -> None:
        id = Purchase.enqueue(1).id
        buoy_app.command("HSET", buoy_app.key("purchasing", "jobs"), id, text)

        for words in (["show", id], ["list"], ["show", id, "--json"], ["list", "--args", "x"]):
            said = run(*words).output
            assert all(line.isprintable() for line in said.splitlines())


def note_of(app: App, known: KnownJob) -> dict[str, str]:
    assert isinstance(app, App)
    return {"note": known.id}


class TestActs:
    def test_cancel_ends_what_has_not_ended(
        self, run: Run, buoy_app: App, everywhere: dict[str, str]
    ) -> None:
        ids = everywhere

        assert run("cancel", ids["queued"], ids["delayed"], ids["running"]).output == (
            f"{ids['queued']}: cancelled, it was queued\n"
            f"{ids['delayed']}: cancelled, it was delayed\n"
            f"{ids['running']}: cancelled, it was running; its worker ends the run at its next "
            "heartbeat\n"
        )
        refused = run("cancel", ids["failed"], ids["queued"], "nope", code=1)
        wanted = "expected a queued, blocked, delayed or running job, but"
        assert refused.stderr == (
            f"{ids['failed']}: {wanted} it is failed in purchasing; remove it with buoy failed "
            f"remove\n{ids['queued']}: {wanted} it has ended in mail\n"
            f"nope: {wanted} no queue knows it\n"
        )

    def test_retry_is_for_failed_jobs(
        self, run: Run, buoy_app: App, everywhere: dict[str, str]
    ) -> None:
        id, delayed = everywhere["failed"], everywhere["delayed"]

        assert run("retry", id, "--to", "slow").output == f"{id}: queued in slow\n"
        assert run("retry", delayed, code=1).stderr == (
            f"{delayed}: expected a failed job, but it is delayed in mail; make it due with buoy "
            "jobs run-now\n"
        )
        assert drain(buoy_app)["failed"] == 1
        assert run("retry", id).output == f"{id}: queued\n"

    def test_run_now_is_for_delayed_and_failed_jobs(
        self, run: Run, buoy_app: App, everywhere: dict[str, str]
    ) -> None:
        failed, delayed, running = (everywhere[s] for s in ("failed", "delayed", "running"))

        assert run("run-now", failed, delayed).output == f"{failed}: queued\n{delayed}: queued\n"
        assert run("run-now", running, code=1).stderr == (
            f"{running}: expected a delayed or failed job, but it is running in purchasing\n"
        )

    def test_all_of_it_works_on_a_cluster(
        self, cluster_world: World, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = App(cluster.url)
        monkeypatch.setattr(Job, "app", app)
        id = failed(app)
        other = Mail.using(delay=60).enqueue(1).id

        assert runner("list").stdout.startswith("running 0, queued 0, delayed 1, failed 1\n")
        assert fact(runner("show", id), "state") == "failed"
        assert runner("edit", id, "--args", "[5]").output.startswith(f"{id}: edited, failed in ")
        assert runner("retry", id, "--to", "slow").output == f"{id}: queued in slow\n"
        assert runner("run-now", other).output == f"{other}: queued\n"
        assert drain(app) == {"done": 2}
        assert fact(runner("show", id), "state") == "ended"
        assert runner("cancel", id, code=1).stderr.endswith("but it has ended in slow\n")


class TestEdit:
    def test_arguments_are_changed_and_shown(self, run: Run, buoy_app: App) -> None:
        id = Purchase.enqueue(1).id

        said = run("edit", id, "--args", '[2, "é"]', "--kwargs", '{"gift": true}').output

        assert said == (
            f"{id}: edited, queued in purchasing\n"
            '  before: [1]\n  now:    [2, "é"] {"gift": true}\n'
        )

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--args", "{}"], "'--args': expected a JSON array like '[42]', got '{}'"),
            (["--args", "["], "'--args': expected a JSON array like '[42]', got '[' ("),
            (["--kwargs", "[]"], "'--kwargs': expected a JSON object like"),
            ([], "expected --args or --kwargs where no editor can be opened"),
        ],
    )
    def test_wrong_usage_is_told(self, run: Run, words: list[str], said: str) -> None:
        id = Purchase.enqueue(1).id

        assert said in run("edit", id, *words, code=2).output

    def test_what_cannot_be_edited_is_told(
        self, run: Run, buoy_app: App, everywhere: dict[str, str]
    ) -> None:
        wanted = "expected a queued, blocked, delayed or failed job, but"
        running, id = everywhere["running"], everywhere["queued"]

        assert run("edit", running, "--args", "[1]", code=1).output == (
            f"Error: {running}: {wanted} it is running in purchasing\n"
        )
        assert run("edit", "nope", "--args", "[1]", code=1).output == (
            f"Error: nope: {wanted} no queue knows it\n"
        )
        refused = run("edit", id, "--args", "[]", "-a", __name__, code=1).output
        assert "expected arguments for perform(" in refused
        assert "missing a required argument: 'purchase_id'" in refused
        buoy_app.command("HSET", buoy_app.key("mail", "jobs"), id, "{\x1b")
        assert run("edit", id, "--args", "[1]", code=1).output == (
            f"Error: {id}: expected a payload that can be read, got {{\\x1b\n"
        )

    def test_a_job_that_changed_meanwhile_is_left_as_it_is(
        self, run: Run, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        id = Purchase.enqueue(1).id
        seen = buoy_app.find(id)
        buoy_app.edit(id, [2])
        monkeypatch.setattr(buoy.cli.edit_job, "editable", lambda id: seen)

        def refused(reason: str) -> bool:
            said = run("edit", id, "--args", "[3]", code=1).output
            return said == f"Error: {id}: {reason} meanwhile; nothing was edited\n"

        assert refused("it changed")
        FakeWorker(buoy_app, "purchasing").take()
        assert refused("it runs")
        buoy_app.cancel(id)
        assert refused("it has ended or moved")


class Editor:
    """Stands for the user at a terminal, with an editor."""

    def __init__(self, *texts: str | None) -> None:
        self.texts, self.shown = list(texts), list[str]()

    def edit(self, text: str, **_: object) -> str | None:
        self.shown.append(text)
        return self.texts.pop(0)


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Editor]:
    def sit(*texts: str | None) -> Editor:
        editor = Editor(*texts)
        monkeypatch.setattr(buoy.cli.edit_job, "is_terminal", lambda stream: True)
        monkeypatch.setattr("buoy.cli.edit_job.click.edit", editor.edit)
        return editor

    return sit


class TestEditor:
    def test_arguments_are_edited_until_they_are_right(
        self, run: Run, buoy_app: App, at_terminal: Callable[..., Editor]
    ) -> None:
        id = Purchase.enqueue(1, gift="é").id
        editor = at_terminal("{", '{"args": []}', '{"args": [7], "kwargs": {}}')

        said = run("edit", id, answer="y\ny\n").output

        assert json.loads(editor.shown[0]) == {"args": [1], "kwargs": {"gift": "é"}}
        assert "é" in editor.shown[0]
        assert editor.shown[1:] == ["{", '{"args": []}']
        assert "Error: Expecting property name" in said
        assert 'Error: expected a JSON object like {"args": [42], "kwargs": {}}\n' in said
        edited = (
            f'{id}: edited, queued in purchasing\n  before: [1] {{"gift": "é"}}\n  now:    [7]\n'
        )
        assert edited in said

    @pytest.mark.parametrize("text", [None, '{\n  "args": [\n    1\n  ],\n  "kwargs": {}\n}\n'])
    def test_nothing_changed_is_nothing_edited(
        self, run: Run, at_terminal: Callable[..., Editor], text: str | None
    ) -> None:
        id = Purchase.enqueue(1).id
        at_terminal(text)

        assert run("edit", id).output == f"{id}: nothing was edited\n"

    def test_one_may_give_up(self, run: Run, at_terminal: Callable[..., Editor]) -> None:
        id = Purchase.enqueue(1).id
        at_terminal("[]")

        assert run("edit", id, answer="n\n", code=1).output.endswith("Aborted!\n")


class TestRun:
    """`buoy jobs run`."""

    def run(self, *words: str, code: int = 0) -> Result:
        return runner("run", *words, "-a", __name__, code=code)

    def test_a_job_runs_here_and_says_what_it_returns(self, buoy_app: App) -> None:
        said = self.run(Purchase.name, '{"purchase_id": 1, "gift": "é"}')

        assert said.output == '{"charged": 1, "gift": "é"}\n'
        assert buoy_app.monitor.queue_names() == []

    def test_a_coroutine_is_awaited_and_nothing_is_said_of_none(self, buoy_app: App) -> None:
        assert self.run(Mail.name, "[1]").output == ""
        assert self.run(Mail.name, '[1, "x"]').output.startswith("<object object at 0x")

    def test_a_failure_shows_its_traceback_from_perform_on(self, buoy_app: App) -> None:
        said = self.run(Purchase.name, '[1, "no\x1bmoney"]'.replace("\x1b", "\\u001b"), code=1)

        lines = said.stderr.splitlines()
        assert lines[0] == "  Traceback (most recent call last):"
        assert re.match(r'    File ".*test_cli_jobs.py", line \d+, in perform', lines[1])
        assert lines[-1] == "  ValueError: no\\x1bmoney"
        assert said.stdout == ""
        assert self.run(Purchase.name, '[1, "exit"]', code=1).stderr.endswith("SystemExit: 3\n")

    def test_wrong_arguments_and_unknown_classes_are_told(self, buoy_app: App) -> None:
        assert "missing a required argument" in self.run(Purchase.name, code=1).output
        assert "no job named 'shop.No'" in self.run("shop.No", code=1).output

    def test_it_needs_no_redis(self, tmp_path: Path) -> None:
        (tmp_path / "shopj.py").write_text(
            "from buoy import Job\n\n\nclass Add(Job):\n"
            "    def perform(self, a: int, b: int) -> int:\n        return a + b\n"
        )
        environ = os.environ | {"BUOY_URL": "redis://127.0.0.1:1"}
        command = [sys.executable, "-m", "buoy", "jobs", "run", "shopj.Add", "[1,2]", "-a", "shopj"]

        ended = subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
        )

        assert (ended.stdout, ended.stderr) == ("3\n", "")


def test_the_relative_time_is_that_of_now(run: Run, buoy_app: App, buoy_clock: Clock) -> None:
    id = Purchase.using(at=2_000_000_000).enqueue(1).id

    assert re.fullmatch(
        r"in \d+ d \(2033-05-18T03:33:20.000\+00:00\)", fact(run("show", id), "due")
    )
