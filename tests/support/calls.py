"""Scripts as they are called, word by word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from buoy.broker.scripts import run_scripts, script
from buoy.connection.client import RawArg as Raw
from buoy.connection.client import single_reply
from buoy.model.reservation import RoundTripRequest, Settlement
from tests.support.world import World

MANY = 20_000

State = dict[bytes, bytes]
"""Each key, and its value as Redis dumps it."""


@dataclass
class Call:
    """A script, its keys, its words behind the clock shift if it takes that."""

    name: str
    keys: Sequence[str]
    words: Sequence[Raw]

    def run(self, world: World) -> Any:
        act = script("buoy.broker", self.name), self.keys, self.words
        return single_reply(run_scripts(world.broker.client, [act]))


def call(world: World, name: str, *words: Raw, attached: Sequence[str] = ()) -> Call:
    keys = [*world.broker.keys.queue(world.queue), *attached]
    return Call(name, keys, [world.broker.clock_offset_ms, *words])


def advance(world: World, wanted: int, *settled: Settlement, again: bool = False) -> Call:
    trip = RoundTripRequest(world.queue, 5, wanted, 0, settled, again)
    act = world.broker.advance_call("one", trip, settled)
    return Call("advance", act[1], list(act[2]))


def state(world: World) -> State:
    """All that lies in Redis, byte by byte."""
    client = world.broker.client
    keys = sorted(client.call("KEYS", "*"))
    return dict(zip(keys, client.calls([["DUMP", key] for key in keys]), strict=True))
