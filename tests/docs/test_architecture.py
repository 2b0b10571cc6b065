"""The pages and pictures about the arrangement of the code agree with the code."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp
import pytest

from docs.pictures import draw

from .blocks import ROOT, Page

SOURCE = ROOT / "packages/core/src/buoy"
ARCHITECTURE = Page("docs/architecture.md")
REDRAW = "draw it anew: python docs/pictures/draw.py"


def rooms() -> set[str]:
    """The folders and top-level files of the core, without those that are named in the text."""
    folders = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    return folders | {path.stem for path in SOURCE.glob("[!_]*.py")}


def layers() -> list[str]:
    """The rooms from the top to the bottom, as import-linter has them."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [contract] = [each for each in linter["contracts"] if each["type"] == "layers"]
    return [
        name.strip().removeprefix("buoy.")
        for each in contract["layers"]
        for name in each.split("|")
    ]


def reached(arrows: Mapping[str, set[str]], start: str) -> set[str]:
    """The rooms to which arrows lead from this one."""
    found: set[str] = set()
    pending = [start]
    while pending:
        new = arrows.get(pending.pop(), set()) - found
        found |= new
        pending += new
    return found


def imports() -> Iterator[tuple[str, str]]:
    """Which room imports from which other one."""
    graph = grimp.build_graph("buoy", exclude_type_checking_imports=True, cache_dir=None)
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            if {module, imported} & {"buoy", "buoy.__main__"}:
                continue
            here, there = module.split(".")[1], imported.split(".")[1]
            if here != there:
                yield here, there


def test_every_room_is_in_the_layers_of_import_linter() -> None:
    assert set(layers()) == rooms()


def test_the_table_of_rooms_has_every_room_in_the_order_of_the_layers() -> None:
    table = ARCHITECTURE.text().split("## Rooms")[1].split("### How")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == layers()


def test_the_table_of_rooms_says_who_imports_each() -> None:
    importers: dict[str, set[str]] = {}
    for here, there in imports():
        importers.setdefault(there, set()).add(here)
    table = ARCHITECTURE.text().split("## Rooms")[1].split("### How")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", table, re.MULTILINE)
    told = {room: set(re.findall(r"`(\w+)`", cell)) for room, cell in rows if "`" in cell}

    assert told == {room: importers[room] for room in told if room in importers}


def test_the_picture_of_rooms_shows_every_room() -> None:
    assert set(draw.read("rooms").boxes) == rooms()


def test_the_picture_of_rooms_has_an_arrow_only_for_an_import() -> None:
    assert set(draw.read("rooms").arrows) - set(imports()) == set()


def test_the_arrows_of_the_picture_of_rooms_lead_to_all_that_is_imported() -> None:
    arrows: dict[str, set[str]] = {}
    for here, there in draw.read("rooms").arrows:
        arrows.setdefault(here, set()).add(there)

    assert {pair for pair in imports() if pair[1] not in reached(arrows, pair[0])} == set()


@pytest.mark.parametrize("name", draw.names())
def test_a_picture_is_drawn_from_its_text(name: str) -> None:
    assert draw.read(name).svg() == (draw.FOLDER / f"{name}.svg").read_text("utf-8"), REDRAW


def test_the_states_of_a_job_name_scripts_that_exist() -> None:
    named = set(re.findall(r"(\w+)\.lua", (draw.FOLDER / "job.txt").read_text("utf-8")))

    assert named
    assert named <= {path.stem for path in SOURCE.glob("broker/lua/*.lua")}


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/life-of-a-job.md"])
def test_every_path_that_a_page_names_exists(page: str) -> None:
    named = set(re.findall(r"[\w/-]+/\w+\.(?:py|lua)", Page(page).text()))

    assert named
    assert {path for path in named if not exists(path)} == set()


def exists(path: str) -> bool:
    folders = [ROOT, SOURCE, SOURCE / "broker", SOURCE.parent, Path(ROOT, "docs")]
    return any((folder / path).exists() for folder in folders)
