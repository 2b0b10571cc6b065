"""``buoy schedule`` and ``buoy delayed``, as a user types them."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from buoy import App, Job
from buoy.cli import main
from buoy.testing import drain
from buoy_scheduler import Cron, Delayed, enqueue_at, enqueue_in, set_schedule

from .conftest import Days

Run = Callable[..., Result]


@pytest.fixture
def run(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Run:
    # As in a process of its own, where only -a makes the entries of classes known.
    monkeypatch.setattr("buoy_scheduler.plugin.job_classes", {})

    def run(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code, result.output
        return result

    return run


class Invoice(Job):
    queue = "reports"
    plugins = [Cron("0 8 * * mon-fri", tz="Europe/Berlin")]

    def perform(self, number: int = 0) -> None: ...


FILE = f"""\
night: {{cron: "30 2 * * *", tz: Europe/Berlin, class: {Invoice.name}, args: [7]}}
far: {{every: 90m, class: Far, queue: far, overlap: false}}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "schedule.yml"
    path.write_text(FILE)
    return str(path)


def written(run: Run, *words: str) -> str:
    return run("schedule", *words).stdout


class TestSchedule:
    def test_list_without_entries_says_so(self, run: Run) -> None:
        result = run("schedule")

        assert result.stdout == "no entries: set some, or give -a or --schedule\n"
        assert result.stderr == (
            "no scheduler has ever polled; start one: buoy scheduler -a MODULE\n"
        )
        assert json.loads(written(run, "list", "--json")) == []

    def test_list_shows_the_times_in_plain_english_and_the_next_tick(
        self, run: Run, file: str, buoy_app: App
    ) -> None:
        set_schedule("now and then", Invoice, every="2h", tz="Europe/Berlin")

        head, *lines = written(run, "list", "--schedule", file).splitlines()

        assert head.split() == ["name", "when", "next", "class", "queue", "source", "state"]
        far, night, often = (re.split(r"  +", line) for line in lines)
        assert far[:2] == ["far", "every 1 hour 30 minutes"]
        assert night[:2] == ["night", "at 02:30 (Europe/Berlin)"]
        assert often[-4:] == [Invoice.name, "reports", "run time", "active"]

    def test_list_as_json(self, run: Run, file: str) -> None:
        far, night = json.loads(written(run, "list", "--schedule", file, "--json"))

        assert (night["name"], night["class"], night["args"]) == ("night", Invoice.name, [7])
        assert (night["cron"], night["tz"], night["queue"]) == (
            "30 2 * * *",
            "Europe/Berlin",
            "reports",
        )
        assert (far["source"], far["state"], far["overlap"]) == ("file", "active", False)
        runs = [datetime.fromisoformat(each) for each in night["next_runs"]]
        assert len(runs) == 5
        assert all(each.utcoffset() in (timedelta(hours=1), timedelta(hours=2)) for each in runs)

    def test_list_includes_the_classes_of_the_app(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("buoy_scheduler.plugin.job_classes", {Invoice.name: Invoice})
        found = json.loads(written(run, "list", "-a", __name__, "--json"))

        [invoice] = [row for row in found if row["name"] == Invoice.name]
        assert (invoice["when"], invoice["source"]) == (
            "at 08:00, Monday through Friday (Europe/Berlin)",
            "class",
        )

    def test_next_shows_ticks_in_the_zone_of_the_entry(self, run: Run, file: str) -> None:
        head, *lines = written(
            run, "next", "night", "--schedule", file, "--count", "3"
        ).splitlines()

        assert head == "night: at 02:30 (Europe/Berlin)"
        assert len(lines) == 3
        assert all(
            line.endswith(("02:30:00 CET", "02:30:00 CEST", "03:00:00 CEST")) for line in lines
        )

    def test_an_unknown_entry_is_refused(self, run: Run) -> None:
        assert run("schedule", "next", "nothing", code=1).output == (
            "Error: no entry 'nothing': expected one that was set at run time, or one that -a or "
            "--schedule declares; give these options as the daemon has them\n"
        )

    def test_run_enqueues_the_job_of_an_entry_now(self, run: Run, file: str, buoy_app: App) -> None:
        said = written(run, "run", "night", "--schedule", file)

        [view] = buoy_app.monitor.peek("reports")
        assert said == f"night: job {view.id} is queued in reports\n"
        assert (view.name, view.args) == (Invoice.name, [7])

    def test_run_respects_overlap(self, run: Run, file: str) -> None:
        run("schedule", "run", "far", "--schedule", file)

        assert run("schedule", "run", "far", "--schedule", file, code=1).output == (
            "Error: far: nothing was enqueued: its claim is held\n"
        )

    def test_pause_and_resume_say_what_they_changed(self, run: Run, file: str) -> None:
        assert written(run, "pause", "night", "--schedule", file) == "night is paused\n"
        assert written(run, "pause", "night", "--schedule", file) == "night was paused already\n"
        _, night = json.loads(written(run, "list", "--schedule", file, "--json"))
        assert (night["state"], night["next"]) == ("paused", None)
        assert written(run, "next", "night", "--schedule", file).endswith("  but it is paused\n")
        assert written(run, "resume", "night") == "night is resumed\n"
        assert written(run, "resume", "night") == "night was not paused\n"

    def test_list_warns_when_no_daemon_polls(self, run: Run, days: Days) -> None:
        days.daemon()
        assert run("schedule").stderr == ""

        days.clock.advance(3600)
        assert run("schedule").stderr.startswith("no scheduler has polled since 20")

    def test_list_shows_which_entries_are_left_out(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "bad.yml"
        path.write_text("bad: {every: often}\n")

        assert run("schedule", "list", "--schedule", str(path)).stderr.splitlines()[0] == (
            "left out: schedule entry 'bad': every: expected a duration like 30s, 5m, 1h or 1d, "
            "got 'often'"
        )

    def test_list_leaves_out_entries_that_daemons_leave_out(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "bad.yml"
        path.write_text(
            f"args: {{every: 1h, class: {Invoice.name}, args: [1, 2]}}\n"
            "class: {every: 1h, class: shop.Nobody}\n"
            "far: {every: 1h, class: shop.Nobody, queue: far}\n"
        )

        output = run("schedule", "list", "--json", "-a", __name__, "--schedule", str(path))

        rows = json.loads(output.stdout)
        assert [row["state"] for row in rows] == ["left out", "left out", "active"]
        assert [row["next"] is None for row in rows] == [True, True, False]
        assert output.stderr.splitlines()[:2] == [
            f"left out: schedule entry 'args': {Invoice.name}: expected arguments for "
            "perform(number: int = 0) -> None, but too many positional arguments",
            "left out: schedule entry 'class': class: expected a job class of the app, or a queue "
            "for one that it does not know, got 'shop.Nobody'",
        ]

        apart = json.loads(written(run, "list", "--json", "--schedule", str(path)))
        assert [row["state"] for row in apart] == ["active"] * 3


class TestCheck:
    def test_check_of_a_right_file(self, run: Run, file: str) -> None:
        night, far = written(run, "check", file).splitlines()

        assert night.startswith("ok     night: at 02:30 (Europe/Berlin); next ")
        assert far.startswith("ok     far: every 1 hour 30 minutes; next ")

    def test_check_needs_no_redis(self, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Job, "app", App("redis://127.0.0.1:1"))

        assert CliRunner().invoke(main, ["schedule", "check", file]).exit_code == 0

    def test_check_names_wrong_entries_and_exits_with_1(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "bad.yml"
        path.write_text(
            "good: {every: 1h, env: production, queue: far}\n"
            "date: {cron: 0 0 31 6 *}\n"
            f"args: {{every: 1h, class: {Invoice.name}, args: [1, 2]}}\n"
            "class: {every: 1h, class: shop.Nobody}\n"
            "off: {cron: 0 0 31 5 *, class: x, queue: far, enabled: false, persist: true}\n"
            "name: {every: 1h, queue: my queue}\n"
        )

        output = run("schedule", "check", str(path), "-a", __name__, code=1).stdout.splitlines()

        assert output[0].startswith("ok     good: every hour; next ")
        assert output[0].endswith(
            "; only with --env production; good is no class of the app; it is pushed by name"
        )
        assert output[1:] == [
            "off    off: at 00:00, on day 31 of the month, only in May (UTC); x is no class of the "
            "app; it is pushed by name",
            "note   off: persist: has no effect here",
            "WRONG  schedule entry 'date': cron: expected dates that exist, got '0 0 31 6 *'",
            "WRONG  schedule entry 'name': queue: expected a name without spaces and without any "
            "of {}*?[]!,: got 'my queue'",
            f"WRONG  schedule entry 'args': {Invoice.name}: expected arguments for "
            "perform(number: int = 0) -> None, but too many positional arguments",
            "WRONG  schedule entry 'class': class: expected a job class of the app, or a queue for "
            "one that it does not know, got 'shop.Nobody'",
        ]

    def test_check_without_the_app_says_that_classes_were_not_checked(
        self, run: Run, tmp_path: Path
    ) -> None:
        path = tmp_path / "other.yml"
        path.write_text("class: {every: 1h, class: shop.Nobody}\n")

        output = run("schedule", "check", str(path))

        assert output.stdout.startswith("ok     class: every hour; next ")
        assert output.stderr == (
            "the job classes were not checked: give -a MODULE, as to the daemon\n"
        )

    def test_check_prints_no_control_characters(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "raw.yml"
        path.write_text(
            '"\\e[2J": 1\n"\\e[3J": &m {queue: low}\n'
            "schedule:\n"
            '  "\\e[1m": {every: 1h}\n'
            '  a: {every: "\\e", class: "\\e", queue: "\\e"}\n'
            '  b: {"\\e": 1}\n'
            '  c: {every: 1h, env: "\\e"}\n'
            '  d: {<<: *m, cron: "\\e * * * *"}\n'
            '  e: {every: 1h, args: ["<%= \\e %>"]}\n'
        )

        said = run("schedule", "check", str(path), code=1).stdout

        assert said.count("WRONG") == 6
        assert "note   \\x1b[2J, \\x1b[3J: settings of Sidekiq" in said
        assert all(line.isprintable() for line in said.splitlines())

    def test_check_for_one_environment(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "envs.yml"
        path.write_text("a: {every: 1h, env: [production, staging]}\nb: {every: 1h, env: test}\n")

        found = run("schedule", "check", str(path), "--env", "staging").stdout

        assert found.startswith("ok     a: every hour; next ")
        assert found.endswith("; only with --env production, staging\n")
        assert run("schedule", "check", str(path)).stdout.count("ok ") == 2

    def test_check_shows_entries_of_one_name_in_two_sections_with_their_environments(
        self, run: Run, tmp_path: Path
    ) -> None:
        path = tmp_path / "sections.yml"
        path.write_text("one: {a: {every: 1h, queue: q}}\ntwo: {a: {every: 2h, queue: q}}\n")

        one, two = run("schedule", "check", str(path)).stdout.splitlines()

        assert one.endswith("; only with --env one")
        assert two.endswith("; only with --env two")

    def test_check_of_a_missing_file(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "nowhere.yml"

        assert run("schedule", "check", str(path), code=1).stdout == (
            f"WRONG  schedule {path}: cannot be read: "
            f"[Errno 2] No such file or directory: '{path}'\n"
        )


class TestDelayed:
    def test_delayed_list_without_jobs_says_so(self, run: Run) -> None:
        assert run("delayed").output == "no delayed jobs\n"
        assert json.loads(run("delayed", "list", "--json").output) == []
        assert run("delayed", "count").output == "0\n"

    def test_delayed_list_shows_the_next_due_first(self, run: Run) -> None:
        second = enqueue_at(datetime(2090, 1, 2, tzinfo=UTC), Invoice, 2)
        first = enqueue_at(datetime(2090, 1, 1, tzinfo=UTC), Invoice, 1)

        rows = json.loads(run("delayed", "list", "--json").output)

        assert [row["id"] for row in rows] == [first.id, second.id]
        assert rows[0] == {
            "id": first.id,
            "class": Invoice.name,
            "queue": "reports",
            "args": [1],
            "tags": [],
            "kwargs": {},
            "state": "delayed",
            "attempt": 1,
            "due": "2090-01-01T00:00:00.000+00:00",
        }
        assert run("delayed", "count", "--args", "[1]").output == "1\n"
        shown = run("delayed", "list", "--count", "1").output.splitlines()
        assert len(shown) == 3
        assert shown[2] == "there are more than these 1: --count 0 shows all"
        refused = run("delayed", "list", "--count", "-1", code=2).output
        assert (
            "Invalid value for '--count': expected a whole number, 0 to 1000000000, got '-1'"
            in refused
        )

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            (["--class", Invoice.name], 3),
            (["--class", "shop.Nothing"], 0),
            (["--args", "[1]"], 2),
            (["--queue", Invoice.queue], 3),
            (["--class", Invoice.name, "--args", "[2]"], 1),
            (["--all", "--yes"], 3),
        ],
    )
    def test_delayed_remove_accepts_filters(self, run: Run, filters: list[str], found: int) -> None:
        for n in (1, 2, 1):
            enqueue_in(60, Invoice, n)

        assert f"{found} job" in run("delayed", "remove", *filters).output
        assert Delayed().count() == 3 - found

    def test_delayed_commands_accept_ids(self, run: Run) -> None:
        one, _ = (enqueue_in(60, Invoice, n) for n in range(2))

        assert run("delayed", "remove", one.id).output == "1 job was removed\n"
        assert run("delayed", "remove", one.id, code=1).output == (
            "0 jobs were removed\n"
            f"{one.id}: expected a delayed job that matches, but there is none\n"
        )

    def test_delayed_now_makes_jobs_due(self, run: Run, buoy_app: App) -> None:
        enqueue_in(3600, Invoice, 1)

        assert run("delayed", "now", "--all").output == "1 job was made due\n"
        assert drain(buoy_app) == {"done": 1}

    @pytest.mark.parametrize("to", ["2090-01-31T08:00+01:00", "2090-01-31T07:00:00Z"])
    def test_delayed_move_accepts_a_time(self, run: Run, to: str) -> None:
        handle = enqueue_in(60, Invoice, 1)

        assert run("delayed", "move", handle.id, "--to", to).output == (
            "1 job was moved to 2090-01-31T07:00:00.000+00:00\n"
        )
        [view] = Delayed()
        assert view.at == datetime(2090, 1, 31, 7, tzinfo=UTC).timestamp()

    def test_delayed_move_accepts_a_duration_from_now(self, run: Run) -> None:
        enqueue_in(60, Invoice, 1)

        run("delayed", "move", "--all", "--to", "2h")

        [view] = Delayed()
        wanted = (datetime.now(UTC) + timedelta(hours=2)).timestamp()
        assert view.at == pytest.approx(wanted, abs=30)

    @pytest.mark.parametrize("command", [["now"], ["remove"], ["move", "--to", "1h"]])
    def test_changing_all_delayed_jobs_needs_the_option_all(
        self, run: Run, command: list[str]
    ) -> None:
        enqueue_in(60, Invoice, 1)

        refused = run("delayed", *command, code=2)

        assert "Error: expected ids, filters or --all, got none of them" in refused.output
        assert Delayed().count() == 1

    @pytest.mark.parametrize("command", [["now"], ["remove"], ["move", "--to", "1h"]])
    def test_a_dry_run_changes_no_delayed_jobs(self, run: Run, command: list[str]) -> None:
        handle = enqueue_in(60, Invoice, 1)
        [before] = Delayed()

        assert handle.id in run("delayed", *command, "--all", "--dry-run").output
        assert list(Delayed()) == [before]

    def test_delayed_commands_refuse_wrong_times_and_arguments(self, run: Run) -> None:
        assert (
            "Invalid value for '--to': expected a time like 2026-01-31T08:00, or a duration from "
            "now like 2h, got 'tomorrow'"
        ) in run("delayed", "move", "x", "--to", "tomorrow", code=2).output
        assert (
            "Invalid value for '--args': expected a JSON array like '[42]', got '42'"
            in run("delayed", "list", "--args", "42", code=2).output
        )

    @pytest.mark.parametrize(
        ("command", "least"), [(["delayed", "list"], 0), (["schedule", "next", "x"], 1)]
    )
    @pytest.mark.parametrize("count", ["-1", "1" + "0" * 20])
    def test_a_wrong_count_is_refused(
        self, run: Run, command: list[str], least: int, count: str
    ) -> None:
        assert (
            f"Invalid value for '--count': expected a whole number, {least} to 1000000000, got"
            in run(*command, "--count", count, code=2).output
        )

    def test_an_id_that_is_not_utf_8_is_refused(self, run: Run) -> None:
        refused = run("delayed", "remove", "\udcff", code=2).output
        assert "expected text that UTF-8 can hold, got '\\udcff'" in refused
