"""Options that are settings, and the options of every command that choose the Redis."""

import os
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import buoy.cli
from buoy import App
from buoy.cli import main
from buoy.cli.options import chosen_app
from buoy.cli.params import Choice, WholeNumber
from buoy.cli.setting import Setting, setting_option
from buoy.cli.worker import worker
from buoy.settings import KINDS


@click.command()
@setting_option("-c", "--concurrency", type=WholeNumber(min=1), required=True)
@setting_option("-q", "--queues", default="all")
@setting_option("--format", "shape", setting="log_format", type=Choice(["text", "json"]))
def probe(concurrency: int, queues: str, shape: str | None) -> None:
    app = chosen_app()
    click.echo(f"{concurrency} {queues} {shape} {app.url} {app.namespace}")


@click.group()
def group() -> None:
    """Holds a command."""


group.add_command(probe)


class Point:
    """An entry point of an installed package."""

    def __init__(self, command: click.Command) -> None:
        self.name, self.value, self.command = str(command.name), "", command

    def load(self) -> click.Command:
        return self.command


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, where two commands of plugins are installed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(buoy.cli, "plugin_entry_points", lambda: [Point(group), Point(probe)])
    for name in ("BUOY_APP", "BUOY_LOG_FORMAT", "BUOY_QUEUES", "BUOY_CONCURRENCY", "BUOY_CONFIG"):
        os.environ.pop(name, None)
    return tmp_path


def run(*words: str, code: int = 0, **environ: str) -> str:
    result: Result = CliRunner().invoke(main, words, env=environ)
    assert result.exit_code == code, result.output
    return result.output


def test_an_argument_comes_before_a_variable_and_that_before_the_file(folder: Path) -> None:
    (folder / "buoy.toml").write_text('concurrency = 1\nqueues = ["mail", "admin"]\n')

    assert run("probe") == "1 mail,admin None None None\n"
    assert run("probe", BUOY_CONCURRENCY="2", BUOY_QUEUES="", BUOY_LOG_FORMAT="json") == (
        "2 mail,admin json None None\n"
    )
    assert run("probe", "-c", "3", "-q", "x", BUOY_CONCURRENCY="2") == "3 x None None None\n"
    assert run("probe", BUOY_CONFIG=os.devnull, BUOY_CONCURRENCY="2") == "2 all None None None\n"


def test_a_mistake_is_told_where_it_was_made(folder: Path) -> None:
    def error(*words: str, **environ: str) -> str:
        return run("probe", *words, code=2, **environ).splitlines()[-1]

    wanted = "expected a whole number, 1 or more, got"
    assert error() == (
        "Error: Missing option '-c' / '--concurrency' (or BUOY_CONCURRENCY, or concurrency in "
        "buoy.toml)."
    )
    assert error("-c", "0") == f"Error: Invalid value for '-c' / '--concurrency': {wanted} '0'"
    for word in ("0", "zero", "1.5", "nan"):
        said = f"Error: Invalid value for BUOY_CONCURRENCY: {wanted} {word!r}"
        assert error(BUOY_CONCURRENCY=word) == said
    assert error("-c", "1", BUOY_LOG_FORMAT="xml") == (
        "Error: Invalid value for BUOY_LOG_FORMAT: expected one of text, json; got 'xml'"
    )
    file = folder / "buoy.toml"
    file.write_text("concurrency = 0\n")
    assert error() == f"Error: Invalid value for concurrency in {file}: {wanted} 0"


def test_a_broken_file_is_told_in_one_line_and_help_needs_no_file(folder: Path) -> None:
    file = folder / "buoy.toml"
    file.write_text("queue = 3\n")

    assert run("probe", code=1).startswith(f"Error: {file}: expected one of the settings ageing, ")
    assert "BUOY_CONCURRENCY" in run("probe", "--help")
    assert run("--version").startswith("buoy, version ")
    assert run("-V") == run("--version")


@pytest.mark.parametrize(
    "words",
    [
        ["--url", "redis://a/1", "--namespace", "shop", "group", "probe"],
        ["group", "--url", "redis://a/1", "probe", "--namespace=shop"],
        [
            "--url",
            "redis://other/1",
            "group",
            "probe",
            "--url",
            "redis://a/1",
            "--namespace",
            "shop",
        ],
        ["--namespace", "shop", "probe", "--url=redis://a/1"],
    ],
)
def test_the_redis_may_be_chosen_before_a_command_and_behind_it(words: list[str]) -> None:
    assert run(*words, "-c", "1") == "1 all None redis://a/1 shop\n"
    assert (os.environ["BUOY_URL"], os.environ["BUOY_NAMESPACE"]) == ("redis://a/1", "shop")


def test_the_commands_of_the_core_take_the_redis_too(buoy_app: App) -> None:
    run("queues", "--url", buoy_app.settings.url, "list", "--json")
    run("queues", "list", "--json", "--namespace", "elsewhere")
    assert "expected a text, got an empty one" in run("doctor", "--url", "", code=2)
    assert os.environ["BUOY_NAMESPACE"] == "elsewhere"


def settings_of(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    yield from ((path, each.setting) for each in command.params if isinstance(each, Setting))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from settings_of(below, f"{path} {name}")


def test_each_setting_of_a_command_is_a_key_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    known = {*KINDS, *(point.name for point in entry_points(group="buoy.settings"))}
    found = set(settings_of(main, "buoy"))

    assert {pair for pair in found if pair[1] not in known} == set()
    assert ("buoy worker", "concurrency") in found


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ("shopjobs.py", 1, "got 'shopjobs.py'; say -a shopjobs\n"),
        ("shopjobs:app", 1, "got 'shopjobs:app'; say -a shopjobs\n"),
        ("shop/jobs.py", 1, "got 'shop/jobs.py'; say -a shop.jobs\n"),
        ("./shop/jobs.py,mail", 2, "got './shop/jobs.py,mail'; say -a shop.jobs,mail\n"),
        ("no.such", 1, "got 'no.such' (No module named 'no')\n"),
        ("9.py", 1, "got '9.py' (No module named '9')\n"),
        (",", 2, "expected a module like shop.jobs, got ','\n"),
    ],
)
def test_a_file_or_an_object_instead_of_a_module_gets_a_hint(
    folder: Path, given: str, code: int, said: str
) -> None:
    (folder / "shopjobs.py").touch()

    output = run("classes", "Purchase", "-a", given, code=code)

    assert output.endswith(said), output


def test_modules_and_queues_may_come_in_several_options() -> None:
    words = ["-a", "shop", "-a", "mail,admin", "-q", "mail:2", "-q", "admin:1"]
    params = worker.make_context("worker", words).params

    assert params["app"] == ["shop", "mail", "admin"]
    assert params["queues"] == "mail:2,admin:1"

    os.environ |= {"BUOY_APP": "shop,mail", "BUOY_QUEUES": "mail"}
    params = worker.make_context("worker", []).params
    assert (params["app"], params["queues"]) == (["shop", "mail"], "mail")


def test_a_misspelt_command_gets_a_hint() -> None:
    assert run("worke", code=2).endswith("No such command 'worke'. Did you mean 'worker'?\n")
    assert run("nothing", code=2).endswith("No such command 'nothing'.\n")
    assert run("failed", "sumary", code=2).endswith("Did you mean 'summary'?\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-a", "shop", "worker"], "-a: expected it behind the command: main worker -a\n"),
        (
            ["--queue=mail", "failed"],
            "--queue: expected it behind the command: main failed --queue\n",
        ),
    ],
)
def test_an_option_in_front_of_its_command_gets_a_hint(words: list[str], said: str) -> None:
    assert run(*words, code=2).endswith(f"Error: {said}")


@pytest.mark.parametrize(
    ("words", "option"), [(["-x", "worker"], "-x"), (["--queue", "mail"], "--queue")]
)
def test_an_option_that_no_named_command_has_is_refused_as_usual(
    words: list[str], option: str
) -> None:
    said = run(*words, code=2)

    assert "expected it behind" not in said
    assert re.search(rf"Error: No such option:? '?{option}'?", said)  # the words of click differ
