"""A group of commands alone is its list: ``buoy failed --queue mail`` lists failed jobs."""

import json
import re

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from buoy import App, Job
from buoy.cli import main
from buoy.cli.group import ListGroup
from buoy.testing import drain


class Pay(Job):
    queue = "payments"

    def perform(self, purchase: int) -> None:
        raise ValueError("no money")


class Post(Pay):
    queue = "mail"


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output
    return result.output


def lists() -> list[str]:
    context = click.Context(main)
    found = ((name, main.get_command(context, name)) for name in main.list_commands(context))
    return [name for name, command in found if isinstance(command, ListGroup)]


@pytest.fixture
def failures(buoy_app: App) -> None:
    Pay.enqueue(1)
    Post.enqueue(2)
    drain(buoy_app)


def test_most_groups_list() -> None:
    assert {"queues", "workers", "failed", "jobs", "retry", "delayed", "schedule"} <= {*lists()}


@pytest.mark.parametrize("name", lists())
def test_every_list_of_a_group_prints_json_when_no_command_is_named(
    name: str, buoy_app: App
) -> None:
    # Not []: modules of other tests in this process may have declared entries of the schedule.
    assert isinstance(json.loads(CliRunner().invoke(main, [name, "--json"]).stdout), list)


def test_a_group_takes_the_options_of_its_list(failures: None) -> None:
    assert run("failed", "--queue", "mail") == run("failed", "list", "--queue", "mail")
    assert "Post" in run("failed", "--queue", "mail")
    assert "Pay" not in run("failed", "--queue", "mail")


def test_options_of_redis_may_stand_between_a_group_and_its_command(failures: None) -> None:
    assert "ValueError" in run("failed", "--namespace", "buoy", "summary")


def test_options_of_the_list_in_front_of_another_command_change_nothing(
    failures: None, buoy_app: App
) -> None:
    said = run("failed", "--queue", "mail", "remove", "--all", "--yes", code=2)

    assert "Usage: buoy failed list" in said.replace("main", "buoy")
    assert re.search("No such option:? '?--all", said)  # the words of click differ
    assert buoy_app.failures.count() == 2


def test_the_help_of_a_group_is_its_own_and_names_the_list() -> None:
    said = CliRunner().invoke(main, ["failed", "--help"], prog_name="buoy").output

    assert said.startswith("Usage: buoy failed [OPTIONS] COMMAND [ARGS]...\n")
    assert said.endswith("\n\n`buoy failed` alone is `buoy failed list`, and takes its options.\n")
    listing = CliRunner().invoke(main, ["failed", "--queue", "mail", "--help"], prog_name="buoy")
    assert listing.output.startswith("Usage: buoy failed list [OPTIONS]\n")


@pytest.mark.parametrize(
    ("before", "word", "expected"),
    [
        (["failed"], "", {"list", "show", "retry"}),
        (["failed"], "--q", {"--queue"}),
        (["failed"], "--u", {"--url", "--until"}),
        (["failed", "--queue", "mail"], "--cl", {"--class"}),
        (["failed", "retry"], "--al", {"--all"}),
    ],
)
def test_a_shell_completes_the_commands_of_a_group_and_the_options_of_its_list(
    before: list[str], word: str, expected: set[str]
) -> None:
    found = ShellComplete(main, {}, "buoy", "_BUOY_COMPLETE").get_completions(before, word)

    assert expected <= {item.value for item in found}
    assert len(found) == len({item.value for item in found})
