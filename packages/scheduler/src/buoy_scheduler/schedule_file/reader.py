"""Reads schedule files: YAML, each entry on its own, so that a wrong entry does not affect
others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from buoy import ConfigurationError
from buoy.plugins import expect

from ..entry import Entry, EntryError, is_line
from ..entry_format import ENVIRONMENTS, KNOWN, entry_of, ignored_keys, value_of
from .entry_finder import EntryFinder, RawEntry
from .yaml_document import YAML_ERRORS, format_yaml_error

ALL = "*"
"""Means every environment."""
MOST_BYTES = 1 << 20
"""The size of a file, at most."""


@dataclass
class Reading:
    """The entries of a file, and the errors of others."""

    entries: list[Entry] = field(default_factory=list)
    errors: list[ConfigurationError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Hints: keys that have no effect."""
    environments: list[list[str]] = field(default_factory=list)
    """For each entry the environments that it is for; an empty list means all."""
    incomplete: bool = False
    """Whether the file may have entries that were not found."""


def read_file(path: Path, env: str | None = None) -> Reading:
    """Reads a schedule file. Leaves out entries of other environments than ``env``. Never raises:
    errors are in the result."""
    reading = Reading()
    try:
        found = EntryFinder([*KNOWN, *ENVIRONMENTS]).read(read_text(path))
    except (OSError, ValueError) as error:
        reading.errors.append(ConfigurationError(f"schedule {path}: cannot be read: {error}"))
        reading.incomplete = True
        return reading
    reading.notes, reading.incomplete = found.notes, found.guessed
    names: dict[str, list[str | None]] = {}
    for raw in found.entries:
        try:
            check_name(raw, names)
            add_entry(raw, env, reading)
        except ConfigurationError as error:
            reading.errors.append(error)
    return reading


def read_text(path: Path) -> str:
    """Returns the text of a file. Raises OSError, or ValueError when it is too long or not
    UTF-8."""
    with path.open("rb") as file:
        found = file.read(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise ValueError(f"expected at most {MOST_BYTES} bytes, got more")
    return found.decode("utf-8-sig")


def check_name(raw: RawEntry, names: dict[str, list[str | None]]) -> None:
    """Raises EntryError when a name comes twice: only sections of different environments may have
    entries of the same name."""
    if isinstance(raw.fields, YAML_ERRORS):
        raise EntryError(raw.name, f"expected YAML, got: {format_yaml_error(raw.fields)}")
    before = names.setdefault(raw.name, [])
    clash = bool(before) and (raw.section is None or {None, raw.section} & {*before})
    before.append(raw.section)
    if clash:
        raise EntryError(raw.name, "expected one entry of this name, got another")


def add_entry(raw: RawEntry, env: str | None, reading: Reading) -> None:
    try:
        environments = environments_of(raw)
        entry = entry_of(raw.name, raw.fields)
    except EntryError:
        raise
    except ConfigurationError as error:
        raise EntryError(raw.name, error) from None
    if environments is not None and env is None:
        raise EntryError(
            raw.name,
            f"env: it is only for {', '.join(environments)!r}; give the environment of this "
            "process by --env",
        )
    if environments is not None and env not in (ALL, *environments):
        return
    reading.entries.append(entry)
    reading.environments.append(environments or [])
    if ignored := ignored_keys(raw.fields):
        reading.notes.append(f"{entry.name}: {', '.join(ignored)}: has no effect here")


def environments_of(raw: RawEntry) -> list[str] | None:
    """Returns the names of the environments that an entry is for; None means all. Raises
    ConfigurationError."""
    given = None
    if isinstance(raw.fields, Mapping):
        given = value_of(raw.fields, "env", ENVIRONMENTS)
    if given is None:
        return None if raw.section is None else [raw.section]
    words = given.split(",") if isinstance(given, str) else given
    right = isinstance(words, list) and bool(words) and all(is_line(word) for word in words)
    expect(right, "env", "names of environments", given)
    found = [word.strip() for word in words]
    expect(all(found), "env", "names of environments", given)
    if raw.section is not None:
        expect(raw.section in found, "env", f"{raw.section!r} among them, its section", given)
        return [raw.section]
    return found
