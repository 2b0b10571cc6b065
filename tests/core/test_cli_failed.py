"""`buoy failed`, as an operator types it in an incident."""

import json
import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from buoy import App, Handle, Job
from buoy.cli import main
from buoy.testing import drain

Run = Callable[..., Result]


@pytest.fixture
def run(buoy_app: App) -> Run:
    def run(*words: str, code: int = 0, answer: str | None = None) -> Result:
        result = CliRunner().invoke(main, ["failed", *words], input=answer)
        assert result.exit_code == code, result.output
        return result

    return run


class Purchase(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int, reason: str = "") -> None:
        if reason == "key":
            raise KeyError(reason)
        if reason:
            raise ValueError(reason)


class Mail(Purchase):
    queue = "mail"


def failing(*reasons: str, job: type[Purchase] = Purchase) -> list[Handle[None]]:
    handles = []
    for number, reason in enumerate(reasons):
        handles.append(job.enqueue(number, reason))
        drain(job.app)
    return handles


def listed(run: Run, *words: str) -> list[str]:
    return [row["id"] for row in json.loads(run("list", "--json", *words).output)]


class TestList:
    def test_it_says_how_many_there_are(self, run: Run) -> None:
        failing(*map(str, range(1, 6)))

        assert run("list", "--count", "2").stderr == "2 of 5: --count 0 shows all\n"
        assert run("list", "--count", "2", "--error", "ValueError").stderr == (
            "2 of 5: --count 0 shows all\n"
        )
        assert run("list", "--count", "5").stderr == ""
        assert run("list", "--count", "1", "--args", "[3").stderr == ""

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            (["--match", r"^ValueError: no \w+y$"], [0]),
            (["--match", "KeyError|card"], [2, 1]),
            (["--args", "[1,"], [1]),
            (["--args", "NO CARD"], [1]),
            (["--tag", "vip"], []),
        ],
    )
    def test_failures_are_filtered(self, run: Run, filters: list[str], found: list[int]) -> None:
        handles = failing("no money", "no card", "key")

        assert listed(run, *filters) == [handles[n].id for n in found]

    def test_tags_are_shown_and_filtered(self, run: Run, buoy_app: App) -> None:
        failing("no card")
        assert "tags" not in run("list").output
        vip = Purchase.using(tags=["vip", "eu"]).enqueue(1, "no money").id
        drain(buoy_app)

        assert listed(run, "--tag", "vip") == [vip]
        assert "  vip, eu  " in run("list", "--tag", "eu").output
        assert buoy_app.failures.count(tag="eu") == 1
        assert "tags         vip, eu\n" in run("show", vip).output

    def test_what_is_no_regular_expression_is_refused(self, run: Run) -> None:
        said = run("list", "--match", "(", code=2).output

        assert (
            "Invalid value for '--match': expected a regular expression, got '(' (missing ), "
            "unterminated subpattern at position 0)" in said
        )


class TestSummary:
    def test_it_counts_by_class_and_error(self, run: Run) -> None:
        assert run("summary").output == "no failed jobs\n"
        failing("no money", "key", "no card")
        failing("no address", job=Mail)

        said = run("summary")

        assert said.stderr == "4 failed jobs\n"
        rows = [re.split(r"\s{2,}", line) for line in said.stdout.splitlines()]
        assert [[*row[:3], row[-1]] for row in rows] == [
            ["class", "error", "count", "message"],
            [Purchase.name, "ValueError", "2", "no card"],
            [Mail.name, "ValueError", "1", "no address"],
            [Purchase.name, "KeyError", "1", "'key'"],
        ]
        [row] = json.loads(run("summary", "--json", "--queue", "mail").output)
        assert (row["class"], row["count"]) == (Mail.name, 1)
        assert row["first_at"] == row["last_at"]
        assert row["last_at"].endswith("+00:00")


class TestShow:
    def test_times_and_sizes_are_readable_and_the_traceback_is_last(self, run: Run) -> None:
        [handle] = failing("no money")

        lines = run("show", handle.id).output.splitlines()

        facts = dict(line.split(maxsplit=1) for line in lines[: lines.index("")])
        assert re.fullmatch(r"(now|\d+ s ago) \(20\d\d-\S+T\S+\+00:00\)", facts["failed_at"])
        assert re.fullmatch(r"\d+ MiB", facts["peak_memory"])
        assert re.fullmatch(r"[\d.]+ (B|KiB)", facts["payload"])
        assert (facts["error"], facts["message"]) == ("ValueError", "no money")
        assert (facts["state"], facts["args"]) == ("failed", '[0, "no money"]')
        assert lines[-1] == "  ValueError: no money"

    def test_json_has_raw_values(self, run: Run) -> None:
        [handle] = failing("no money")

        [row] = json.loads(run("show", handle.id, "--json").output)

        assert row["failure"]["peak_memory"] > 2**20
        assert row["failure"]["traceback"].endswith("ValueError: no money\n")
        assert row["failed_at"].endswith("+00:00")
        assert (row["id"], row["args"], row["tags"]) == (handle.id, [0, "no money"], [])

    @pytest.mark.parametrize(
        "failure",
        [
            '{"error":[1],"message":{"a":2},"seconds":"long","peak_memory":true,"worker":3}',
            '{"traceback":[1],"seconds":1e400,"\\u001b[31m":"\\u001b"}',
            '{"error":"","seconds":-1,"peak_memory":1e308}',
            f'{{"seconds":{10**400},"peak_memory":{10**400}}}',
        ],
    )
    def test_a_record_that_another_program_has_written_is_shown(
        self, run: Run, buoy_app: App, failure: str
    ) -> None:
        [handle] = failing("no money")
        text = f'{{"class":"J","args":[],"id":"{handle.id}","failure":{failure}}}'
        buoy_app.command("HSET", buoy_app.key("purchasing", "jobs"), handle.id, text)

        said = run("show", handle.id).output

        assert all(line.isprintable() for line in said.splitlines())
        assert json.loads(run("show", handle.id, "--json").output)


class TestRetry:
    def test_jobs_move_to_another_queue(self, run: Run, buoy_app: App) -> None:
        handles = failing("no money", "no card")

        assert run("retry", "--all", "--to", "slow").output == "2 jobs were queued in slow\n"

        assert {view.id for view in buoy_app.monitor.peek("slow")} == {h.id for h in handles}

    def test_jobs_that_stay_are_named_with_the_reason(self, run: Run, buoy_app: App) -> None:
        Purchase.using(id="daily").enqueue(1, "no money")
        drain(buoy_app)
        Purchase.using(id="daily", queue="slow").enqueue(1)

        said = run("retry", "daily", "--to", "slow", code=1)

        assert said.stdout == "0 jobs were queued in slow\n"
        assert said.stderr == "daily stays failed: a job of its id is in slow\n"
        drain(buoy_app)
        assert run("retry", "daily", "--to", "slow", code=1).stderr == (
            "daily stays failed: a job of its id was in slow until moments ago; retry it in two "
            "minutes\n"
        )

    def test_an_unknown_id_is_an_error(self, run: Run) -> None:
        assert run("retry", "nope", code=1).output == (
            "0 jobs were queued\nnope: expected a failed job that matches, but there is none\n"
        )

    def test_a_dry_run_of_many_counts_and_lists_ten(self, run: Run) -> None:
        handles = failing(*map(str, range(1, 13)))

        said = run("retry", "--all", "--dry-run").output.splitlines()

        assert said[0] == "12 jobs match, none is changed; the first 10:"
        assert [line.split()[0] for line in said[2:]] == [each.id for each in handles[:10]]


class TestRemove:
    def test_it_asks_unless_ids_are_given(self, run: Run) -> None:
        first, second, third = failing("no money", "no card", "no way")

        kept = run("remove", "--error", "card", answer="n\n", code=1)
        assert kept.output.startswith("Remove failed jobs (1)? [y/N]: n\n")
        assert "1 job was removed\n" in run("remove", "--error", "card", answer="y\n").output
        assert run("remove", third.id).output == "1 job was removed\n"
        assert second.id not in listed(run)
        assert listed(run) == [first.id]

    def test_the_newest_are_kept(self, run: Run) -> None:
        handles = failing("a", "b", "c", "d")
        [mail] = failing("e", job=Mail)

        preview = run("remove", "--keep", "2", "--dry-run").output
        assert [each.id in preview for each in [*handles, mail]] == [True] * 3 + [False] * 2
        asked = run("remove", "--keep", "2", answer="y\n").output

        assert asked == "Remove failed jobs (3)? [y/N]: y\n3 jobs were removed\n"
        assert listed(run) == [mail.id, handles[3].id]
        assert run("remove", "--keep", "0", "--queue", "mail", "--yes").output == (
            "1 job was removed\n"
        )
        assert run("remove", "--keep", "9").output == "0 jobs were removed\n"
