"""Schedule files: YAML, each entry on its own, so that a bad one does not harm the others."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from buoy import ConfigurationError

from .entry import Entry, EntryError
from .spelling import entry_of

ALL = "*"
"""Stands for every environment."""

BAD = (yaml.YAMLError, ValueError, RecursionError)
"""What reading YAML may raise."""

NOTHING = "tag:yaml.org,2002:null"
ENTRY = re.compile(r"^(?=[^\s#%-])", re.MULTILINE)


@dataclass
class Reading:
    """What a file says, and what is wrong with it, entry by entry."""

    entries: list[Entry] = field(default_factory=list)
    errors: list[ConfigurationError] = field(default_factory=list)


def read_file(path: Path, env: str | None = None) -> Reading:
    """Read a schedule; never raises. Entries of another ``env`` than this one are left out."""
    reading, names = Reading(), set[str]()
    try:
        found = parts(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reading.errors.append(ConfigurationError(f"schedule {path}: cannot be read: {error}"))
        return reading
    for name, fields in found:
        try:
            if isinstance(fields, BAD):
                raise EntryError(name, f"expected YAML, got: {told(fields)}")
            if name in names:
                raise EntryError(name, "expected one entry of this name, got another")
            names.add(name)
            if in_env(name, fields, env):
                reading.entries.append(entry_of(name, fields))
        except ConfigurationError as error:
            reading.errors.append(error)
    return reading


def parts(text: str) -> list[tuple[str, Any]]:
    """The names in the file, each with its value, or the error that stands in its place."""
    try:
        return pairs(text)
    except BAD as error:
        found = list(blocks(text))
        if not found:
            raise ValueError(told(error)) from None
    return [pair for name, block in found for pair in pairs_or_error(name, block)]


def pairs_or_error(name: str, text: str) -> list[tuple[str, Any]]:
    try:
        return pairs(text)
    except BAD as error:
        return [(name, error)]


def pairs(text: str) -> list[tuple[str, Any]]:
    """What a mapping holds, in order, equal keys too; raises BAD if it is none."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None or node.tag == NOTHING:
            return []
        if not isinstance(node, yaml.MappingNode):
            raise ValueError("expected names, each with an entry")
        return [(str(key.value), constructed(loader, value)) for key, value in node.value]
    finally:
        loader.dispose()


def constructed(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    try:
        return loader.construct_document(node)
    except BAD as error:  # a ValueError: for a date that there is not
        return error


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """A file that cannot be read as a whole, cut before each line that is not indented."""
    starts = [found.start() for found in ENTRY.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=False):
        above = "\n" * text.count("\n", 0, start)  # so that errors tell the right line
        yield text[start:end].partition(":")[0].strip(), above + text[start:end]


def told(error: BaseException) -> str:
    """What is wrong and in which line, without the quotation."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    where = "" if mark is None else f" (line {mark.line + 1})"
    return " ".join(str(problem or error).split()) + where


def in_env(name: str, fields: object, env: str | None) -> bool:
    """Whether the entry is meant for this environment: old files have ``rails_env``."""
    if not isinstance(fields, Mapping):
        return True
    named = fields.get("env", fields.get("rails_env"))
    if named is None or env == ALL:
        return True
    if env is None:
        raise EntryError(name, f"env: it is for {named!r} only; say which one this is by --env")
    return env in [word.strip() for word in str(named).split(",")]
