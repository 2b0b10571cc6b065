"""Jobs, claims and commands as the arguments of a script; see the headers in lua/."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeVar

from ..connection.client import RawArg
from ..model.entry import Entry
from ..model.handover import Child
from ..model.reservation import Settlement
from ..model.transition import CommandArg
from .keys import QUEUE_PARTS

JOBS_PER_SCRIPT, ARGS_PER_SCRIPT = 1000, 100_000
"""How many jobs, and how many arguments, one script takes; more jobs go into a further call."""
JOBS_PER_OPERATION = 100
"""How many jobs an operator's script changes: finding one in a long queue takes long."""
LONGEST_WAIT_SECONDS = 1e11
"""More than three thousand years."""

LATEST_MS = 10.0**13 - 1
"""The latest due time that buoy reads, in ms since the epoch."""

T = TypeVar("T")
Item = TypeVar("Item", Entry, Settlement)

attachments_of = itemgetter(-1)
"""What is attached to an entry or to a settlement: the last field of both, mostly empty."""
children_of = itemgetter(Settlement._fields.index("children"))
"""The jobs that a settled job has enqueued: mostly none."""


def split_pages(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items in pages that one script takes each; one empty page if there are no items."""
    few = len(items) <= JOBS_PER_SCRIPT and not any(map(attachments_of, items))
    if few and not (items and type(items[0]) is Settlement and any(map(children_of, items))):
        yield items
        return
    first = args = 0
    for n, item in enumerate(items):
        args += item.size
        if n > first and (n - first == JOBS_PER_SCRIPT or args > ARGS_PER_SCRIPT):
            yield items[first:n]
            first, args = n, item.size
    yield items[first:]


@dataclass(slots=True)
class ScriptArguments:
    """The arguments of a script, and the keys that it takes after those of its queue."""

    args: list[RawArg] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def number_of_next_key(self) -> int:
        """The number that the next key of ``keys`` gets in KEYS."""
        return len(QUEUE_PARTS) + len(self.keys) + 1

    def add_entry(self, entry: Entry) -> None:
        """Add a job that is to be stored."""
        self.args += [entry.id, entry.payload, entry.name, entry.due.argument]
        if entry.transition is None:
            self.args += [0, 0, 0]
            return
        self.add_claims(entry.transition.claims)
        self.args.append(len(entry.transition.numbers))
        for name, number in entry.transition.numbers:
            self.args += [name, number]
        self.add_commands(entry.transition.commands)

    def add_claims(self, claims: Sequence[Sequence[str]]) -> None:
        """Add their number, and each claim with the end until which it is held."""
        self.args.append(len(claims))
        for key, until in claims:
            self.args += [key, until]

    def add_commands(self, commands: Sequence[Sequence[CommandArg]]) -> None:
        """Add their number, and each command with its length and the number of its key."""
        self.args.append(len(commands))
        for command in commands:
            number = self.number_of_next_key
            self.keys.append(str(command[1]))
            self.args += [len(command), command[0], number, *command[2:]]

    def add_children(self, children: Sequence[Child]) -> None:
        """Add their number, and the words of each job that a run has enqueued."""
        self.args.append(len(children))
        for words in children:
            self.args += [len(words), *words]


def encode_text(text: str) -> bytes:
    """The bytes of a text from ``decode_text``, also of one that is not UTF-8."""
    return text.encode(errors="surrogateescape")


def decode_text(raw: bytes) -> str:
    """Bytes from Redis as text; bytes that are not UTF-8 become surrogates, and nothing is lost."""
    return raw.decode(errors="surrogateescape")


def to_milliseconds(seconds: float) -> int:
    """A wait in milliseconds within the range of scripts: 0 for a negative one or NaN."""
    return round(min(seconds, LONGEST_WAIT_SECONDS) * 1000) if seconds > 0 else 0


def to_seconds(milliseconds: int) -> float | None:
    """Milliseconds from a script as seconds; None for -1, which stands for no time."""
    return None if milliseconds < 0 else milliseconds / 1000


def parse_epoch(text: bytes | None) -> float:
    """Epoch seconds from the milliseconds that Redis keeps; 0.0 for anything but a number."""
    try:
        found = float(text or 0) / 1000
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0


def readable_ms(score: str) -> int:
    """Returns a time in ms, moved into the range of times that buoy accepts."""
    return round(min(max(0.0, float(score)), LATEST_MS))


def split_batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items in batches that one operator's script changes each."""
    for first in range(0, len(items), JOBS_PER_OPERATION):
        yield items[first : first + JOBS_PER_OPERATION]
