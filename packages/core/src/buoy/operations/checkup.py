"""Reads whether the keys of queues have their types, and how many jobs failed lately."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..broker.keys import QUEUE_PARTS, TYPES, wrong_types
from ..broker.scripts import script, script_steps
from ..connection.client import RawArg, RedisSteps, single_reply
from ..errors import Unavailable
from .reader import Reader, groups_of

HOUR_MS = 3_600_000
LENGTHS = {"list": "LLEN", "hash": "HLEN", "zset": "ZCARD"}
"""The command that tells the size of a key, by its type."""


@dataclass(frozen=True)
class Checkup:
    """What is wrong with the keys of a queue, a text for each; and how many jobs failed in the last
    hour, and in the last two."""

    wrong_keys: list[str]
    failed_in_hour: int
    failed_in_two_hours: int


def read_checkups(
    reader: Reader, queues: Sequence[str], now: float
) -> RedisSteps[dict[str, Checkup]]:
    """Returns the checkup of each queue, without those on nodes that are away; takes one round
    trip. ``now``: the time of Redis, epoch seconds."""
    groups = groups_of(reader, queues)
    times = [round(now * 1000) - hours * HOUR_MS for hours in (1, 2)]
    words: list[RawArg] = [*(LENGTHS[TYPES[part]] for part in QUEUE_PARTS), *times]
    all_keys = [[key for queue in group for key in reader.keys.queue(queue)] for group in groups]
    replies = yield from script_steps(
        [(script("buoy.broker", "checkup"), keys, words) for keys in all_keys]
    )
    found = {}
    for group, reply in zip(groups, replies, strict=True):
        if isinstance(reply, Unavailable):
            continue
        facts = iter(single_reply([reply]))
        for queue, lately, before, wrong in zip(group, facts, facts, facts, strict=True):
            keys = [reader.keys.queue(queue)[number - 1] for number in wrong[::2]]
            found[queue] = Checkup(wrong_types(keys, wrong[1::2]), lately, before)
    return found
