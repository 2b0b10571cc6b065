"""What the scheduler keeps in Redis: entries set at run time, pauses, and checkpoints of how far
each entry is.

``buoy:scheduler``, hash: ``entry:NAME`` → the entry as JSON; ``start:NAME`` → the epoch second
after which the entry fires, or "paused"; ``queue:QUEUE`` for each queue that has checkpoints;
``version``, increased with each change; ``polled_at``, when a daemon last polled, and
``daemon:HOST:PID``, when this one did (epoch milliseconds).

``buoy:{QUEUE}:scheduler``, hash, the checkpoints: the name of each entry whose jobs go to the queue
→ the epoch second after which its ticks count, when a daemon last touched it (epoch seconds), and
its timing. The last tick that was enqueued is the number ``cron:NAME`` in the meta hash of the
queue.
"""

import json
import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from buoy import App, ConfigurationError
from buoy.plugins import expect
from buoy.plugins.redis import (
    RedisSteps,
    awaiting,
    blocking,
    command_steps,
    lua_steps,
    number_place,
)

from .entry import Entry, EntryError
from .entry_format import ENVIRONMENTS, entry_of, fields_of
from .sealed_args import open_args, seal_args

PAUSED = "paused"
REMOVED = "gone"
"""The timing in the checkpoint of a removed entry: it differs from every real timing, so the entry
is new when it comes back."""
CLOCK_TOLERANCE = 60
"""Seconds by which a checkpoint may be ahead of the clock of Redis: the clocks of two servers
differ."""
GONE_MILLISECONDS = 3_600_000
"""Milliseconds after which a daemon that does not poll is forgotten."""
MOST_TEXT = 2_000_000
"""Characters of an entry as JSON."""
SECONDS, MILLISECONDS = "[0-9]{1,10}", "[0-9]{1,13}"
"""Texts that are times up to the year 2286."""


def daemon_name(pid: int) -> str:
    """Returns the name of a daemon of this host, by its process id."""
    return f"{socket.gethostname()}:{pid}"


def tick_field(name: str) -> str:
    """Returns the name of the number in Redis that lets each tick of an entry through once."""
    return f"cron:{name}"


@dataclass
class RuntimeSchedule:
    """The part of the schedule that is kept in Redis: entries that were set at run time, the errors
    of others, and pauses of all entries."""

    entries: list[Entry] = field(default_factory=list)
    errors: list[ConfigurationError] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)
    start_times: dict[str, int] = field(default_factory=dict)
    """The epoch seconds after which resumed and new entries fire."""
    polled_at: float | None = None
    """When a daemon last polled, in epoch seconds."""

    def add(self, entry: Entry | ConfigurationError) -> None:
        """Adds an entry, or the error of one."""
        if isinstance(entry, Entry):
            self.entries.append(entry)
        else:
            self.errors.append(entry)


class Store:
    """The scheduler's part of the Redis of one app. Its methods raise BrokerError when Redis cannot
    be reached."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.run_steps, self.arun_steps = app.run_steps, app.arun_steps
        self.key = app.global_key("scheduler")
        self.parsed: dict[str, tuple[str, Entry | ConfigurationError]] = {}
        """The texts of entries and what they were parsed to: few of them change between loads."""

    # Daemons

    def poll(self) -> tuple[float, str]:
        """Returns the time of Redis (epoch seconds) and the version of the runtime schedule."""
        args = self.app.clock_shift, daemon_name(os.getpid()), GONE_MILLISECONDS
        now, version = self.script("poll", *args)
        return now / 1000, version.decode(errors="replace")

    def polled_ago(self) -> dict[str, float]:
        """Returns for each daemon the seconds since it last polled."""
        now, found = self.now(), self.app.command("HGETALL", self.key)
        pairs = [(found[n].decode(errors="replace"), found[n + 1]) for n in range(0, len(found), 2)]
        return {
            field.removeprefix("daemon:"): now - int(at) / 1000
            for field, at in pairs
            if field.startswith("daemon:") and re.fullmatch(MILLISECONDS.encode(), at)
        }

    def read_checkpoints(
        self, queue: str, entries: Iterable[Entry], start_times: Mapping[str, int] | None = None
    ) -> list[int]:
        """Touches the checkpoints of entries, and returns for each the epoch second after which its
        ticks count. ``start_times``: when some of them were set or resumed."""
        start = start_times or {}
        rows = [(entry.name, entry.timing, start.get(entry.name, 0)) for entry in entries]
        return self.touch_checkpoints(queue, rows)

    def mark_removed(self, queue: str, names: Iterable[str]) -> None:
        """Stores that entries were removed from the schedule."""
        self.touch_checkpoints(queue, [(name, REMOVED, 0) for name in names])

    def touch_checkpoints(self, queue: str, rows: Iterable[tuple[str, str, int]]) -> list[int]:
        args: list[str | int] = [self.app.clock_shift, self.tick_prefix(queue)]
        for row in rows:
            args += row
        keys = self.checkpoint_keys(queue)
        seconds: list[int] = self.app.script(__package__, "touch_checkpoints", keys, args)
        return seconds

    def checkpoint_keys(self, queue: str) -> list[str]:
        """Returns the keys of a queue's checkpoints and of its last ticks."""
        key, _ = number_place(self.app, queue, tick_field(""))
        return [self.app.key(queue, "scheduler"), key]

    def tick_prefix(self, queue: str) -> str:
        """Returns what the fields of last ticks begin with; the name of the entry follows."""
        _, field = number_place(self.app, queue, tick_field(""))
        return field

    def skip_ticks(self, queue: str, ticks: Mapping[str, int]) -> None:
        """Stores the last tick of each entry that is handled though no job was enqueued."""
        args = [arg for pair in ticks.items() for arg in pair]
        self.app.script(__package__, "skip_ticks", [self.app.key(queue, "scheduler")], args)

    # Checkpoints

    def reset_checkpoints(self, queue: str, names: Iterable[str]) -> None:
        """Sets checkpoints that are ahead of the clock to now."""
        args: list[str | int] = [
            self.app.clock_shift,
            self.tick_prefix(queue),
            CLOCK_TOLERANCE,
            *names,
        ]
        self.app.script(__package__, "reset_checkpoints", self.checkpoint_keys(queue), args)

    def reset_start_times(self, names: Iterable[str]) -> None:
        """Sets start times that are ahead of the clock to now."""
        self.script("reset_start_times", self.app.clock_shift, CLOCK_TOLERANCE, *names)

    def add_queues(self, queues: Iterable[str]) -> None:
        """Stores that these queues have checkpoints."""
        args = [arg for queue in queues for arg in (f"queue:{queue}", 1)]
        self.app.command("HSET", self.key, *args)

    def checkpoint_queues(self) -> list[str]:
        """Returns the queues that have checkpoints."""
        fields = [field.decode(errors="replace") for field in self.app.command("HKEYS", self.key)]
        parts = [field.partition(":") for field in fields]
        return [name for kind, _, name in parts if kind == "queue"]

    def forget_unseen(self, queue: str, seconds: int) -> None:
        """Forgets the entries of a queue that no daemon has touched for this time."""
        args: list[str | int] = [self.app.clock_shift, self.tick_prefix(queue), seconds]
        keys = self.checkpoint_keys(queue)
        remaining, names = self.app.script(__package__, "forget_unseen", keys, args)
        if names or not remaining:
            self.script("forget_start_times", "" if remaining else queue, *names)

    @blocking
    def load(self) -> RedisSteps[RuntimeSchedule]:
        """Returns the runtime schedule. Wrong entries are in its ``errors``."""
        found = yield from command_steps("HGETALL", self.key)
        runtime, parsed = RuntimeSchedule(), self.parsed
        self.parsed = {}
        for n in range(0, len(found), 2):
            kind, _, name = found[n].decode(errors="replace").partition(":")
            value = found[n + 1].decode(errors="replace")
            if kind == "entry":
                known = parsed.get(name)
                entry = known[1] if known and known[0] == value else parse_entry(name, value)
                self.parsed[name] = value, entry
                runtime.add(entry)
            elif kind == "start" and value == PAUSED:
                runtime.paused.add(name)
            elif kind == "start" and re.fullmatch(SECONDS, value):
                runtime.start_times[name] = int(value)
            elif kind == "polled_at" and re.fullmatch(MILLISECONDS, value):
                runtime.polled_at = int(value) / 1000
        return runtime

    aload = awaiting(load)

    # Operators

    def now(self) -> float:
        """Returns the time of Redis, in epoch seconds."""
        second, micro = self.app.command("TIME")
        return int(second) + int(micro) / 1e6 + self.app.clock_shift / 1000

    @blocking
    def set(self, entry: Entry) -> RedisSteps[bool]:
        """Sets an entry; it replaces the entry of its name. Returns whether there was none. Raises
        ConfigurationError when the entry is too long."""
        text = json.dumps(seal_args(entry.name, fields_of(entry)))
        expect(len(text) <= MOST_TEXT, "entry", f"at most {MOST_TEXT} characters", len(text))
        return bool((yield from self.steps("set", self.app.clock_shift, entry.name, text)))

    aset = awaiting(set)

    @blocking
    def remove(self, name: str) -> RedisSteps[bool]:
        """Removes an entry; returns False if there is none."""
        return bool((yield from self.steps("remove", self.app.clock_shift, name)))

    aremove = awaiting(remove)

    def pause(self, name: str, *, resume: bool = False) -> bool:
        """Pauses or resumes an entry; returns whether that changed anything."""
        action = "resume" if resume else "pause"
        return bool(self.script("pause", self.app.clock_shift, name, action))

    def script(self, name: str, *args: str | int) -> Any:
        return self.app.run_steps(self.steps(name, *args))

    def steps(self, name: str, *args: str | int) -> RedisSteps[Any]:
        return lua_steps(__package__, name, [self.key], args)


def read_last_ticks(app: App, entries: Sequence[tuple[str, str]]) -> RedisSteps[dict[str, int]]:
    """Returns the last tick that was enqueued, for each entry that has one. Entries are given by
    their names and queues; takes one round trip."""
    if not entries:
        return {}
    places = [(name, number_place(app, queue, tick_field(name))) for name, queue in entries]
    replies = yield [["HGET", key, field] for _, (key, field) in places]
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return {
        name: int(tick)
        for (name, _), tick in zip(places, replies, strict=True)
        if re.fullmatch(SECONDS.encode(), tick or b"")
    }


def parse_entry(name: str, text: str) -> Entry | ConfigurationError:
    """Returns the entry in a text from Redis, or its error."""
    try:
        fields = json.loads(text) if len(text) <= MOST_TEXT else text
        entry = entry_of(name, open_args(name, fields))
        wrong = sorted({*ENVIRONMENTS} & {*fields})
        expect(not wrong, "keys", "no environments at run time", ", ".join(wrong))
    except (ValueError, RecursionError) as error:
        return EntryError(name, f"expected JSON in Redis, got {text!r:.80} ({error})")
    except ConfigurationError as error:
        return error if isinstance(error, EntryError) else EntryError(name, error)
    return entry
