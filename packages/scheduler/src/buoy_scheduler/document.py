"""YAML as schedules need it: within bounds, and nothing changed without a word.

Old files were written for Ruby: a word that begins with a colon (``:every``) is a symbol, and is
read as the text behind the colon. Other words that YAML takes for something else than what stands
there (``no``, ``010``, ``12:30``, dates) come out as ``Odd``, so that who uses them must decide.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from .cron import printable
from .values import Odd

BAD = (yaml.YAMLError, ValueError, RecursionError)
"""What reading YAML may raise."""
MOST_VALUES = 10_000
"""How many values an entry may hold, those counted each time that an alias stands for."""

TAG = "tag:yaml.org,2002:"
MERGE, NOTHING = TAG + "merge", TAG + "null"
SYMBOL = re.compile(r":[A-Za-z_]\w*[?!]?")
ODD_TEXT = re.compile(r"[-+]?(0\d+|0o[0-7]+|\d+(\.\d*)?[eE][-+]?\d+)")
"""Texts to PyYAML that are numbers to others."""
COUNTED = 10**9
"""Beyond it nobody counts."""
DEEPEST = 100
"""Levels of lists and keys within each other: those that a job's arguments may have."""
LONGEST_NUMBER = 400
"""Characters."""
ODD_NUMBER = re.compile(r"[-+]?0[0-7_]+|.*:.*")
"""Octal numbers without saying so, and those to the base of sixty."""


class Loader(yaml.SafeLoader):
    """Knows symbols between braces and brackets, too, and an end of depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.depth == DEEPEST:
            raise ValueError(f"expected at most {DEEPEST} levels, got more (line {self.line + 1})")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def check_value(self) -> bool:
        return bool(super().check_value()) and not self.at_symbol()

    def check_plain(self) -> bool:
        return bool(super().check_plain()) or self.at_symbol()

    def at_symbol(self) -> bool:
        if not self.flow_level or self.peek() != ":" or not self.pointer:
            return False
        after = self.peek(1)
        return (after.isalpha() or after == "_") and self.buffer[self.pointer - 1] in " \t\n,[{"


@dataclass(frozen=True)
class Document:
    """A text as nodes, which make values one by one."""

    root: yaml.Node | None
    loader: Loader
    counted: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, line: int = 0) -> "Document":
        """Read a text with so many lines above it; raises BAD."""
        loader = Loader(text)
        loader.line = line
        return cls(loader.get_single_node(), loader)

    def count(self, node: yaml.Node) -> int:
        """How many values it stands for; raises BAD when too many, or without end."""
        found = count(node, self.counted)
        if found > MOST_VALUES:
            raise ValueError(
                f"expected at most {MOST_VALUES} values, got {found} with those that aliases stand "
                f"for{line_of(node)}"
            )
        return found

    def value(self, node: yaml.Node) -> Any:
        """What a node stands for, which must have been counted; raises BAD."""
        if isinstance(node, yaml.SequenceNode) and node.tag == TAG + "seq":
            return [self.value(each) for each in node.value]
        if isinstance(node, yaml.MappingNode) and node.tag == TAG + "map":
            return self.mapping(node)
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == MERGE:
                merged = self.merged(value) | merged
                continue
            name = key_of(key)
            if name in found:
                raise ValueError(f"expected each key once, got {name!r} twice{line_of(key)}")
            found[name] = self.value(value)
        return merged | found

    def merged(self, node: yaml.Node) -> dict[str, Any]:
        """What ``<<`` takes over: of several the first comes first."""
        value = self.value(node)
        parts = value if isinstance(value, list) else [value]
        found: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, dict):
                raise ValueError(f"expected keys and values behind <<, got {part!r:.80}")
            found = part | found
        return found

    def scalar(self, node: yaml.Node) -> Any:
        if node.tag in (TAG + "int", TAG + "float") and len(node.value) > LONGEST_NUMBER:
            raise ValueError(f"expected a number, got one of {len(node.value)} characters")
        value = self.loader.construct_object(node, deep=True)
        if not isinstance(node, yaml.ScalarNode) or node.style is not None or self.is_told(node):
            return value
        if isinstance(value, str):
            if SYMBOL.fullmatch(value):
                return value[1:]
            return Odd(value, value) if ODD_TEXT.fullmatch(value) else value
        if isinstance(value, bool):
            return value if node.value.lower() in ("true", "false") else Odd(node.value, value)
        changed = not isinstance(value, int | float | None) or ODD_NUMBER.fullmatch(node.value)
        return Odd(node.value, value) if changed else value

    def is_told(self, node: yaml.ScalarNode) -> bool:
        """Whether it says itself what it is: ``!!str 010``."""
        tag = self.loader.resolve(  # type: ignore[no-untyped-call]
            yaml.ScalarNode, node.value, (True, False)
        )
        return bool(tag != node.tag)


def pairs(node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    """The keys of a mapping and what stands behind them, in order, equal keys too."""
    if node is None or node.tag == NOTHING:
        return []
    if not isinstance(node, yaml.MappingNode):
        raise ValueError("expected names, each with an entry")
    found: list[tuple[str, yaml.Node]] = []
    for key, value in node.value:
        if key.tag == MERGE:
            found[:0] = [pair for each in merged_nodes(value) for pair in pairs(each)]
        else:
            found.append((key_of(key), value))
        if len(found) > MOST_VALUES:
            raise ValueError(f"expected at most {MOST_VALUES} entries, got more")
    return found


def merged_nodes(node: yaml.Node) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]


def key_of(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise ValueError(f"expected texts as keys, got something else{line_of(node)}")
    text = str(node.value)
    return text[1:] if node.style is None and SYMBOL.fullmatch(text) else text


def count(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for, without making them; raises ValueError for one that is
    inside of itself. ``known``: those that were counted before."""
    if known.get(id(node)) == 0:
        raise ValueError(f"expected an end of what is inside of itself, got none{line_of(node)}")
    if id(node) not in known:
        known[id(node)] = 0
        found = 1 + sum(count(each, known) for each in inner(node))
        known[id(node)] = min(found, COUNTED)
    return known[id(node)]


def inner(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from (key, value)


def line_of(node: yaml.Node) -> str:
    return "" if node.start_mark is None else f" (line {node.start_mark.line + 1})"


def told(error: BaseException) -> str:
    """What is wrong and in which line, without the quotation."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    where = "" if mark is None else f" (line {mark.line + 1})"
    return printable(" ".join(str(problem or error).split())) + where
