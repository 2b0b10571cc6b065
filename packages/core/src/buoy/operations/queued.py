"""Reads the ids of queued jobs in the order in which they will run, whatever their priority."""

from typing import TYPE_CHECKING

from ..broker.keys import Keys
from ..broker.scripts import ScriptCall, script, script_steps
from ..connection.client import RedisSteps

if TYPE_CHECKING:
    from .reader import Reader


def queued_call(keys: Keys, queue: str, start: int, stop: int) -> ScriptCall:
    """Returns the call of lua/upcoming.lua for the jobs from ``start`` to ``stop``, as LRANGE
    numbers them."""
    return script("buoy.broker", "upcoming"), keys.parts(queue, "queued", "ranked"), [start, stop]


def read_queued(reader: "Reader", queue: str, start: int, stop: int) -> RedisSteps[list[bytes]]:
    """Returns these ids; none for a key of a wrong type."""
    [reply] = yield from script_steps([queued_call(reader.keys, queue, start, stop)])
    return reader.readable(reader.keys.part(queue, "queued"), reply) or []
