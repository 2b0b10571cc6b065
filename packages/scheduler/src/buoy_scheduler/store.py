"""What the scheduler keeps in Redis: entries of the run time, pauses, and how far each entry is.

``buoy:scheduler``, hash: ``entry:NAME`` → the entry as JSON; ``from:NAME`` → the epoch second after
which it fires, or "paused"; ``version``, counted up with each change; ``seen``, when a daemon last
looked (ms). ``buoy:{QUEUE}:scheduler``, hash: the name of each entry that fires into the queue →
since when, and its timing. The last tick that was enqueued is the number ``cron:NAME`` in the
queue's meta.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from buoy import App, ConfigurationError

from .entry import Entry, EntryError
from .spelling import entry_of, fields_of

PAUSED = "paused"
SECONDS, MILLISECONDS = "[0-9]{1,10}", "[0-9]{1,13}"
"""Times that are dates: up to the year 2286."""


def tick_field(name: str) -> str:
    """The name of the number that lets each tick of an entry through once."""
    return f"cron:{name}"


@dataclass
class Kept:
    """The schedule of the run time as it is in Redis, with what is wrong in it."""

    entries: list[Entry] = field(default_factory=list)
    errors: list[ConfigurationError] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)
    since: dict[str, int] = field(default_factory=dict)
    """The epoch seconds from which resumed and new entries fire."""
    seen: float | None = None
    """When a daemon last looked."""


class Store:
    """The scheduler's part of one app's Redis."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.key = app.global_key("scheduler")

    # Daemons

    def look(self) -> tuple[float, str]:
        """The time of Redis, and the version of what is kept."""
        now, version = self.script("look", self.app.broker.shift)
        return now / 1000, version.decode()

    def begin(self, queue: str, entries: Iterable[Entry]) -> list[int]:
        """For each entry the epoch second after which its ticks count."""
        keys = [self.app.key(queue, "scheduler"), self.app.key(queue, "meta")]
        words = [word for entry in entries for word in (entry.name, entry.timing)]
        found: list[int] = self.app.script(
            __package__, "begin", keys, [self.app.broker.shift, *words]
        )
        return found

    def pass_over(self, queue: str, ticks: Mapping[str, int]) -> None:
        """Note the last ticks of entries that are dealt with though nothing was enqueued."""
        words = [word for pair in ticks.items() for word in pair]
        self.app.script(__package__, "pass", [self.app.key(queue, "scheduler")], words)

    def load(self) -> Kept:
        """All that is kept."""
        found = self.app.command("HGETALL", self.key)
        kept = Kept()
        for n in range(0, len(found), 2):
            kind, _, name = found[n].decode(errors="replace").partition(":")
            value = found[n + 1].decode(errors="replace")
            if kind == "entry":
                add(kept, name, value)
            elif kind == "from" and value == PAUSED:
                kept.paused.add(name)
            elif kind == "from" and re.fullmatch(SECONDS, value):
                kept.since[name] = int(value)
            elif kind == "seen" and re.fullmatch(MILLISECONDS, value):
                kept.seen = int(value) / 1000
        return kept

    # Operators

    def now(self) -> float:
        """The time of Redis."""
        second, micro = self.app.command("TIME")
        return int(second) + int(micro) / 1e6 + self.app.broker.shift / 1000

    def set(self, entry: Entry) -> bool:
        """Keep an entry, in place of the one of its name; True if there was none."""
        text = json.dumps(fields_of(entry))
        return bool(self.script("set", self.app.broker.shift, entry.name, text))

    def remove(self, name: str) -> bool:
        """Remove an entry; False if there is none."""
        return bool(self.script("remove", name))

    def pause(self, name: str, *, resume: bool = False) -> bool:
        """Let an entry not fire until it is resumed; False if it was so already."""
        act = "resume" if resume else "pause"
        return bool(self.script("pause", self.app.broker.shift, name, act))

    def script(self, name: str, *words: str | int) -> Any:
        return self.app.script(__package__, name, [self.key], words)


def add(kept: Kept, name: str, text: str) -> None:
    try:
        kept.entries.append(entry_of(name, json.loads(text)))
    except (ValueError, RecursionError) as error:
        kept.errors.append(EntryError(name, f"expected JSON in Redis, got {text!r:.80} ({error})"))
    except ConfigurationError as error:
        kept.errors.append(error)
