"""What commands show in a terminal: listings that are watched, colours, progress, completion."""

import os
import re
import signal
import subprocess

import pytest
from click.testing import CliRunner

from buoy import App, Job
from buoy.cli import main
from buoy.cli.output import print_line
from buoy.cli.progress import in_pages
from buoy.cli.watch import FIRST_SCREEN, OTHER_SCREEN, printed
from buoy.embedded.server import Server
from buoy.testing import drain
from tests.docs.blocks import search_path
from tests.support.old_click import IS_OLD
from tests.support.processes import wait_until
from tests.support.pty_process import in_terminal


class Declined(Job):
    queue = "declined"

    def perform(self) -> None:
        raise ValueError("no money")


class Charge(Job):
    queue = "payments"

    def perform(self, number: int) -> None:
        pass


def test_a_list_that_is_watched_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buoy.cli.progress.PATIENCE", 0.0)

    def listing() -> None:
        for page in in_pages("read", ["a", "b"]):
            print_line(" ".join(page))

    assert printed(listing) == "a b\n"


def test_watch_shows_what_changes_until_ctrl_c(buoy_app: App, buoy_server: Server) -> None:
    Charge.enqueue(1)
    with in_terminal("queues", "--watch", "0.1", url=buoy_server.url) as screen:
        screen.wait_for("every 0.1 s: buoy queues list, Ctrl-C ends")
        wait_until(lambda: screen.text.count("payments  1 ") > 2, what=lambda: screen.text[-500:])
        assert "\x1b[7m" not in screen.output

        Charge.enqueue(2)

        screen.wait_for("payments  2 ")
        assert "\x1b[7m2\x1b[0m" in screen.read()  # what has changed is reversed
        screen.press("\x03")
        assert screen.end() == 0
    assert screen.output.startswith(OTHER_SCREEN)
    assert screen.output.endswith(FIRST_SCREEN)
    assert "Traceback" not in screen.output
    assert "Aborted" not in screen.output


def test_watch_puts_the_terminal_right_when_it_is_told_to_end(
    buoy_app: App, buoy_server: Server
) -> None:
    with in_terminal("workers", "--watch", url=buoy_server.url) as screen:
        screen.wait_for("every 2 s: buoy workers list, Ctrl-C ends")
        screen.wait_for("no workers")
        os.kill(screen.pid, signal.SIGTERM)
        assert screen.end() == 0
    assert screen.output.endswith(FIRST_SCREEN)


@pytest.mark.parametrize("before", [(), ("--namespace", "buoy")], ids=["first", "behind an option"])
def test_a_queue_that_is_called_worker_changes_nothing_in_that(
    buoy_app: App, buoy_server: Server, before: tuple[str, ...]
) -> None:
    Charge.using(queue="worker").enqueue(1)
    words = (*before, "queues", "peek", "worker", "--watch")
    with in_terminal(*words, url=buoy_server.url) as screen:
        screen.wait_for("Ctrl-C ends")
        screen.wait_for("Charge")
        screen.press("\x03")
        assert screen.end() == 0
    assert screen.output.endswith(FIRST_SCREEN)


def test_ctrl_c_at_a_question_about_a_queue_that_is_called_worker_is_no_success(
    buoy_app: App, buoy_server: Server
) -> None:
    Charge.using(queue="worker").enqueue(1)
    with in_terminal("queues", "clear", "worker", url=buoy_server.url) as screen:
        screen.wait_for("[y/N]")
        screen.press("\x03")
        assert screen.end() == 1
    assert "Aborted!" in screen.output


def test_watch_shows_no_more_lines_than_the_terminal_has(
    buoy_app: App, buoy_server: Server
) -> None:
    for number in range(30):
        Charge.using(queue=f"queue-{number:02}").enqueue(number)
    with in_terminal("queues", "list", "--watch", "0.1", url=buoy_server.url, lines=10) as screen:
        screen.wait_for("… 24 more lines")
        screen.press("\x03")
        screen.end()
    first = screen.text.split("every")[1].splitlines()
    assert len(first) == 10
    assert first[-2].startswith("queue-05")


def test_watch_goes_on_while_redis_is_away() -> None:
    with Server() as server, in_terminal("queues", "--watch", "0.1", url=server.url) as screen:
        screen.wait_for("no queues: nothing was enqueued yet")
        server.stop()
        screen.wait_for("Redis cannot be reached")
        screen.press("\x03")
        assert screen.end() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["queues", "--watch"], "--watch: expected a terminal, but the output is none"),
        (["failed", "--watch", "--json"], "expected --watch or --json, got both"),
        (["queues", "--watch", "1", "list"], "Got unexpected extra argument (list)"),
        (["queues", "--watch", "soon"], "expected seconds, 0 to 1000000000, got 'soon'"),
    ],
)
def test_watch_says_what_it_cannot_do(buoy_app: App, words: list[str], said: str) -> None:
    result = CliRunner().invoke(main, words)

    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    "listing", ["queues list", "workers list", "failed list", "jobs list", "delayed list"]
)
def test_every_listing_can_be_watched(listing: str) -> None:
    assert "--watch [SECONDS]" in CliRunner().invoke(main, [*listing.split(), "--help"]).output


def test_no_color_is_heeded(buoy_app: App, buoy_server: Server) -> None:
    Charge.enqueue(1)
    drain(buoy_app)
    for env, colored in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        with in_terminal("queues", url=buoy_server.url, env={"NO_COLOR": "", **env}) as screen:
            assert screen.end() == 0
        assert ("\x1b[" in screen.output) == colored
        assert "payments  0       0 s " in screen.text


def test_a_pipe_has_no_colors_unless_they_are_forced(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    Charge.enqueue(1)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" not in CliRunner().invoke(main, ["queues"]).output

    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1mname\x1b[0m" in CliRunner().invoke(main, ["queues"]).output
    refused = CliRunner().invoke(main, ["queues", "peek", "nope"]).output
    assert IS_OLD or "Error: \x1b[31mnope: expected" in refused


def test_help_shows_whole_sentences() -> None:
    for command in ([], ["queues"], ["workers"], ["delayed"], ["schedule"]):
        assert "..." not in CliRunner().invoke(main, [*command, "--help"]).output.replace(
            "]...", ""
        )


def test_long_work_shows_how_far_it_is(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    Declined.enqueue_many([() for _ in range(300)])
    drain(buoy_app)
    Charge.enqueue_many([(number,) for number in range(300)])
    monkeypatch.setattr("buoy.cli.progress.is_terminal", lambda _: True)
    monkeypatch.setattr("buoy.cli.progress.PATIENCE", 0)
    monkeypatch.setattr("buoy.cli.progress.PAUSE", 0)

    for words, done in (
        (["queues", "move", "payments", "later"], "moved"),
        (["queues", "clear", "later", "--yes"], "ended"),
        (["failed", "retry", "--all"], "retried"),
    ):
        said = CliRunner().invoke(main, words).stderr
        assert re.fullmatch(rf"(\r\x1b\[K\d+ of 300 {done} …)+\r\x1b\[K", said)
        assert f"300 of 300 {done} …" in said


def test_short_work_shows_only_what_it_did(buoy_app: App, buoy_server: Server) -> None:
    Charge.enqueue(1)
    with in_terminal("queues", "clear", "payments", "--yes", url=buoy_server.url) as screen:
        assert screen.end() == 0
    assert screen.output == "1 job was ended\r\n"


@pytest.mark.parametrize(
    ("shell", "script"),
    [
        ("bash", "complete -o nosort -F _buoy_completion buoy"),
        ("zsh", "compdef _buoy_completion buoy"),
        ("fish", "complete --no-files --command buoy"),
    ],
)
def test_completion_scripts(shell: str, script: str) -> None:
    assert script in CliRunner().invoke(main, ["completion", shell]).output


def test_bash_completes_commands_and_options() -> None:
    script = """
        eval "$(buoy completion bash)"
        for words in "buoy que" "buoy queues pa" "buoy failed list --w"; do
            COMPREPLY=(); COMP_WORDS=($words); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _buoy_completion buoy; echo "${COMPREPLY[@]}"
        done
    """
    said = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": search_path()},
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.split() == ["queues", "pause", "--watch"], said.stderr
