"""Schedule files: YAML, each entry on its own, so that a bad one does not harm the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from buoy import ConfigurationError

from .document import BAD, told
from .entry import Entry, EntryError, expect, is_line
from .layout import Part, Reader
from .spelling import ENVIRONMENTS, KNOWN, entry_of, named, passed_over

ALL = "*"
"""Stands for every environment."""
MOST_BYTES = 1 << 20


@dataclass
class Reading:
    """What a file says, and what is wrong with it, entry by entry."""

    entries: list[Entry] = field(default_factory=list)
    errors: list[ConfigurationError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What means nothing here, though it is no error."""
    only: list[list[str]] = field(default_factory=list)
    """For each entry the environments that it is for; none stands for all."""
    broken: bool = False
    """Whether there may be entries that were not found."""


def read_file(path: Path, env: str | None = None) -> Reading:
    """Read a schedule; never raises. Entries of another ``env`` than this one are left out."""
    reading = Reading()
    try:
        layout = Reader([*KNOWN, *ENVIRONMENTS]).read(text_of(path))
    except (OSError, ValueError) as error:
        reading.errors.append(ConfigurationError(f"schedule {path}: cannot be read: {error}"))
        reading.broken = True
        return reading
    reading.notes, reading.broken = layout.notes, layout.broken
    names: dict[str, list[str | None]] = {}
    for part in layout.parts:
        try:
            check_name(part, names)
            take(part, env, reading)
        except ConfigurationError as error:
            reading.errors.append(error)
    return reading


def text_of(path: Path) -> str:
    with path.open("rb") as file:
        found = file.read(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise ValueError(f"expected at most {MOST_BYTES} bytes, got more")
    return found.decode("utf-8-sig")


def check_name(part: Part, names: dict[str, list[str | None]]) -> None:
    """An entry may be in several sections by environment, else there is one of each name."""
    if isinstance(part.fields, BAD):
        raise EntryError(part.name, f"expected YAML, got: {told(part.fields)}")
    before = names.setdefault(part.name, [])
    clash = bool(before) and (part.section is None or {None, part.section} & {*before})
    before.append(part.section)
    if clash:
        raise EntryError(part.name, "expected one entry of this name, got another")


def take(part: Part, env: str | None, reading: Reading) -> None:
    try:
        environments = environments_of(part)
        entry = entry_of(part.name, part.fields)
    except EntryError:
        raise
    except ConfigurationError as error:
        raise EntryError(part.name, error) from None
    if environments is not None and env is None:
        raise EntryError(
            part.name,
            f"env: it is for {', '.join(environments)!r} only; say which one this is by --env",
        )
    if environments is not None and env not in (ALL, *environments):
        return
    reading.entries.append(entry)
    reading.only.append(environments or [])
    if passed := passed_over(part.fields):
        reading.notes.append(f"{entry.name}: {', '.join(passed)}: means nothing here")


def environments_of(part: Part) -> list[str] | None:
    """The names of those for which an entry is meant; None for all of them."""
    said = None
    if isinstance(part.fields, Mapping):
        said = named(part.fields, "env", ENVIRONMENTS)
    if said is None:
        return None if part.section is None else [part.section]
    words = said.split(",") if isinstance(said, str) else said
    right = isinstance(words, list) and bool(words) and all(is_line(word) for word in words)
    expect(right, "env", "names of environments", said)
    found = [word.strip() for word in words]
    expect(all(found), "env", "names of environments", said)
    if part.section is not None:
        expect(part.section in found, "env", f"{part.section!r} among them, its section", said)
        return [part.section]
    return found
