"""Finds the entries in a schedule file: at the top, in sections by environment, in a list, or under
the key ``schedule`` of Sidekiq. Each is read on its own, so that a wrong one does not affect
others.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from ..cron import printable
from .yaml_document import (
    MERGE,
    MOST_VALUES,
    NULL,
    YAML_ERRORS,
    YamlDocument,
    child_nodes,
    format_yaml_error,
    merged_nodes,
    pairs_of,
)

BLOCK_START = re.compile(r"^(?=[^\s#%-])", re.MULTILINE)
TEMPLATE = re.compile(r"^[ \t]*<%(?![=#]).*", re.MULTILINE)
"""A line of a template that is no value: it may leave out other lines."""
TEMPLATE_ERROR = "a template (<% ... %>); write its result"
TIME_KEYS = {"cron", "every", "never", "enabled", "status", "first"}
"""Every entry has one of these keys."""
MOST_IN_FILE = 200_000
"""Values in all entries of a file together, at most."""


class FileError(ValueError):
    """The file as a whole is wrong; none of its entries is used."""


class RawEntry(NamedTuple):
    """An entry before its fields are checked; ``fields`` is an error when it is no YAML."""

    name: str
    fields: Any
    section: str | None = None
    """The environment whose section has the entry, if one does."""


@dataclass
class FoundEntries:
    """The entries in a file."""

    entries: list[RawEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    guessed: bool = False
    """Whether the file is no YAML as a whole, and the ends of entries were guessed."""


class EntryFinder:
    """Finds the entries in a text; ``keys`` are the keys that entries can have."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = frozenset(keys)
        self.notes: list[str] = []
        self.values_left = MOST_IN_FILE

    def read(self, text: str) -> FoundEntries:
        """Returns the entries in a text. Raises ValueError when it has none that can be read."""
        template = TEMPLATE.search(text)
        if template:
            line = text.count("\n", 0, template.start()) + 1
            raise ValueError(
                f"line {line}: expected plain YAML, got the template {template[0].strip()!r:.60}; "
                "write its result, and env: where it depends on the environment"
            )
        try:
            return FoundEntries(list(self.entries_in(YamlDocument.of(text))), self.notes)
        except FileError:
            raise
        except YAML_ERRORS as error:
            blocks = list(split_blocks(text))
            if not blocks:
                raise ValueError(format_yaml_error(error)) from None
        self.notes.clear()
        self.values_left = MOST_IN_FILE
        entries = [entry for block in blocks for entry in self.entries_in_block(*block)]
        return FoundEntries(entries, self.notes, True)

    def entries_in_block(self, name: str, text: str, line: int) -> list[RawEntry]:
        """Returns the entries in a part of the file that begins after ``line`` lines."""
        try:
            return list(self.entries_in(YamlDocument.of(text, line)))
        except YAML_ERRORS as error:
            is_template = "<%" in text
            return [RawEntry(name, ValueError(TEMPLATE_ERROR) if is_template else error)]

    def entries_in(self, document: YamlDocument) -> Iterator[RawEntry]:
        if isinstance(document.root, yaml.SequenceNode):
            yield from self.entries_in_list(document)
            return
        found = self.find_schedule(pairs_of(document.root))
        has_sections = any(self.is_section(node) for _, node in found)
        merged = merged_node_ids(document.root)
        for name, node in found:
            if has_sections and is_empty(node):
                continue  # an empty section
            if id(node) in merged and not keys_of(node) & TIME_KEYS:
                self.notes.append(f"{printable(name)}: no entry, but merged into others")
            elif self.is_section(node):
                for inner_name, fields in pairs_of(node):
                    yield RawEntry(inner_name, self.value_of(document, fields), name)
            else:
                yield RawEntry(name, self.value_of(document, node))

    def find_schedule(self, found: list[tuple[str, yaml.Node]]) -> list[tuple[str, yaml.Node]]:
        """Returns what is under ``schedule``, or under ``schedule`` in ``scheduler``; else
        everything."""
        for wanted in ("scheduler", "schedule"):
            for name, node in found:
                if name == wanted and self.holds_schedule(name, node):
                    self.note_settings([pair for pair in found if pair[0] != name])
                    inside = pairs_of(node)
                    return self.find_schedule(inside) if name == "scheduler" else inside
        return found

    def holds_schedule(self, name: str, node: yaml.Node) -> bool:
        if name == "schedule":
            return self.is_section(node)
        return isinstance(node, yaml.MappingNode) and any(
            key == "schedule" and self.is_section(value) for key, value in pairs_of(node)
        )

    def note_settings(self, settings: list[tuple[str, yaml.Node]]) -> None:
        """Notes settings of Sidekiq, which have no effect. Raises FileError when they disable the
        schedule."""
        for name, node in settings:
            if name == "enabled" and str(node.value).lower() in ("false", "no", "off"):
                raise FileError("enabled: expected true for a whole schedule, got false")
        names = ", ".join(sorted(printable(name) for name, _ in settings))
        if names:
            self.notes.append(f"{names}: settings of Sidekiq, which have no effect here")

    def is_section(self, node: yaml.Node) -> bool:
        """Whether a node is no entry, but contains entries."""
        if not isinstance(node, yaml.MappingNode) or not node.value:
            return False
        try:
            found = pairs_of(node)
        except YAML_ERRORS:
            return False
        names = {name for name, _ in found}
        return not names & self.keys and any(self.is_entry(value) for _, value in found)

    def is_entry(self, node: yaml.Node) -> bool:
        """Whether a node is a mapping with a key of entries."""
        return isinstance(node, yaml.MappingNode) and bool(keys_of(node) & self.keys)

    def value_of(self, document: YamlDocument, node: yaml.Node) -> Any:
        """Returns the value of a node, or the error that its reading raised."""
        try:
            self.values_left -= document.count(node)
            if self.values_left < 0:
                raise ValueError(f"expected at most {MOST_IN_FILE} values in a file, got more")
            return document.value(node)
        except YAML_ERRORS as error:  # among them a ValueError for a date that does not exist
            return error

    def entries_in_list(self, document: YamlDocument) -> Iterator[RawEntry]:
        """Yields the entries in a list; the name of each is in its key ``name``."""
        found = [self.value_of(document, node) for node in items_of(document.root)]
        if not any(isinstance(each, dict) and "name" in each for each in found):
            raise ValueError("expected names, each with an entry")
        for number, each in enumerate(found, 1):
            fields = dict(each) if isinstance(each, dict) else {}
            name = fields.pop("name", None)
            if isinstance(name, str):
                yield RawEntry(name, fields)
            else:
                wrong = (
                    each
                    if isinstance(each, YAML_ERRORS)
                    else ValueError("expected a name, got none")
                )
                yield RawEntry(f"number {number}", wrong)


def items_of(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def merged_node_ids(root: yaml.Node | None) -> set[int]:
    """Returns the ids of the nodes that others merge by ``<<``."""
    found, seen, left = set[int](), set[int](), [root]
    while left:
        node = left.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        left += child_nodes(node)
        if isinstance(node, yaml.MappingNode):
            values = [value for key, value in node.value if key.tag == MERGE]
            found |= {id(each) for value in values for each in merged_nodes(value)}
    return found


def keys_of(node: yaml.Node) -> set[str]:
    """Returns the keys of a mapping. A wrong mapping counts as an entry, so that its error is
    reported."""
    try:
        return {key for key, _ in pairs_of(node)}
    except YAML_ERRORS:
        return set(TIME_KEYS)


def is_empty(node: yaml.Node) -> bool:
    return node.tag == NULL or (isinstance(node, yaml.MappingNode) and not node.value)


def split_blocks(text: str) -> Iterator[tuple[str, str, int]]:
    """Splits a file that is no YAML as a whole before each line that is not indented. Yields the
    name of each block, its text, and how many lines are before it. Raises ValueError for too
    many."""
    starts = [found.start() for found in BLOCK_START.finditer(text)]
    if len(starts) > MOST_VALUES:
        raise ValueError(f"expected at most {MOST_VALUES} entries, got {len(starts)}")
    line, last = 0, 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=False):
        line, last = line + text.count("\n", last, start), start
        yield text[start:end].lstrip(":").partition(":")[0].strip(), text[start:end], line
