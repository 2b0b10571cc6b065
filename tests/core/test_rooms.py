"""What keeps the code readable: rooms that build on each other, short files, few deferred imports.

The rooms themselves are contracts of import-linter, in pyproject.toml.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import buoy
from tests.support.processes import ROOT

SOURCE = Path(buoy.__file__).parent
PACKAGES = SOURCE.parents[2]
LONGEST = 350

# Who may import what only when it is needed: declaring jobs must stay cheap, and a command loads
# what it runs.
DEFERRED = {
    "operations/job_access.py": {"control", "edit", "failures", "monitor"}
    | {"lost_run", "move", "repair"},
    "broker/redis_access.py": {"broker", "connection"},
    "broker/redis_runner.py": {"connection"},
    "broker/scripts.py": {"hashlib"},
    "connection/server.py": {"embedded"},
    "jobs/arguments.py": {"codecs"},
    "jobs/codecs/pydantic_models.py": {"pydantic"},
    "jobs/current.py": {"concurrent", "threading"},
    "jobs/plugin.py": {"asyncio", "concurrent"},
    "loading/served_app.py": {"embedded"},
    "process/config_file.py": {"tomllib"},
    "process/early.py": {"signal"},
    "process/logs.py": {"log_format", "logging"},
    "process/system.py": {"subprocess", "threading"},
    "process/titles.py": {"setproctitle"},
    "testing/pytest_plugin.py": {"clock", "embedded", "isolation", "jobs"},
    "settings.py": {"difflib", "importlib"},
}


def files() -> list[str]:
    return sorted(str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py"))


def deferred(file: str) -> Iterator[str]:
    """What a file imports within its functions: a room, a module beside it, a library."""
    tree = ast.parse((SOURCE / file).read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    yield from (alias.name.split(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    words = (node.module or node.names[0].name).split(".")
                    yield words[1] if words[0] == "buoy" else words[0]


@pytest.mark.parametrize("file", files())
def test_an_import_is_deferred_only_where_that_is_needed(file: str) -> None:
    if not file.startswith("cli/"):
        assert set(deferred(file)) <= DEFERRED.get(file, set())


def test_rooms_import_only_what_is_below_them() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


def test_no_file_is_longer_than_can_be_read_in_one_go() -> None:
    lengths = {
        str(path.relative_to(PACKAGES)): len(path.read_text().splitlines())
        for pattern in ("*/src/**/*.py", "*/src/**/*.lua")
        for path in PACKAGES.glob(pattern)
    }

    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}
    assert len(lengths) > 50


def test_docstrings_say_what_a_function_returns_in_one_form() -> None:
    others = [
        f"{path.relative_to(PACKAGES)}:{number}"
        for path in PACKAGES.glob("*/src/**/*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.lstrip().startswith('"""Return ')
    ]

    assert others == [], "write: Returns ..."
