"""What the pages for contributors say is so."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import dev
from buoy.broker.broker import Broker
from tests.conftest import SLOW, TESTS

from .blocks import ROOT, Page

CONTRIBUTING = Page("CONTRIBUTING.md")
TEMPLATES = sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml"))


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_every_command_of_dev_is_in_the_table_of_commands() -> None:
    rows = re.findall(r"^\| `make ([\w-]+)[^|]*` \|", CONTRIBUTING.text(), re.MULTILINE)

    assert set(rows) == set(dev.COMMANDS)


def test_make_knows_every_command_of_dev() -> None:
    phony = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert phony[0].split() == list(dev.COMMANDS)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "RELEASING.md"])
def test_every_make_command_that_a_page_names_exists(page: str) -> None:
    named = set(re.findall(r"`(?:make|python3 dev\.py) ([\w-]+)", Page(page).text()))

    assert named <= set(dev.COMMANDS)


def test_every_method_of_the_broker_that_the_page_names_exists() -> None:
    named = re.findall(r"`broker\.(\w+)\(", CONTRIBUTING.text())

    assert named
    assert [name for name in named if not hasattr(Broker, name)] == []


@pytest.mark.parametrize("pattern", SLOW)
def test_every_pattern_of_slow_tests_matches_a_test(pattern: str) -> None:
    assert list(
        TESTS.glob(pattern.replace("/*", "/**/test_*.py") if "." not in pattern else pattern)
    )


def test_every_package_is_in_the_table_of_releases() -> None:
    rows = re.findall(
        r"^\| \d \| `(buoy[\w-]*)` \| `packages/(\w+)` \|",
        Page("RELEASING.md").text(),
        re.MULTILINE,
    )
    packages = {path.parent.name for path in dev.project_files()}

    assert {folder for _, folder in rows} == packages
    assert {name for name, _ in rows} == {
        "buoy" if each == "core" else f"buoy-{each}" for each in packages
    }


def test_hooks_of_pre_commit_run_the_tools_of_the_environment_without_network() -> None:
    tools = {f".venv/bin/{name}" for name in ("ruff", "mypy", "lint-imports")}
    [repo] = loaded(ROOT / ".pre-commit-config.yaml")["repos"]

    assert repo["repo"] == "local"
    for hook in repo["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].split()[0] in tools


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_of_an_issue_is_one_that_github_reads(template: Path) -> None:
    form = loaded(template)
    if template.name != "config.yml":
        assert form["name"]
        assert form["description"]
        ids = [field["id"] for field in form["body"]]
        assert len(ids) == len(set(ids))
        for field in form["body"]:
            assert field["type"] in {"textarea", "dropdown", "input"}
            assert field["attributes"]["label"]


def test_a_report_of_a_bug_asks_for_what_the_doctor_says() -> None:
    [bug] = [path for path in TEMPLATES if path.name == "bug.yml"]

    assert "`buoy doctor --json`" in bug.read_text()


def test_every_path_that_contributing_names_exists() -> None:
    folders = [ROOT, ROOT / "packages/core/src/buoy"]
    named = re.findall(r"`((?:[\w.-]+/)+(?:[\w-]+\.\w+)?)`", CONTRIBUTING.text())
    patterns = [path for path in named if "NAME" in path]

    assert len(named) > len(patterns) > 0
    for path in set(named) - set(patterns):
        assert any((folder / path).exists() for folder in folders), path
