"""Reads YAML with limits on its size, and without silent changes of what is written.

Old files were written for Ruby: a word that begins with a colon (``:every``) is a symbol, and is
read as the text after the colon. Other words that YAML reads as something else than what is written
(``no``, ``010``, ``12:30``, dates) become an AmbiguousScalar: the code that uses it must decide.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..cron import printable
from ..values import AmbiguousScalar

YAML_ERRORS = (yaml.YAMLError, ValueError, RecursionError)
"""The errors that reading YAML can raise."""
MOST_VALUES = 10_000
"""Values in one entry, at most. Values of an alias count each time that it is used."""

TAG = "tag:yaml.org,2002:"
MERGE, NULL = TAG + "merge", TAG + "null"
SYMBOL = re.compile(r":[A-Za-z_]\w*[?!]?")
AMBIGUOUS_TEXT = re.compile(r"[-+]?(0\d+|0o[0-7]+|\d+(\.\d*)?[eE][-+]?\d+)")
"""Words that PyYAML reads as texts, and other libraries as numbers."""
COUNT_LIMIT = 10**9
"""Values are counted up to it."""
DEEPEST = 100
"""Levels of nested lists and mappings, at most: as many as the arguments of a job may have."""
LONGEST_NUMBER = 400
"""Characters of a number, at most."""
AMBIGUOUS_NUMBER = re.compile(r"[-+]?0[0-7_]+|.*:.*")
"""Octal numbers that begin with 0 alone, and numbers to the base of sixty."""


class Loader(yaml.SafeLoader):
    """Reads symbols also inside braces and brackets, and limits the depth."""

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
class YamlDocument:
    """A text as a tree of nodes; the value of each node is made separately."""

    root: yaml.Node | None
    loader: Loader
    counted: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, line: int = 0) -> "YamlDocument":
        """Parses a text that begins after ``line`` lines of its file. Raises YAML_ERRORS."""
        loader = Loader(text)
        loader.line = line
        return cls(loader.get_single_node(), loader)

    def count(self, node: yaml.Node) -> int:
        """Returns how many values a node contains. Raises ValueError when there are too many, or
        when the node contains itself."""
        found = count_values(node, self.counted)
        if found > MOST_VALUES:
            raise ValueError(
                f"expected at most {MOST_VALUES} values, got {found} with those of aliases"
                f"{line_of(node)}"
            )
        return found

    def value(self, node: yaml.Node) -> Any:
        """Returns the value of a node, which must have been counted before. Raises YAML_ERRORS."""
        if isinstance(node, yaml.SequenceNode) and node.tag == TAG + "seq":
            return [self.value(each) for each in node.value]
        if isinstance(node, yaml.MappingNode) and node.tag == TAG + "map":
            return self.mapping_value(node)
        return self.scalar_value(node)

    def mapping_value(self, node: yaml.MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == MERGE:
                merged = self.merged_value(value) | merged
                continue
            name = key_of(key)
            if name in found:
                raise ValueError(f"expected each key once, got {name!r} twice{line_of(key)}")
            found[name] = self.value(value)
        return merged | found

    def merged_value(self, node: yaml.Node) -> dict[str, Any]:
        """Returns the keys and values that ``<<`` merges; of several mappings the first takes
        precedence."""
        value = self.value(node)
        parts = value if isinstance(value, list) else [value]
        found: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, dict):
                raise ValueError(f"expected keys and values after <<, got {part!r:.80}")
            found = part | found
        return found

    def scalar_value(self, node: yaml.Node) -> Any:
        if node.tag in (TAG + "int", TAG + "float") and len(node.value) > LONGEST_NUMBER:
            raise ValueError(f"expected a number, got one of {len(node.value)} characters")
        value = self.loader.construct_object(node, deep=True)
        if not isinstance(node, yaml.ScalarNode) or node.style is not None or self.has_tag(node):
            return value
        if isinstance(value, str):
            if SYMBOL.fullmatch(value):
                return value[1:]
            return AmbiguousScalar(value, value) if AMBIGUOUS_TEXT.fullmatch(value) else value
        if isinstance(value, bool):
            return (
                value
                if node.value.lower() in ("true", "false")
                else AmbiguousScalar(node.value, value)
            )
        changed = not isinstance(value, int | float | None) or AMBIGUOUS_NUMBER.fullmatch(
            node.value
        )
        return AmbiguousScalar(node.value, value) if changed else value

    def has_tag(self, node: yaml.ScalarNode) -> bool:
        """Whether a scalar is written with its tag, like ``!!str 010``."""
        tag = self.loader.resolve(  # type: ignore[no-untyped-call]
            yaml.ScalarNode, node.value, (True, False)
        )
        return bool(tag != node.tag)


def pairs_of(node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    """Returns the keys and nodes of a mapping, in order, also equal keys. Raises ValueError when
    the node is no mapping, or has too many keys."""
    if node is None or node.tag == NULL:
        return []
    if not isinstance(node, yaml.MappingNode):
        raise ValueError("expected names, each with an entry")
    found: list[tuple[str, yaml.Node]] = []
    for key, value in node.value:
        if key.tag == MERGE:
            found[:0] = [pair for each in merged_nodes(value) for pair in pairs_of(each)]
        else:
            found.append((key_of(key), value))
        if len(found) > MOST_VALUES:
            raise ValueError(f"expected at most {MOST_VALUES} entries, got more")
    return found


def merged_nodes(node: yaml.Node) -> list[yaml.Node]:
    """Returns the nodes that ``<<`` merges: a node, or a list of them."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]


def key_of(node: yaml.Node) -> str:
    """Returns a key as text, a symbol without its colon. Raises ValueError when it is no scalar."""
    if not isinstance(node, yaml.ScalarNode):
        raise ValueError(f"expected texts as keys, got something else{line_of(node)}")
    text = str(node.value)
    return text[1:] if node.style is None and SYMBOL.fullmatch(text) else text


def count_values(node: yaml.Node, known: dict[int, int]) -> int:
    """Returns how many values a node contains, without making them. Raises ValueError for a node
    that contains itself. ``known``: the nodes that were counted before, by id."""
    if known.get(id(node)) == 0:
        raise ValueError(
            f"expected a value that does not contain itself, got one that does{line_of(node)}"
        )
    if id(node) not in known:
        known[id(node)] = 0
        found = 1 + sum(count_values(each, known) for each in child_nodes(node))
        known[id(node)] = min(found, COUNT_LIMIT)
    return known[id(node)]


def child_nodes(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from (key, value)


def line_of(node: yaml.Node) -> str:
    """Returns the line of a node, for an error message."""
    return "" if node.start_mark is None else f" (line {node.start_mark.line + 1})"


def format_yaml_error(error: BaseException) -> str:
    """Returns the problem and its line, without the quotation of the file."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    where = "" if mark is None else f" (line {mark.line + 1})"
    return printable(" ".join(str(problem or error).split())) + where
