"""What the documentation lists is what there is."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

import buoy
from buoy.broker.keys import QUEUE_PARTS, Keys
from buoy.cli import main
from buoy.jobs.hookspecs import JobHooks, WorkerHooks
from buoy.model.failure import Failure
from buoy.settings import Settings

from .blocks import ROOT, Page


def test_every_hook_is_documented_with_its_arguments() -> None:
    page = Page("docs/hooks.md").text()
    for name, hook in vars(JobHooks).items():
        if not name.startswith("_"):
            arguments = [each for each in inspect.signature(hook).parameters if each != "self"]
            assert f"### `{name}({', '.join(arguments)})`" in page
    for name in vars(WorkerHooks):
        if not name.startswith("_"):
            assert f"| `{name}()` |" in page


def test_every_key_is_documented() -> None:
    listed = re.findall(r"^\| `(buoy:[^`]+)` \|", Page("docs/redis.md").text(), re.MULTILINE)
    keys = Keys()
    wanted = [keys.part("mail", part) for part in QUEUE_PARTS]
    groups = [keys.groups("mail"), *keys.group("mail", "ID")]
    others = [*groups, keys.queues(), keys.paused(), keys.workers(), keys.worker("ID")]
    assert listed == [*wanted, *others]


PLUGIN_PAGE = Page("docs/writing-a-plugin.md").text().split("## What is public")[-1]


def rows_of(pattern: str) -> list[tuple[str, set[str]]]:
    rows = re.findall(rf"^\| ({pattern}) \|(?: (.*?) \|)?", PLUGIN_PAGE, re.MULTILINE)
    return [(first, set(re.findall(r"`([\w.]+)`", rest))) for first, rest in rows]


def test_the_names_for_plugins_are_documented_and_each_is_used() -> None:
    documented: dict[str, set[str]] = {}
    for module, names in rows_of(r"`buoy\.[\w.]+`"):
        documented.setdefault(module.strip("`"), set()).update(names)
    imported: dict[str, set[str]] = {}
    for _, tree in plugin_sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("buoy.plugins"):
                names = imported.setdefault(node.module or "", set())
                names |= {each.name for each in node.names}
    assert imported == documented
    for module, names in documented.items():
        assert set(import_module(module).__all__) == names


def plugin_sources() -> Iterator[tuple[Path, ast.Module]]:
    for file in (ROOT / "packages").glob("[!c]*/src/**/*.py"):  # all but the core
        yield file, ast.parse(file.read_text())


FOR_USERS_OF_APPS = {"failures", "aclose", "cancel", "dequeue", "find", "inline", "is_inline"}
FOR_USERS_OF_APPS |= {"push", "release", "reschedule"}
FOR_USERS_OF_APPS |= {f"a{name}" for name in FOR_USERS_OF_APPS}


def documented_attributes(of: str) -> set[str]:
    table = PLUGIN_PAGE.split(f"| attribute of {of} |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_plugins_use_of_an_app_what_is_public() -> None:
    allowed = documented_attributes("an app") | FOR_USERS_OF_APPS
    for file, tree in plugin_sources():
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name("app") | ast.Attribute(attr="app"), attr=attr):
                    assert attr in allowed, f"{file.name}:{node.lineno}: app.{attr}"


def test_plugins_use_no_private_attributes_of_others() -> None:
    for file, tree in plugin_sources():
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name("self" | "cls")):
                    pass
                case ast.Attribute(attr=attr) if attr.startswith("_") and attr[:2] != "__":
                    own = attr == "_replace" or attr in defined(tree)
                    assert own, f"{file.name}:{node.lineno}: {attr}"


def defined(tree: ast.Module) -> set[str]:
    """The functions that a file defines; its classes may call them on each other."""
    return {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def test_plugins_cut_no_tokens_apart() -> None:
    for file, tree in plugin_sources():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr=attr, value=ast.Attribute(attr="token"))):
                    pytest.fail(f"{file.name}:{node.lineno}: token.{attr}()")


def test_plugins_do_not_name_keys_of_the_core() -> None:
    for file, tree in plugin_sources():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr="key"), args=[_, first, *_]):
                    own = {"queues", "workers", "worker", *QUEUE_PARTS}
                case ast.Call(func=ast.Attribute(attr="global_key"), args=[first, *_]):
                    own = {"queues", "workers", "worker"}
                case _:
                    continue
            named = first.value if isinstance(first, ast.Constant) else None
            assert named not in own, f"{file.name}:{node.lineno}: {named}"


def test_every_setting_is_documented_with_its_default() -> None:
    page = Page("packages/core/README.md").text()
    settings = Settings()
    for name in Settings.__dataclass_fields__:
        default = getattr(settings, name)
        shown = int(default) if isinstance(default, bool | float) else default
        cell = "none" if shown == "" else f"`{shown}`"
        assert f"| `BUOY_{name.upper()}` | {cell} |" in page


def test_every_attribute_of_a_job_class_is_documented() -> None:
    page = Page("packages/core/README.md").text()
    for name in ("queue", "plugins", "name", "app", "timeout", "expires", "max_length"):
        assert f"| `{name}` |" in page
        assert name in inspect.get_annotations(buoy.Job)


def test_every_field_of_a_failure_is_documented() -> None:
    [row] = [
        line
        for line in Page("docs/redis.md").text().splitlines()
        if line.startswith("| `failure` |")
    ]
    assert re.findall(r"`(\w+)`", row)[1:] == list(Failure.__dataclass_fields__)


def test_every_signal_and_command_is_documented() -> None:
    operations = Page("docs/operations.md").text()
    told = CliRunner().invoke(main, ["worker", "--help"]).output
    for name in ("TERM", "INT", "QUIT", "USR1", "USR2", "CONT"):
        assert name in operations
        assert name in told


def test_every_package_is_named_in_the_readme() -> None:

    readme = Page("README.md").text()
    for folder in ROOT.glob("packages/*/pyproject.toml"):
        assert f"packages/{folder.parent.name}/README.md" in readme
