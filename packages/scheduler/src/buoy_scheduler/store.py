"""What the scheduler keeps in Redis: entries of the run time, pauses, and how far each entry is.

``buoy:scheduler``, hash: ``entry:NAME`` → the entry as JSON; ``from:NAME`` → the epoch second after
which it fires, or "paused"; ``queue:QUEUE`` for each queue that has marks; ``version``, counted up
with each change; ``seen``, when a daemon last looked (ms). ``buoy:{QUEUE}:scheduler``, hash, the
marks: the name of each entry that fires into the queue → since when, when a daemon saw it (both in
seconds), and its timing. The last tick that was enqueued is the number ``cron:NAME`` in the queue's
meta.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from buoy import App, ConfigurationError
from buoy.plugins.redis import number_place

from .entry import Entry, EntryError, expect
from .spelling import ENVIRONMENTS, entry_of, fields_of

PAUSED = "paused"
GONE = "gone"
"""The timing of an entry that was taken out: whatever it is when it comes back, it is another."""
MOST_TEXT = 2_000_000
"""Characters of an entry as JSON."""
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

    def take(self, entry: Entry | ConfigurationError) -> None:
        """Add an entry, or what is wrong with it."""
        if isinstance(entry, Entry):
            self.entries.append(entry)
        else:
            self.errors.append(entry)


class Store:
    """The scheduler's part of one app's Redis."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.key = app.global_key("scheduler")
        self.read: dict[str, tuple[str, Entry | ConfigurationError]] = {}
        """What the texts of entries were found to be: few change at a time."""

    # Daemons

    def look(self) -> tuple[float, str]:
        """The time of Redis, and the version of what is kept."""
        now, version = self.script("look", self.app.clock_shift)
        return now / 1000, version.decode(errors="replace")

    def begin(
        self, queue: str, entries: Iterable[Entry], since: Mapping[str, int] | None = None
    ) -> list[int]:
        """For each entry the epoch second after which its ticks count. ``since``: from when some of
        them were set or resumed."""
        start = since or {}
        words = [(entry.name, entry.timing, start.get(entry.name, 0)) for entry in entries]
        return self.mark(queue, words)

    def part(self, queue: str, names: Iterable[str]) -> None:
        """Note that entries were taken out."""
        self.mark(queue, [(name, GONE, 0) for name in names])

    def mark(self, queue: str, words: Iterable[tuple[str, str, int]]) -> list[int]:
        flat: list[str | int] = [self.app.clock_shift, self.tick_fields(queue)]
        for each in words:
            flat += each
        found: list[int] = self.app.script(__package__, "begin", self.marks_of(queue), flat)
        return found

    def marks_of(self, queue: str) -> list[str]:
        """The keys of a queue in which marks are, and the last ticks."""
        key, _ = number_place(self.app, queue, tick_field(""))
        return [self.app.key(queue, "scheduler"), key]

    def tick_fields(self, queue: str) -> str:
        """What the fields of last ticks begin with; the names of their entries follow."""
        _, field = number_place(self.app, queue, tick_field(""))
        return field

    def pass_over(self, queue: str, ticks: Mapping[str, int]) -> None:
        """Note the last ticks of entries that are dealt with though nothing was enqueued."""
        words = [word for pair in ticks.items() for word in pair]
        self.app.script(__package__, "pass", [self.app.key(queue, "scheduler")], words)

    # Marks

    def mend(self, queue: str, names: Iterable[str], ahead: int) -> None:
        """Take back marks that are so many seconds ahead of the clock."""
        words: list[str | int] = [self.app.clock_shift, self.tick_fields(queue), ahead, *names]
        self.app.script(__package__, "mend", self.marks_of(queue), words)

    def mend_from(self, names: Iterable[str], ahead: int) -> None:
        """Take back from when entries were set or resumed, where that is ahead of the clock."""
        self.script("mend_from", self.app.clock_shift, ahead, *names)

    def note_queues(self, queues: Iterable[str]) -> None:
        """Note that these have marks."""
        words = [word for queue in queues for word in (f"queue:{queue}", 1)]
        self.app.command("HSET", self.key, *words)

    def noted_queues(self) -> list[str]:
        """Those that have marks."""
        fields = [field.decode(errors="replace") for field in self.app.command("HKEYS", self.key)]
        parts = [field.partition(":") for field in fields]
        return [name for kind, _, name in parts if kind == "queue"]

    def forget(self, queue: str, seconds: int) -> None:
        """Forget the entries of a queue that no daemon has seen for so long."""
        words: list[str | int] = [self.app.clock_shift, self.tick_fields(queue), seconds]
        left, names = self.app.script(__package__, "forget", self.marks_of(queue), words)
        if names or not left:
            self.script("drop", "" if left else queue, *names)

    def last_ticks(self, queue: str, names: Sequence[str]) -> dict[str, int]:
        """The last ticks that were enqueued, of those entries that have any."""
        key, _ = number_place(self.app, queue, "")
        fields = [number_place(self.app, queue, tick_field(name))[1] for name in names]
        found = self.app.command("HMGET", key, *fields)
        pairs = zip(names, found, strict=True)
        return {
            name: int(tick) for name, tick in pairs if re.fullmatch(SECONDS.encode(), tick or b"")
        }

    def load(self) -> Kept:
        """All that is kept."""
        found = self.app.command("HGETALL", self.key)
        kept, read = Kept(), self.read
        self.read = {}
        for n in range(0, len(found), 2):
            kind, _, name = found[n].decode(errors="replace").partition(":")
            value = found[n + 1].decode(errors="replace")
            if kind == "entry":
                known = read.get(name)
                entry = known[1] if known and known[0] == value else kept_entry(name, value)
                self.read[name] = value, entry
                kept.take(entry)
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
        return int(second) + int(micro) / 1e6 + self.app.clock_shift / 1000

    def set(self, entry: Entry) -> bool:
        """Keep an entry, in place of the one of its name; True if there was none."""
        text = json.dumps(fields_of(entry))
        expect(len(text) <= MOST_TEXT, "entry", f"at most {MOST_TEXT} characters", len(text))
        return bool(self.script("set", self.app.clock_shift, entry.name, text))

    def remove(self, name: str) -> bool:
        """Remove an entry; False if there is none."""
        return bool(self.script("remove", name))

    def pause(self, name: str, *, resume: bool = False) -> bool:
        """Let an entry not fire until it is resumed; False if it was so already."""
        act = "resume" if resume else "pause"
        return bool(self.script("pause", self.app.clock_shift, name, act))

    def script(self, name: str, *words: str | int) -> Any:
        return self.app.script(__package__, name, [self.key], words)


def kept_entry(name: str, text: str) -> Entry | ConfigurationError:
    """The entry, or what is wrong with it."""
    try:
        fields = json.loads(text) if len(text) <= MOST_TEXT else text
        entry = entry_of(name, fields)
        wrong = sorted({*ENVIRONMENTS} & {*fields})
        expect(not wrong, "keys", "no environments at run time", ", ".join(wrong))
    except (ValueError, RecursionError) as error:
        return EntryError(name, f"expected JSON in Redis, got {text!r:.80} ({error})")
    except ConfigurationError as error:
        return error if isinstance(error, EntryError) else EntryError(name, error)
    return entry
