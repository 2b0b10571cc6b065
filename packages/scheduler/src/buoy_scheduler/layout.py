"""Where entries lie in a schedule file: at the top, in sections by environment, in a list, or under
the ``schedule`` of Sidekiq. Each is taken on its own, so that a bad one does not harm the others.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from .cron import printable
from .document import (
    BAD,
    MERGE,
    MOST_VALUES,
    NOTHING,
    Document,
    inner,
    merged_nodes,
    pairs,
    told,
)

ENTRY = re.compile(r"^(?=[^\s#%-])", re.MULTILINE)
TEMPLATE = re.compile(r"^[ \t]*<%(?![=#]).*", re.MULTILINE)
"""A line of a template that is no value: it may leave out others."""


TEMPLATED = "a template (<% ... %>); write what it makes"


TIMES = {"cron", "every", "never", "enabled", "status", "first"}
"""Keys of which an entry has one."""


MOST_IN_FILE = 200_000
"""How many values all entries together may hold: what a file of the greatest size can say."""


class WholeError(ValueError):
    """A file of which no entry can be meant."""


class Part(NamedTuple):
    """An entry as it is written, or the error that stands in its place."""

    name: str
    fields: Any
    section: str | None = None
    """The environment in whose section it is."""


@dataclass
class Layout:
    """What was found in a file."""

    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    broken: bool = False
    """Whether where entries begin and end had to be guessed."""


class Reader:
    """Finds the entries in a text; ``keys`` are those of entries."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = frozenset(keys)
        self.notes: list[str] = []
        self.left = MOST_IN_FILE

    def read(self, text: str) -> Layout:
        """Raises ValueError when there is nothing to be found."""
        template = TEMPLATE.search(text)
        if template:
            line = text.count("\n", 0, template.start()) + 1
            raise ValueError(
                f"line {line}: expected plain YAML, got the template {template[0].strip()!r:.60}; "
                "write what it makes, and env: where it asks for the environment"
            )
        try:
            return Layout(list(self.parts(Document.of(text))), self.notes)
        except WholeError:
            raise
        except BAD as error:
            found = list(blocks(text))
            if not found:
                raise ValueError(told(error)) from None
        self.notes.clear()
        self.left = MOST_IN_FILE
        return Layout([part for block in found for part in self.of_block(*block)], self.notes, True)

    def of_block(self, name: str, text: str, line: int) -> list[Part]:
        try:
            return list(self.parts(Document.of(text, line)))
        except BAD as error:
            template = "<%" in text
            return [Part(name, ValueError(TEMPLATED) if template else error)]

    def parts(self, document: Document) -> Iterator[Part]:
        if isinstance(document.root, yaml.SequenceNode):
            yield from self.listed(document)
            return
        found = self.rooted(pairs(document.root))
        sections = any(self.is_section(node) for _, node in found)
        merged = merged_by(document.root)
        for name, node in found:
            if sections and is_empty(node):
                continue  # a section, too
            if id(node) in merged and not keys_of(node) & TIMES:
                self.notes.append(f"{printable(name)}: no entry, but a part of others")
            elif self.is_section(node):
                for inner, fields in pairs(node):
                    yield Part(inner, self.value_of(document, fields), name)
            else:
                yield Part(name, self.value_of(document, node))

    def rooted(self, found: list[tuple[str, yaml.Node]]) -> list[tuple[str, yaml.Node]]:
        """What is under ``schedule``, or ``scheduler`` and ``schedule``; else all."""
        for wanted in ("scheduler", "schedule"):
            for name, node in found:
                if name == wanted and self.holds_schedule(name, node):
                    self.pass_over([pair for pair in found if pair[0] != name])
                    return self.rooted(pairs(node)) if name == "scheduler" else pairs(node)
        return found

    def holds_schedule(self, name: str, node: yaml.Node) -> bool:
        if name == "schedule":
            return self.is_section(node)
        return isinstance(node, yaml.MappingNode) and any(
            key == "schedule" and self.is_section(value) for key, value in pairs(node)
        )

    def pass_over(self, settings: list[tuple[str, yaml.Node]]) -> None:
        for name, node in settings:
            if name == "enabled" and str(node.value).lower() in ("false", "no", "off"):
                raise WholeError("enabled: expected true for a whole schedule, got false")
        passed = ", ".join(sorted(printable(name) for name, _ in settings))
        if passed:
            self.notes.append(f"{passed}: settings of Sidekiq, which mean nothing here")

    def is_section(self, node: yaml.Node) -> bool:
        """Whether it holds entries, be it among others that are none, and is none."""
        if not isinstance(node, yaml.MappingNode) or not node.value:
            return False
        try:
            found = pairs(node)
        except BAD:
            return False
        names = {name for name, _ in found}
        return not names & self.keys and any(self.is_entry(value) for _, value in found)

    def is_entry(self, node: yaml.Node) -> bool:
        return isinstance(node, yaml.MappingNode) and bool(keys_of(node) & self.keys)

    def value_of(self, document: Document, node: yaml.Node) -> Any:
        try:
            self.left -= document.count(node)
            if self.left < 0:
                raise ValueError(f"expected at most {MOST_IN_FILE} values in a file, got more")
            return document.value(node)
        except BAD as error:  # a ValueError: for a date that there is not
            return error

    def listed(self, document: Document) -> Iterator[Part]:
        """A list of entries, each of which says its name."""
        found = [self.value_of(document, node) for node in items(document.root)]
        if not any(isinstance(each, dict) and "name" in each for each in found):
            raise ValueError("expected names, each with an entry")
        for number, each in enumerate(found, 1):
            fields = dict(each) if isinstance(each, dict) else {}
            name = fields.pop("name", None)
            if isinstance(name, str):
                yield Part(name, fields)
            else:
                wrong = each if isinstance(each, BAD) else ValueError("expected a name, got none")
                yield Part(f"number {number}", wrong)


def items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def merged_by(root: yaml.Node | None) -> set[int]:
    """Which nodes others take over by ``<<``."""
    found, seen, left = set[int](), set[int](), [root]
    while left:
        node = left.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        left += inner(node)
        if isinstance(node, yaml.MappingNode):
            values = [value for key, value in node.value if key.tag == MERGE]
            found |= {id(each) for value in values for each in merged_nodes(value)}
    return found


def keys_of(node: yaml.Node) -> set[str]:
    try:
        return {key for key, _ in pairs(node)}
    except BAD:
        return set(TIMES)  # what is wrong with it is to be told


def is_empty(node: yaml.Node) -> bool:
    return node.tag == NOTHING or (isinstance(node, yaml.MappingNode) and not node.value)


def blocks(text: str) -> Iterator[tuple[str, str, int]]:
    """A file that cannot be read as a whole, cut before each line that is not indented: the names,
    the blocks, and how many lines are above them."""
    starts = [found.start() for found in ENTRY.finditer(text)]
    if len(starts) > MOST_VALUES:
        raise ValueError(f"expected at most {MOST_VALUES} entries, got {len(starts)}")
    line, last = 0, 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=False):
        line, last = line + text.count("\n", last, start), start
        yield text[start:end].lstrip(":").partition(":")[0].strip(), text[start:end], line
