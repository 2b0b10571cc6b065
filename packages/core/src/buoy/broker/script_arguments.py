"""How jobs, claims and commands are spelled as the words of a script; see the headers in lua/."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeVar

from ..model.entry import Entry
from ..model.reservation import Settlement
from ..model.transition import Word
from .keys import QUEUE_PARTS

PAGE, WORDS = 1000, 100_000
"""How many jobs, of how many words, one script takes at most; what is more goes into another."""

LONGEST_WAIT = 1e11
"""Seconds, more than three thousand years."""

T = TypeVar("T")
OPERATED = 100
"""How many jobs one script changes: finding one in a long queue takes a while."""


Item = TypeVar("Item", Entry, Settlement)


attached = itemgetter(-1)
"""What is attached to an entry, or to a settlement; nothing to most."""


def pages(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """So many at a time as one script takes; at least one page, be it empty."""
    if len(items) <= PAGE and not any(map(attached, items)):
        yield items
        return
    first = words = 0
    for n, item in enumerate(items):
        words += item.size
        if n > first and (n - first == PAGE or words > WORDS):
            yield items[first:n]
            first, words = n, item.size
    yield items[first:]


@dataclass(slots=True)
class Packing:
    """The words of a script, and the keys that it needs beside those of its queue."""

    words: list[Word | bytes] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def entry(self, entry: Entry) -> None:
        self.words += [entry.id, entry.payload, entry.due]
        if entry.transition is None:
            self.words += [0, 0, 0]
            return
        self.claims(entry.transition.claims)
        self.words.append(len(entry.transition.numbers))
        for name, number in entry.transition.numbers:
            self.words += [name, number]
        self.commands(entry.transition.commands)

    def settlements(self, settlements: Sequence[Settlement]) -> None:
        """What becomes of jobs: those that are done, those done with something attached, others."""
        plain = [each for each in settlements if each.plain]
        attached = [each for each in settlements if each.outcome == "done" and each.commands]
        self.words.append(len(plain))
        for each in plain:
            self.words += each[:2]
        self.words.append(len(attached))
        for each in attached:
            self.words += each[:2]
            self.commands(each.commands)
        self.words.append(len(settlements) - len(plain) - len(attached))
        for each in settlements:
            if each.outcome != "done":
                self.settlement(each)

    def settlement(self, other: Settlement) -> None:
        self.words += [other.id, other.token, other.outcome]
        self.words += [raw(other.payload), milliseconds(other.wait)]
        self.commands(other.commands)

    def claims(self, claims: Sequence[Sequence[str]]) -> None:
        self.words.append(len(claims))
        for key, until in claims:
            self.words += [key, until]

    def commands(self, commands: Sequence[Sequence[Word]]) -> None:
        self.words.append(len(commands))
        for command in commands:
            self.keys.append(str(command[1]))
            number = len(QUEUE_PARTS) + len(self.keys)
            self.words += [len(command), command[0], number, *command[2:]]


def raw(text: str) -> bytes:
    """Text as Redis holds it: also bytes that are no UTF-8 come back as they were."""
    return text.encode(errors="surrogateescape")


def text(raw: bytes) -> str:
    """What Redis holds, as text; see raw."""
    return raw.decode(errors="surrogateescape")


def milliseconds(seconds: float) -> int:
    """A wait that scripts take, whatever was computed for it."""
    return round(min(seconds, LONGEST_WAIT) * 1000) if seconds > 0 else 0


def seconds(milliseconds: int) -> float | None:
    """A time in seconds; -1 stands for none."""
    return None if milliseconds < 0 else milliseconds / 1000


def moment(text: bytes | None) -> float:
    """Epoch seconds, of the milliseconds that Redis keeps; what is no time is long ago."""
    try:
        found = float(text or 0) / 1000
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many at a time as one script changes."""
    for first in range(0, len(items), OPERATED):
        yield items[first : first + OPERATED]
