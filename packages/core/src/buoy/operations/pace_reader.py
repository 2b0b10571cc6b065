"""Reads until when the times of paces are given out."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..broker.keys import Keys
from ..broker.script_arguments import decode_text
from ..connection.client import RedisSteps
from ..errors import BrokerError, WrongType

MOST = 1000
"""How many paces of a queue are read: those whose times are given out longest."""


@dataclass(frozen=True, slots=True)
class PaceView:
    """The pace of a key. ``until``: until when its times are given out (epoch seconds): without a
    burst, the next free one."""

    queue: str
    key: str
    until: float


def read_paces(keys: Keys, queues: Sequence[str], now: float) -> RedisSteps[list[PaceView]]:
    """Returns the paces of these queues whose times are given out for longer than ``now`` (ms), the
    longest first; takes one round trip."""
    words = ("+inf", f"({now:.0f}", "BYSCORE", "REV", "LIMIT", 0, MOST, "WITHSCORES")
    replies = yield [["ZRANGE", keys.part(queue, "paces"), *words] for queue in queues]
    found = []
    for queue, reply in zip(queues, replies, strict=True):
        if isinstance(reply, WrongType):
            continue
        if isinstance(reply, BrokerError):
            raise reply
        for key, score in zip(reply[::2], reply[1::2], strict=True):
            found.append(PaceView(queue, decode_text(key), float(score) / 1000))
    return sorted(found, key=lambda each: -each.until)
