"""``Cron``: declares on a job class when it recurs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from buoy import ConfigurationError, Plugin
from buoy.plugins import job_classes, plugins_of

from .entry import Entry, EntryError, Missed
from .values import arguments_json, parse_duration


@dataclass(frozen=True, init=False)
class Cron(Plugin):
    """Makes the scheduler enqueue the class at these times: ``Cron("0 8 * * mon-fri")``, or
    ``Cron(every="30s")``. A subclass inherits it like any plugin, and has an entry of its own.

    The entry has the name of the class. With several expressions, each makes an entry whose name
    is the class and the expression. Raises ConfigurationError for wrong options.
    """

    cron: tuple[str, ...]
    every: str | int | None
    tz: str
    args: Sequence[Any] = field(hash=False)
    description: str
    missed: Missed
    overlap: bool

    def __init__(
        self,
        *cron: str,
        every: str | int | None = None,
        tz: str = "UTC",
        args: Sequence[Any] = (),
        description: str = "",
        missed: Missed = "once",
        overlap: bool = True,
    ) -> None:
        # As in files, a value that is no list or tuple is the only argument.
        as_tuple = tuple(args) if isinstance(args, list | tuple) else (args,)
        given = {"cron": cron, "every": every, "tz": tz, "args": as_tuple}
        given |= {"description": description, "missed": missed, "overlap": overlap}
        for name, value in given.items():
            object.__setattr__(self, name, value)
        try:
            list(self.entries("x"))
        except EntryError as error:
            raise ConfigurationError(f"Cron: {error.reason}") from None
        except ConfigurationError as error:
            raise ConfigurationError(f"Cron: {error}") from None

    def entries(self, name: str) -> Iterator[Entry]:
        """The entries for a job class of this name."""
        shared: dict[str, Any] = {"job": name, "tz": self.tz, "args": arguments_json(self.args)}
        for key in ("description", "missed", "overlap"):
            shared[key] = getattr(self, key)
        if self.every is not None or not self.cron:
            every = None if self.every is None else parse_duration(self.every)
            cron = self.cron[0] if self.cron else None
            yield Entry(name=name, every=every, cron=cron, **shared)
            return
        for cron in self.cron:
            yield Entry(name=name if len(self.cron) == 1 else f"{name} {cron}", cron=cron, **shared)


def declared_crons() -> Iterator[tuple[str, Cron]]:
    """Yields the names of imported job classes that have a Cron, with the Cron."""
    for job in job_classes.values():
        for plugin in plugins_of(job, Cron):
            yield job.name, plugin
