"""What the pages for users of other systems say of buoy is so."""

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any, get_args

import click
import pytest

from buoy import App, Job
from buoy.cli import main
from buoy.embedded.server import Server
from buoy.jobs.hookspecs import JobHooks, WorkerHooks
from buoy.settings import Settings

from .blocks import ROOT, Page, shell
from .test_glossary import PACKAGES

ALL = [Page(str(path.relative_to(ROOT))) for path in sorted(ROOT.glob("docs/from-*.md"))]
WITH_AN_APP = [page for page in ALL if page.path != "docs/from-resque.md"]
BLOCKS = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (.+?) \| (.+) \|$", re.MULTILINE)
OTHER_CODE = re.compile(r"^( *)```py\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
"""What runs under the other system: `py`, since blocks named `python` are run by other tests."""
CODE = re.compile(r"`([^`]+)`")
OTHERS = {"timedelta"}
"""What is called there, and is not of buoy."""

PUBLIC: dict[str, Any] = {}
for package in PACKAGES:
    module = import_module(package)
    PUBLIC |= {name: getattr(module, name) for name in module.__all__}

each_page = pytest.mark.parametrize("page", ALL, ids=lambda page: page.path)
each_app = pytest.mark.parametrize("page", WITH_AN_APP, ids=lambda page: page.path)


def code_of(page: Page) -> list[str]:
    """The code in the cells that say how it is in buoy."""
    return [code for _, cell in ROW.findall(page.text()) for code in CODE.findall(cell)]


def nodes(page: Page) -> Iterator[ast.AST]:
    """The parts of this code, where it is Python."""
    for code in code_of(page):
        if code == "buoy.toml":
            continue
        try:
            yield from ast.walk(ast.parse(code.removeprefix("with ").rstrip(":")))
        except SyntaxError:
            continue


@each_page
def test_each_thing_has_one_row(page: Page) -> None:
    things = re.findall(r"^\| [^`|]*(`[^`]+`)", page.text(), re.MULTILINE)

    assert len(things) > 30
    assert sorted({each for each in things if things.count(each) > 1}) == []


# Commands


@each_page
def test_the_commands_of_a_page_exist_with_their_options(page: Page) -> None:
    codes = CODE.findall(BLOCKS.sub("", page.text()))
    found = [shlex.split(code) for code in codes if code.startswith("buoy ")]

    assert len(found) > 5
    for _, *words in found:
        command, rest = command_and_rest(main, words)
        assert {word for word in rest if word[0] == "-"} <= options_of(command), words


@each_page
def test_the_options_that_a_table_names_alone_exist(page: Page) -> None:
    every = set[str]().union(*map(options_of, all_commands(main)))

    assert {code.split()[0] for code in code_of(page) if code[0] == "-"} <= every


def command_and_rest(command: click.Command, words: list[str]) -> tuple[click.Command, list[str]]:
    """Returns the command that these words begin with, and the words behind its name."""
    if not isinstance(command, click.Group) or not words or words[0][0] == "-":
        return command, words
    below = command.get_command(click.Context(command), words[0])
    assert below is not None, f"{command.name} has no command {words[0]}"
    return command_and_rest(below, words[1:])


def all_commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from all_commands(below)


def options_of(command: click.Command) -> set[str]:
    return {name for each in command.params for name in (*each.opts, *each.secondary_opts)}


# Names


@each_page
def test_what_a_table_calls_takes_these_arguments(page: Page) -> None:
    calls = [node for node in nodes(page) if isinstance(node, ast.Call)]

    assert len(calls) > 10
    for call in calls:
        function = called(call.func)
        if function is not None:
            named = {each.arg for each in call.keywords}
            assert named <= parameters(function), ast.unparse(call)


def called(function: ast.expr) -> Any:
    """What of buoy is called here; None if that depends on the reader's jobs."""
    match function:
        case ast.Name("using") | ast.Attribute(attr="using"):
            return getattr(Job, "using")  # noqa: B009 - Job itself cannot be enqueued
        case ast.Attribute(ast.Name("buoy"), name):
            return PUBLIC[name]
        case ast.Attribute(ast.Name("app"), name):
            return getattr(App, name)
        case ast.Attribute(ast.Attribute(ast.Name("app"), of), name):
            return getattr(getattr(App("redis://unused"), of), name)
        case ast.Name(name) if name not in OTHERS:
            assert name in PUBLIC, f"{name} is no name of buoy"
            return PUBLIC[name]
    return None


def parameters(of: Any) -> set[str | None]:
    """The names of the arguments, also of those that it takes as options."""
    found = inspect.signature(of).parameters
    unpacked = [
        get_args(each.annotation) for each in found.values() if each.kind is each.VAR_KEYWORD
    ]
    return {*found}.union(*(options.__annotations__ for each in unpacked for options in each))


@each_page
def test_the_attributes_that_a_table_names_exist(page: Page) -> None:
    for node in nodes(page):
        match node:
            case ast.Attribute(ast.Name("app"), name):
                assert hasattr(App, name), name
            case ast.Attribute(ast.Name("buoy"), name):
                assert name in PUBLIC, name
            case ast.Attribute(ast.Name("self" | "Job"), name):
                assert name in {*dir(Job), *Job.__annotations__}, name


@each_page
def test_the_variables_and_hooks_that_a_table_names_exist(page: Page) -> None:
    settings = {f"BUOY_{name.upper()}" for name in Settings.__dataclass_fields__}
    hooks = {name for name in (*vars(JobHooks), *vars(WorkerHooks)) if name[0] != "_"}
    codes = code_of(page)

    assert {each for code in codes for each in re.findall(r"^BUOY_[A-Z_]+", code)} <= settings
    assert {code for code in codes if re.fullmatch(r"(before|after|around)_\w+", code)} <= hooks


# The apps that move


@each_app
def test_the_app_before_its_move_is_python(page: Page) -> None:
    for _, body in OTHER_CODE.findall(page.text()):
        compile(dedent(body), page.path, "exec")


@each_app
def test_the_moved_app_has_its_schedule(page: Page, tmp_path: Path, buoy_server: Server) -> None:
    page.write_files(tmp_path)

    said = [shell(body, tmp_path, buoy_server.url) for body in page.blocks("sh")]

    assert any("23:55 (Europe/Berlin)" in each for each in said)
