"""Reads Redis, even if other programs have written values there that buoy cannot read."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..broker.scripts import script, script_steps
from ..connection.client import RawArg, RedisSteps, run_steps, single_reply
from ..connection.twins import blocking
from ..errors import Unavailable, WrongType
from ..process.logs import logger
from ..text.printable import one_line

if TYPE_CHECKING:
    from ..broker.broker import Broker

T = TypeVar("T")
QUEUES_PER_SCRIPT = 500
MOST_REPORTED = 1000
"""How many different lines a reader logs; nobody would read more."""


class Reader:
    """Sends commands that read. Skips values that it cannot read, and logs each once.

    All methods raise BrokerError if Redis does not answer.
    """

    def __init__(self, broker: "Broker", *, brisk: bool = False) -> None:
        self.broker = broker
        self.keys, self.client = broker.keys, broker.worker_client if brisk else broker.client
        self.reported: set[str] = set()

    def report_skipped(self, what: str, reason: object) -> None:
        """Log once that this cannot be read."""
        line = one_line(f"skipped: {what}: {reason}")
        if line not in self.reported and len(self.reported) < MOST_REPORTED:
            self.reported.add(line)
            logger("buoy.monitor").warning("%s", line)

    def readable(self, what: str, reply: Any) -> Any:
        """Returns a reply, or None if it says that the key has a wrong type.

        Raises the error if the reply is any other error.
        """
        if isinstance(reply, WrongType):
            self.report_skipped(what, reply)
            return None
        return single_reply([reply])

    def run_steps(self, steps: RedisSteps[T]) -> T:
        """Take the steps in the calling thread, and return their result."""
        return run_steps(steps, lambda: self.client)

    async def arun_steps(self, steps: RedisSteps[T]) -> T:
        """Take the steps on the running event loop, and return their result."""
        return await self.broker.arun_steps(steps)

    @blocking
    def ask(self, key: str, command: str, *words: RawArg) -> RedisSteps[Any]:
        """Send a command on a key; returns the reply, or None if the key has a wrong type."""
        [reply] = yield [[command, key, *words]]
        return self.readable(key, reply)

    def number(self, what: str, value: bytes | None) -> float:
        """Returns a value of Redis as a finite number, or 0 if it is none."""
        try:
            found = float(value or 0)
        except ValueError:
            found = math.nan
        if math.isfinite(found):
            return found
        self.report_skipped(what, f"expected a number, got {value!r:.80}")
        return 0.0


def read_hashes(
    reader: Reader, keys: Mapping[str, str], fields: Sequence[str] = ()
) -> RedisSteps[dict[str, Any]]:
    """Returns by name what is in the hashes of these queues, or of these workers: the values of
    ``fields``, or all fields and values. Instead of them, None if the key has a wrong type, and
    Unavailable if its node is away. Takes one round trip. ``keys``: the keys by name."""
    groups = groups_of(reader, list(keys))
    calls = [
        (script("buoy.broker", "hashes"), [keys[name] for name in group], fields)
        for group in groups
    ]
    found: dict[str, Any] = {}
    for group, reply in zip(groups, (yield from script_steps(calls)), strict=True):
        if isinstance(reply, Unavailable):
            found |= dict.fromkeys(group, reply)
        else:
            found |= zip(group, single_reply([reply]), strict=True)
    return found


def read_lengths(
    reader: Reader, keys: Mapping[str, Sequence[str]], commands: Sequence[str]
) -> RedisSteps[tuple[dict[str, list[int]], dict[str, Unavailable]]]:
    """Returns by queue how many elements its keys have, 0 for a key of a wrong type; and the errors
    of queues on nodes that are away. Takes one round trip.

    ``keys``: by queue one key for each of ``commands``: LLEN, HLEN or ZCARD.
    """
    groups = groups_of(reader, list(keys))
    lua = script("buoy.broker", "sizes")
    calls = [(lua, [key for name in group for key in keys[name]], commands) for group in groups]
    found: dict[str, list[int]] = {}
    missed: dict[str, Unavailable] = {}
    for group, reply in zip(groups, (yield from script_steps(calls)), strict=True):
        if isinstance(reply, Unavailable):
            missed |= dict.fromkeys(group, reply)
            continue
        sizes, each = single_reply([reply]), len(commands)
        if min(sizes) < 0:
            sizes = known_sizes(reader, [key for name in group for key in keys[name]], sizes)
        found |= {name: sizes[n * each : n * each + each] for n, name in enumerate(group)}
    return found, missed


def known_sizes(reader: Reader, keys: Sequence[str], sizes: Sequence[int]) -> list[int]:
    """Returns the sizes of keys, 0 for those of a wrong type, which are logged."""
    for key, size in zip(keys, sizes, strict=True):
        if size < 0:
            reader.report_skipped(key, "it has a wrong type")
    return [max(0, size) for size in sizes]


def groups_of(reader: Reader, names: Sequence[str]) -> list[Sequence[str]]:
    """Returns the queues, or the workers, in groups whose keys one script may read."""
    return [
        group[first : first + QUEUES_PER_SCRIPT]
        for group in reader.client.group_queues(names)
        for first in range(0, len(group), QUEUES_PER_SCRIPT)
    ]
