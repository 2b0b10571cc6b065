"""Jobs, settlements, claims and commands as the arguments of a script; see the headers in lua/."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeVar

from ..connection.client import RawArg
from ..model.entry import Entry
from ..model.reservation import Settlement
from ..model.transition import CommandArg
from .keys import QUEUE_PARTS

JOBS_PER_SCRIPT, ARGS_PER_SCRIPT = 1000, 100_000
"""How many jobs, and how many arguments, one script takes; more jobs go into a further call."""
JOBS_PER_OPERATION = 100
"""How many jobs an operator's script changes: finding one in a long queue takes long."""
LONGEST_WAIT_SECONDS = 1e11
"""More than three thousand years."""

T = TypeVar("T")
Item = TypeVar("Item", Entry, Settlement)

attachments_of = itemgetter(-1)
"""What is attached to an entry or to a settlement: the last field of both, mostly empty."""


def split_pages(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items in pages that one script takes each; one empty page if there are no items."""
    if len(items) <= JOBS_PER_SCRIPT and not any(map(attachments_of, items)):
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

    def add_entry(self, entry: Entry) -> None:
        """Add a job that is to be stored."""
        self.args += [entry.id, entry.payload, entry.due.argument]
        if entry.transition is None:
            self.args += [0, 0, 0]
            return
        self.add_claims(entry.transition.claims)
        self.args.append(len(entry.transition.numbers))
        for name, number in entry.transition.numbers:
            self.args += [name, number]
        self.add_commands(entry.transition.commands)

    def add_settlements(self, settlements: Sequence[Settlement]) -> None:
        """Add settlements: plain ones first, then done ones with commands, then all others."""
        plain = [each for each in settlements if each.plain]
        attached = [each for each in settlements if each.outcome == "done" and each.commands]
        self.args.append(len(plain))
        for each in plain:
            self.args += each[:2]
        self.args.append(len(attached))
        for each in attached:
            self.args += each[:2]
            self.add_commands(each.commands)
        self.args.append(len(settlements) - len(plain) - len(attached))
        for each in settlements:
            if each.outcome != "done":
                self.add_settlement(each)

    def add_settlement(self, other: Settlement) -> None:
        """Add one settlement that is not ``done``."""
        self.args += [other.id, other.token, other.outcome]
        self.args += [encode_text(other.payload), to_milliseconds(other.wait)]
        self.add_commands(other.commands)

    def add_claims(self, claims: Sequence[Sequence[str]]) -> None:
        """Add their number, and each claim with the end until which it is held."""
        self.args.append(len(claims))
        for key, until in claims:
            self.args += [key, until]

    def add_commands(self, commands: Sequence[Sequence[CommandArg]]) -> None:
        """Add their number, and each command with its length and the number of its key."""
        self.args.append(len(commands))
        for command in commands:
            self.keys.append(str(command[1]))
            number = len(QUEUE_PARTS) + len(self.keys)
            self.args += [len(command), command[0], number, *command[2:]]


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


def split_batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items in batches that one operator's script changes each."""
    for first in range(0, len(items), JOBS_PER_OPERATION):
        yield items[first : first + JOBS_PER_OPERATION]
