"""The schedule as a whole: what classes, a file, and programs at run time say."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from buoy import App, ConfigurationError, Job

from .entry import Entry, EntryError, Missed
from .firing import target_of
from .plugin import declared
from .store import Kept, Store
from .values import arguments, duration, instant


@dataclass
class Schedule:
    """Entries by name with where they come from, and what is wrong with others."""

    entries: dict[str, Entry] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    errors: list[ConfigurationError] = field(default_factory=list)
    broken: bool = False
    """Whether there may be entries in the file that were not found."""
    going_on: list[str] = field(default_factory=list)
    """Entries that are wrong in the file now, and go on as they were in it before."""

    def add(self, source: str, entries: Sequence[Entry], errors: Sequence[Any] = ()) -> None:
        """Take entries in, in place of those of the same name."""
        self.errors += errors
        for entry in entries:
            self.entries[entry.name] = entry
            self.sources[entry.name] = source

    def with_kept(self, kept: Kept) -> "Schedule":
        """The same, and what was set at run time, which comes first."""
        whole = replace(
            self,
            entries=dict(self.entries),
            sources=dict(self.sources),
            errors=list(self.errors),
        )
        whole.add("run time", kept.entries, kept.errors)
        return whole

    def after(self, before: "Schedule") -> "Schedule":
        """The same, and entries of the file as it was before that are wrong in it now: they go on,
        until it is right again."""
        wrong = {error.name for error in self.errors if isinstance(error, EntryError)}
        kept = [
            entry
            for name, entry in before.entries.items()
            if before.sources[name] == "file" and self.sources.get(name) != "file"
            if self.broken or name in wrong
        ]
        self.add("file", kept)
        self.going_on = [entry.name for entry in kept]
        return self

    def complaints(self) -> set[str]:
        """What is wrong, and what becomes of it."""
        found = {f"{error}; {self.fate(error)}" for error in self.errors}
        if self.broken and self.going_on:
            found.add(
                f"schedule file: expected a whole one; until then {some(self.going_on)} as before"
            )
        return found

    def fate(self, error: ConfigurationError) -> str:
        goes_on = getattr(error, "name", None) in self.going_on
        return "it goes on as it was before" if goes_on else "it is left out"


def some(names: Sequence[str]) -> str:
    """A few of many names."""
    few = ", ".join(names[:3])
    return few if len(names) <= 3 else f"{few} and {len(names) - 3} more"


def written(file: Path | None, env: str | None = None) -> Schedule:
    """What the classes that the app has imported and the file say; the file comes first."""
    schedule = Schedule()
    for name, cron in declared():
        try:
            schedule.add("class", list(cron.entries(name)))
        except ConfigurationError as error:
            schedule.errors.append(error)
    if file is not None:
        from .file import read_file

        reading = read_file(file, env)
        schedule.add("file", reading.entries, reading.errors)
        schedule.broken = reading.broken
    return schedule


def set_schedule(
    name: str,
    job: type[Job] | str,
    *,
    cron: str | None = None,
    every: str | int | timedelta | None = None,
    first: datetime | None = None,
    tz: str = "UTC",
    args: Sequence[Any] = (),
    queue: str | None = None,
    description: str = "",
    missed: Missed = "once",
    overlap: bool = True,
    app: App | None = None,
) -> Entry:
    """Let a job recur from now on, until ``remove_schedule``: running daemons see it within a
    second, and it survives their restarts. An entry of the same name is replaced."""
    entry = Entry(
        name=name,
        job=job if isinstance(job, str) else job.name,
        cron=cron,
        every=None if every is None else duration(every),
        first=0 if first is None else instant(first),
        tz=tz,
        args=arguments(args),
        queue=queue,
        description=description,
        missed=missed,
        overlap=overlap,
    )
    if not isinstance(job, str):
        target_of(entry)
    Store(app or Job.app).set(entry)
    return entry


def remove_schedule(name: str, *, app: App | None = None) -> bool:
    """Let an entry that ``set_schedule`` made recur no more; False if there is none."""
    return Store(app or Job.app).remove(name)


def get_schedule(*, app: App | None = None) -> dict[str, Entry]:
    """The entries that were set at run time, by name."""
    return {entry.name: entry for entry in Store(app or Job.app).load().entries}
