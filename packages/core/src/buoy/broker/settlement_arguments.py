"""Settlements as the arguments of lua/advance.lua.

Settlements of one kind are counted alike: their jobs are of one class, and have waited and run for
similar times. So a few words tell Redis all that it is to count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..connection.client import RawArg
from ..model.reservation import OutcomeWord, Settlement
from .script_arguments import ScriptArguments, encode_text, to_milliseconds

LAST_BUCKET = 27
"""The last bucket of a histogram; see docs/redis.md."""
MOST_MICROSECONDS = 2**53 - 1
"""Scripts take no greater number."""
TIMED: Sequence[OutcomeWord] = ("done", "failed", "delayed")
"""The outcomes of runs whose times are counted."""

Key = tuple[str, int, int]
"""Class; buckets of the times that its jobs have waited and run: the bit lengths of these times in
milliseconds. (-1, -1): the times are not counted; (-1, 0): moreover the run had begun."""


@dataclass(slots=True)
class Kind:
    """The settlements of one kind: the sums of their times in seconds, and how many they are."""

    waited: float = 0.0
    ran: float = 0.0
    members: int = 0
    plain: list[RawArg] = field(default_factory=list)
    """The ids and tokens of those that need no other word."""


def add_settlements(arguments: ScriptArguments, settlements: Sequence[Settlement]) -> None:
    """Add settlements: their kinds, then plain ones, other done ones, and all others."""
    kinds: dict[Key, Kind] = {}
    done: list[tuple[Settlement, Key]] = []
    others: list[tuple[Settlement, Key]] = []
    for each in settlements:
        id, token, _, outcome, _, _, name, waited, seconds, children, commands = each
        if outcome != "done" or commands or children or not name or seconds is None:
            (done if outcome == "done" else others).append((each, add_to_kind(kinds, each)))
            continue
        key = name, int(waited * 1000).bit_length(), int(seconds * 1000).bit_length()
        kind = kinds.get(key)
        if kind is None:
            kind = kinds[key] = Kind()
        kind.waited += waited
        kind.ran += seconds
        kind.plain += (id, token)
    numbers = add_kinds(arguments, kinds)
    add_plain(arguments, kinds)
    arguments.args.append(len(done))
    for each, key in done:
        arguments.args += [*each[:2], numbers.get(key, 0)]
        arguments.add_commands(each.commands)
        arguments.add_children(each.children)
    arguments.args.append(len(others))
    for each, key in others:
        add_other(arguments, each, numbers.get(key, 0))


def add_to_kind(kinds: dict[Key, Kind], each: Settlement) -> Key:
    """Add a settlement that is not plain to its kind; returns the key of that. A settlement without
    a class is of no kind, and is not counted."""
    waited, seconds = 0.0, 0.0
    if each.seconds is None or each.outcome not in TIMED:
        key = each.name, -1, -1 if each.seconds is None else 0
    else:
        waited, seconds = each.waited, each.seconds
        key = each.name, int(waited * 1000).bit_length(), int(seconds * 1000).bit_length()
    if each.name:
        kind = kinds.setdefault(key, Kind())
        kind.waited += waited
        kind.ran += seconds
        kind.members += 1
    return key


def add_kinds(arguments: ScriptArguments, kinds: dict[Key, Kind]) -> dict[Key, int]:
    """Add the kinds; returns their numbers."""
    arguments.args.append(len(kinds))
    for (name, wait, run), kind in kinds.items():
        members = kind.members + len(kind.plain) // 2
        arguments.args += [encode_text(name), min(wait, LAST_BUCKET), min(run, LAST_BUCKET)]
        arguments.args += [to_microseconds(kind.waited), to_microseconds(kind.ran), members]
    return {key: number for number, key in enumerate(kinds, start=1)}


def add_plain(arguments: ScriptArguments, kinds: dict[Key, Kind]) -> None:
    """Add the plain settlements, by kind."""
    numbered = [(n, kind.plain) for n, kind in enumerate(kinds.values(), start=1) if kind.plain]
    arguments.args.append(len(numbered))
    for number, words in numbered:
        arguments.args += [number, len(words) // 2, *words]


def add_other(arguments: ScriptArguments, other: Settlement, kind: int) -> None:
    """Add one settlement that is not ``done``."""
    arguments.args += [other.id, other.token, other.outcome, kind]
    arguments.args += [encode_text(other.payload), to_milliseconds(other.wait)]
    arguments.add_commands(other.commands)


def to_microseconds(seconds: float) -> int:
    """A sum of seconds in microseconds, within the range of scripts."""
    return int(min(seconds * 1e6, MOST_MICROSECONDS))
