"""What the documentation lists is what there is."""

import ast
import inspect
import re

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
    assert listed == [*wanted, keys.queues(), keys.workers(), keys.worker("ID")]


def test_packages_import_from_the_core_what_is_public() -> None:
    table = Page("docs/writing-a-plugin.md").text().split("## What is public")[1]
    rows = re.findall(r"^\| `(buoy\.[\w.]+)` \| (.*?) \|", table, re.MULTILINE)
    public = {module: set(re.findall(r"`(\w+)`", names)) for module, names in rows}
    imported: dict[str, set[str]] = {}
    for file in (ROOT / "packages").glob("[!c]*/src/**/*.py"):  # all but the core
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("buoy."):
                names = imported.setdefault(node.module or "", set())
                names |= {each.name for each in node.names}
    assert imported == public


def test_every_setting_is_documented_with_its_default() -> None:
    page = Page("packages/core/README.md").text()
    settings = Settings()
    for name in Settings.__dataclass_fields__:
        default = getattr(settings, name)
        shown = int(default) if isinstance(default, bool | float) else default
        assert f"| `BUOY_{name.upper()}` | `{shown}` |" in page


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
