"""The schedule: entries that classes and a file declare, and entries that are set at run time."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from buoy import ConfigurationError

from .entry import Entry, EntryError
from .plugin import declared_crons
from .store import RuntimeSchedule


@dataclass
class Schedule:
    """Entries by name, their sources ("class", "file", "run time"), and the errors of other
    entries."""

    entries: dict[str, Entry] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    errors: list[ConfigurationError] = field(default_factory=list)
    incomplete: bool = False
    """Whether the file may have entries that were not found."""
    fallbacks: list[str] = field(default_factory=list)
    """Names of entries that are wrong in the file now; their previous versions are used."""

    def add(self, source: str, entries: Sequence[Entry], errors: Sequence[Any] = ()) -> None:
        """Adds entries; they replace entries of the same names."""
        self.errors += errors
        for entry in entries:
            self.entries[entry.name] = entry
            self.sources[entry.name] = source

    def with_runtime(self, runtime: RuntimeSchedule) -> "Schedule":
        """Returns a copy with the entries that were set at run time; they replace others."""
        copy = replace(
            self,
            entries=dict(self.entries),
            sources=dict(self.sources),
            errors=list(self.errors),
        )
        copy.add("run time", runtime.entries, runtime.errors)
        return copy

    def with_fallbacks(self, previous: "Schedule") -> "Schedule":
        """Adds the previous versions of file entries that are wrong now, until they are right
        again. Returns this schedule."""
        wrong = {error.name for error in self.errors if isinstance(error, EntryError)}
        fallbacks = [
            entry
            for name, entry in previous.entries.items()
            if previous.sources[name] == "file" and self.sources.get(name) != "file"
            if self.incomplete or name in wrong
        ]
        self.add("file", fallbacks)
        self.fallbacks = [entry.name for entry in fallbacks]
        return self

    def error_messages(self) -> set[str]:
        """Returns a message for each error, with its consequence."""
        messages = {f"{error}; {self.consequence(error)}" for error in self.errors}
        if self.incomplete and self.fallbacks:
            messages.add(
                "schedule file: expected a complete one; until then "
                f"{format_names(self.fallbacks)} as before"
            )
        return messages

    def consequence(self, error: ConfigurationError) -> str:
        has_fallback = getattr(error, "name", None) in self.fallbacks
        return "its previous version is used" if has_fallback else "it is left out"


def format_names(names: Sequence[str]) -> str:
    """Returns the first three names, and the number of the others."""
    first = ", ".join(names[:3])
    return first if len(names) <= 3 else f"{first} and {len(names) - 3} more"


def declared_schedule(file: Path | None, env: str | None = None) -> Schedule:
    """Returns the schedule that the imported classes and the file declare; entries of the file
    replace those of classes. Does not raise for wrong entries: they are in its ``errors``."""
    schedule = Schedule()
    for name, cron in declared_crons():
        try:
            schedule.add("class", list(cron.entries(name)))
        except ConfigurationError as error:
            schedule.errors.append(error)
    if file is not None:
        from .schedule_file.reader import read_file

        reading = read_file(file, env)
        schedule.add("file", reading.entries, reading.errors)
        schedule.incomplete = reading.incomplete
    return schedule
