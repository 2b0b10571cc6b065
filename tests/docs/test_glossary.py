"""The glossary has every public name and every command, and each word once."""

import re
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from buoy.cli import main

from .blocks import ROOT, Page

GLOSSARY = Page("docs/glossary.md")
PACKAGES = [
    "buoy",
    "buoy.testing",
    *sorted(path.name for path in ROOT.glob("packages/*/src/buoy_*")),
]


def section(title: str, level: str = "##") -> str:
    """The text below a title, up to the next title."""
    below = GLOSSARY.text().split(f"\n{level} {title}\n")[1]
    return re.split("^#+ ", below, maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| (.+?) \|", text, re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_of_a_package_is_in_the_glossary(package: str) -> None:
    listed = re.findall(r"`(\w+)`", " ".join(first_cells(section(package, "###"))))

    assert sorted(listed) == sorted(import_module(package).__all__)


def test_every_command_is_in_the_glossary() -> None:
    assert sorted(listed_commands()) == sorted(commands(main, "buoy"))


def commands(command: click.Command, name: str) -> Iterator[str]:
    """The full names of the commands that do something; a group that only lists others is none."""
    if not isinstance(command, click.Group):
        yield name
        return
    context = click.Context(command)
    for each in command.list_commands(context):
        below = command.get_command(context, each)
        assert below is not None
        yield from commands(below, f"{name} {each}")


def listed_commands() -> Iterator[str]:
    """A row names a command in full, and then others of its group by their last word."""
    for cell in first_cells(section("Commands")):
        first, *others = re.findall(r"`([\w -]+)`", cell) or [""]
        if first:
            yield first
            group = first if first.count(" ") == 1 else first.rpartition(" ")[0]
            yield from (f"{group} {other}" for other in others)


def test_a_word_has_one_row_in_each_table() -> None:
    for table in GLOSSARY.text().split("\n## "):
        words = re.findall(r"^\| \*\*(.+?)\*\* \|", table, re.MULTILINE)
        assert len(words) == len(set(words))


def test_the_table_of_contents_leads_to_every_section() -> None:
    head, *sections = GLOSSARY.text().split("\n## ")
    anchors = {each.partition("\n")[0].lower().replace(" ", "-") for each in sections}

    assert set(re.findall(r"\(#([\w-]+)\)", head)) == anchors
