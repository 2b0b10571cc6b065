"""Reads what the queues have counted."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ..broker.script_arguments import ScriptArguments, decode_text, encode_text
from ..broker.scripts import script_steps
from ..connection.client import RawArg, RedisSteps, send_commands, together
from ..model.checks import expect
from .counts import ClassCounts, CountsAt, parse_counts
from .reader import Reader

Period = Literal["minute", "hour", "day"]


class Kept(NamedTuple):
    """Where the counts of a period are: a part of the queue. ``seconds``: how long it lasts."""

    part: str
    seconds: int


PERIODS: dict[Period, Kept] = {
    "minute": Kept("minutes", 60),
    "hour": Kept("hours", 3_600),
    "day": Kept("days", 86_400),
}
"""The periods for which counts are kept."""
Since = float | Mapping[str, float] | None
"""When the first period begins at the earliest (epoch seconds), for all queues or by queue."""
Rows = list[dict[str, Any]]
"""Counts as Redis has them."""
PAGE_SIZE = 2000
CLASSES_PAGE = 2000
"""How many classes are read in one round trip."""
WORDS = ("enqueued", "counts")
"""Before the name of a class: the fields that count its jobs."""


def read_counts(reader: Reader, queues: Sequence[str]) -> RedisSteps[list[ClassCounts]]:
    """Returns the counts of these queues, by queue and class. Raises BrokerError.

    Takes two round trips, or a few more for thousands of classes.
    """
    names = yield from read_classes(reader, queues)
    classes = [(queue, name) for queue, some in zip(queues, names, strict=True) for name in some]
    found: list[ClassCounts] = []
    for first in range(0, len(classes), CLASSES_PAGE):
        found += yield from counts_of_classes(reader, classes[first : first + CLASSES_PAGE])
    return found


def read_classes(reader: Reader, queues: Sequence[str]) -> RedisSteps[list[list[str]]]:
    """Returns for each queue the classes of which it has counted anything, sorted."""
    keys = [reader.keys.part(queue, "meta") for queue in queues]
    replies = (yield [["HGET", key, "classes"] for key in keys]) if keys else []
    pairs = zip(keys, replies, strict=True)
    return [class_names(reader, key, reader.readable(key, reply)) for key, reply in pairs]


def class_names(reader: Reader, key: str, stored: bytes | None) -> list[str]:
    """Returns the names of classes that a queue has stored as JSON, sorted."""
    try:
        names = json.loads(decode_text(stored or b"[]"))
    except (ValueError, RecursionError) as error:
        reader.report_skipped(f"{key} classes", error)
        return []
    return sorted(set(filter(is_name, names if isinstance(names, list) else [])))


def is_name(name: object) -> bool:
    """Returns whether this may be the name of a class: a text that a script has written."""
    try:
        return isinstance(name, str) and bool(encode_text(name))
    except UnicodeEncodeError:
        return False


def counts_of_classes(
    reader: Reader, classes: Sequence[tuple[str, str]]
) -> RedisSteps[list[ClassCounts]]:
    """Returns the counts of these pairs of queue and class. Raises BrokerError."""
    keys = [reader.keys.part(queue, "meta") for queue, _ in classes]
    fields = [[encode_text(f"{word}:{name}") for word in WORDS] for _, name in classes]
    pairs = zip(keys, fields, strict=True)
    replies = yield [["HMGET", key, *words] for key, words in pairs]
    found = []
    for (queue, name), key, reply in zip(classes, keys, replies, strict=True):
        enqueued, counts = reader.readable(key, reply) or (None, None)
        number = reader.number(f"{key} enqueued:{name}", enqueued)
        stored = parse_counts(None if counts is None else decode_text(counts))
        found.append(ClassCounts.of(queue, name, stored | {"enqueued": number}))
    return found


def read_series(
    reader: Reader, queues: Sequence[str], period: Period, since: Since
) -> RedisSteps[list[CountsAt]]:
    """Returns what these queues have counted in each period, queue by queue, the oldest first.

    Takes one round trip, or a few more if a queue has counted many classes.
    """
    expect(period in PERIODS, "series(period)", ", ".join(PERIODS), period)
    found = yield from together(
        read_rows(reader, queues, period, since), read_open_rows(reader, queues, period)
    )
    ended, still_open = (dict(zip(queues, each, strict=True)) for each in found)
    return [
        counts
        for queue in queues
        for counts in sums(queue, period, ended[queue], still_open[queue], first_of(since, queue))
    ]


def first_of(since: Since, queue: str) -> float | None:
    """Returns when the first period of a queue may begin."""
    return since.get(queue) if isinstance(since, Mapping) else since


def sums(
    queue: str, period: Period, ended: Rows, still_open: Rows, since: float | None
) -> Iterator[CountsAt]:
    """Returns the counts of a queue by period and class. If the clock has jumped back, several rows
    have the same."""
    seconds = PERIODS[period].seconds
    found: dict[tuple[int, str], CountsAt] = {}
    for rows, is_open in ((ended, False), (still_open, True)):
        for row in rows:
            place, counts = (row["at"], row["class"]), ClassCounts.of(queue, row["class"], row)
            if since is None or row["at"] * seconds >= since:
                counts = found[place].counts + counts if place in found else counts
                found[place] = CountsAt(float(row["at"] * seconds), counts, is_open=is_open)
    return (found[place] for place in sorted(found))


def read_rows(
    reader: Reader, queues: Sequence[str], period: Period, since: Since
) -> RedisSteps[list[Rows]]:
    """Returns for each queue the rows of periods that are over, read in pages."""
    part, seconds = PERIODS[period].part, PERIODS[period].seconds
    keys = {queue: reader.keys.part(queue, part) for queue in queues}
    found: dict[str, Rows] = {queue: [] for queue in queues}
    unread, start = list(queues), 0
    while unread:
        commands: list[list[RawArg]] = []
        for queue in unread:
            first = first_of(since, queue)
            least = "-inf" if first is None else math.ceil(first / seconds)
            commands.append(
                ["ZRANGEBYSCORE", keys[queue], least, "+inf", "LIMIT", start, PAGE_SIZE]
            )
        pages = zip(unread, (yield from send_commands(commands)), strict=True)
        read = {queue: reader.readable(keys[queue], page) or () for queue, page in pages}
        for queue, page in read.items():
            found[queue] += rows_in(reader, keys[queue], page)
        unread = [queue for queue, page in read.items() if len(page) == PAGE_SIZE]
        start += PAGE_SIZE
    return list(found.values())


def read_open_rows(reader: Reader, queues: Sequence[str], period: Period) -> RedisSteps[list[Rows]]:
    """Returns for each queue the rows of the period that is not over; see lua/open.lua."""
    arguments: list[RawArg] = [f"{period}:", PERIODS[period].seconds * 1000]
    calls = [
        reader.broker.script_call("open", queue, ScriptArguments([*arguments])) for queue in queues
    ]
    replies = yield from script_steps(calls)
    pairs = zip(queues, replies, strict=True)
    return [rows_in(reader, queue, reader.readable(queue, reply) or ()) for queue, reply in pairs]


def rows_in(reader: Reader, key: str, members: Iterable[bytes]) -> Rows:
    """Returns the rows in a reply; skips those that cannot be read."""
    rows = []
    for member in members:
        row = parse_counts(decode_text(member))
        if type(row.get("at")) is int and isinstance(row.get("class"), str):
            rows.append(row)
        else:
            reader.report_skipped(key, f"expected counts, got {member!r:.80}")
    return rows
