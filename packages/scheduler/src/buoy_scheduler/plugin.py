"""``Cron``: a job class that says itself when it recurs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from buoy import ConfigurationError, Plugin
from buoy.plugins import job_classes, plugins_of

from .entry import Entry, EntryError, Missed
from .values import arguments, duration


@dataclass(frozen=True, init=False)
class Cron(Plugin):
    """The scheduler enqueues the class at each of these times: ``Cron("0 8 * * mon-fri")``, or
    ``Cron(every="30s")``. A subclass inherits it as any plugin, and is enqueued on its own.

    The entry has the name of the class; of several expressions each is an entry, named after both.
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
        # What is no list is the one argument, as in files; a text is no list of letters.
        several = tuple(args) if isinstance(args, list | tuple) else (args,)
        given = {"cron": cron, "every": every, "tz": tz, "args": several}
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
        shared: dict[str, Any] = {"job": name, "tz": self.tz, "args": arguments(self.args)}
        for key in ("description", "missed", "overlap"):
            shared[key] = getattr(self, key)
        if self.every is not None or not self.cron:
            every = None if self.every is None else duration(self.every)
            cron = self.cron[0] if self.cron else None
            yield Entry(name=name, every=every, cron=cron, **shared)
            return
        for cron in self.cron:
            yield Entry(name=name if len(self.cron) == 1 else f"{name} {cron}", cron=cron, **shared)


def declared() -> Iterator[tuple[str, Cron]]:
    """The names of the job classes that the app has imported and that have it."""
    for job in job_classes.values():
        for plugin in plugins_of(job, Cron):
            yield job.name, plugin
