"""Reads fields of the hashes of queues: those of some names, or all that begin with a text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..broker.keys import Keys
from ..connection.client import RawArg, RedisSteps, check_replies
from ..errors import WrongType

PAGE = 500
"""How many values are read at once."""

Place = tuple[str, bytes]
"""A queue, and a name in it."""


def readable(queues: Iterable[str], replies: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Returns each queue with its reply; without those whose key has a wrong type. Raises
    BrokerError for another refusal."""
    for queue, reply in zip(queues, replies, strict=True):
        if not isinstance(reply, WrongType):
            yield queue, check_replies([reply])[0]


def read_fields(keys: Keys, part: str, places: Iterable[Place]) -> RedisSteps[dict[Place, bytes]]:
    """Returns the fields of these names, those that there are; takes one round trip, and none
    without names."""
    names: dict[str, list[bytes]] = {}
    for queue, name in places:
        names.setdefault(queue, []).append(name)
    commands: list[list[RawArg]] = [
        ["HMGET", keys.part(queue, part), *some] for queue, some in names.items()
    ]
    replies = (yield commands) if commands else ()
    return {
        (queue, name): value
        for queue, reply in readable(names, replies)
        for name, value in zip(names[queue], reply, strict=True)
        if value is not None
    }


def scan_fields(
    keys: Keys, queues: Iterable[str], part: str, prefix: str
) -> RedisSteps[dict[Place, bytes]]:
    """Returns the fields whose names begin with ``prefix``, by the rest of the name; takes a round
    trip for each 500 fields of the queue that has most."""
    pattern = re.sub(r"([*?\[\]\\])", r"\\\1", prefix) + "*"
    skipped = len(prefix.encode())
    cursors, found = dict.fromkeys(queues, 0), dict[Place, bytes]()
    while cursors:
        commands: list[list[RawArg]] = [
            ["HSCAN", keys.part(queue, part), cursor, "MATCH", pattern, "COUNT", PAGE]
            for queue, cursor in cursors.items()
        ]
        replies = yield commands
        further: dict[str, int] = {}
        for queue, (cursor, words) in readable(cursors, replies):
            for name, value in zip(words[::2], words[1::2], strict=True):
                found[queue, name[skipped:]] = value
            if int(cursor):
                further[queue] = int(cursor)
        cursors = further
    return found
