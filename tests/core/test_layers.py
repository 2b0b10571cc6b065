"""What keeps the code readable: an order in which its files build on each other."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import buoy

SOURCE = Path(buoy.__file__).parent
PACKAGES = SOURCE.parents[2]
LONGEST = 350

# A file imports only from files above it. A folder is one file here.
# fmt: off
ORDER = (
    "early", "errors", "printable", "shown", "urls", "lines", "logs", "canonical", "identity",
    "keys", "scripts", "config", "backoff",
    "queues", "server", "formats", "embedded", "caretaker", "link", "sentinel",
    "wire", "topology", "cluster", "connect", "awire", "greeting",
    "payload", "failure", "outcome", "transition", "reservation", "packing", "outlook", "bell",
    "facts", "hookspecs", "plugin", "call", "handle", "origin", "registry", "declaration", "job",
    "function", "serving", "run",
    "registration", "broker", "control", "reader", "monitor", "failures", "moving", "repair",
    "entrance", "app",
    "process", "titles", "wear", "signals", "wishes", "loading", "doctor",
    "hand", "executor", "keeper", "trips", "worker", "supervisor", "cli", "contract", "testing",
)
# fmt: on

# Who may import what only when it is needed: declaring jobs must stay cheap, and a command loads
# what it runs.
DEFERRED = {
    "app": {"awire", "broker", "control", "reader", "monitor", "scripts"},
    "logs": {"lines", "logging"},
    "serving": {"connect", "embedded"},
    "plugin": {"asyncio", "concurrent"},
    "process": {"subprocess"},
    "titles": {"setproctitle"},
    "cli": {*ORDER, "redis"},
    "early": {"signal"},
}

HOMES = {
    "redis": {"sentinel", "wire", "topology", "cluster", "awire"},
    "click": {"cli"},
    "pluggy": {"hookspecs", "plugin"},
    "pytest": {"testing"},
}


@dataclass(frozen=True)
class Import:
    """One import: of what, and whether at the top of the file."""

    of: str
    deferred: bool


def unit(path: Path) -> str:
    """The name under which a file stands in the order."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def files() -> list[Path]:
    folders = sorted(SOURCE.glob("*/__init__.py"))
    return folders + [p for p in sorted(SOURCE.rglob("*.py")) if not p.name.startswith("__")]


def imports(path: Path) -> Iterator[Import]:
    """What a file imports, but for type checkers."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]
    tries = [each for each in tree.body if isinstance(each, ast.Try)]
    top = {*tree.body, *(node for each in tries for node in ast.walk(each))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name.split(".")[0], node not in top)
        elif isinstance(node, ast.ImportFrom):
            for name in sources(node, path):
                yield Import(name, node not in top)


def sources(node: ast.ImportFrom, path: Path) -> list[str]:
    words = (node.module or "").split(".")
    if words[0] == "buoy":
        words = words[1:]
    elif node.level == 0:
        return words[:1]
    elif node.level == len(path.relative_to(SOURCE).parts) - 1:
        return [unit(path)]  # within a folder
    return words[:1] if words and words[0] else [alias.name for alias in node.names]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(SOURCE)))
class TestFile:
    def test_it_has_a_place_in_the_order(self, path: Path) -> None:
        assert unit(path) in ORDER

    def test_it_builds_only_on_what_is_above_it(self, path: Path) -> None:
        own = ORDER.index(unit(path))

        below = {each.of for each in imports(path) if each.of in ORDER[own + 1 :]}

        assert below == set()

    def test_it_defers_no_import_but_those_that_must_be(self, path: Path) -> None:
        deferred = {each.of for each in imports(path) if each.deferred}

        assert deferred <= DEFERRED.get(unit(path), set())

    def test_a_library_is_used_in_its_place_only(self, path: Path) -> None:
        used = {each.of for each in imports(path)} & set(HOMES)

        assert {name for name in used if unit(path) not in HOMES[name]} == set()


def test_the_order_names_only_what_there_is() -> None:
    assert set(ORDER) == {unit(path) for path in files()}


def test_no_file_is_longer_than_can_be_read_in_one_go() -> None:
    lengths = {
        str(path.relative_to(PACKAGES)): len(path.read_text().splitlines())
        for pattern in ("*/src/**/*.py", "*/src/**/*.lua")
        for path in PACKAGES.glob(pattern)
    }

    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}
    assert len(lengths) > 50
