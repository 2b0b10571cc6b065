"""Reading what lies in Redis, whatever somebody has written there."""

import math
from typing import TYPE_CHECKING, Any

from ..connection.client import Word, only
from ..errors import WrongType
from ..process.logs import logger
from ..text.printable import one_line

if TYPE_CHECKING:
    from ..broker.broker import Broker

TOLD = 1000
"""So much of what cannot be read is named; more would nobody read."""


class Reader:
    """Asks Redis. What cannot be read is named in the log, once, and passed over: it hides nothing
    else."""

    def __init__(self, broker: "Broker", *, brisk: bool = False) -> None:
        self.broker = broker
        self.keys, self.client = broker.keys, broker.brisk if brisk else broker.client
        self.told: set[str] = set()

    def pass_over(self, what: str, reason: object) -> None:
        """Name what cannot be read."""
        line = one_line(f"passed over: {what}: {reason}")
        if line not in self.told and len(self.told) < TOLD:
            self.told.add(line)
            logger("buoy.monitor").warning("%s", line)

    def readable(self, what: str, reply: Any) -> Any:
        """A reply; None if it says that the key is of a wrong type."""
        if isinstance(reply, WrongType):
            self.pass_over(what, reply)
            return None
        return only([reply])

    def ask(self, key: str, command: str, *words: Word) -> Any:
        """The reply to a command; None if the key is of a wrong type."""
        return self.readable(key, self.client.calls([[command, key, *words]])[0])

    def number(self, what: str, value: bytes | None) -> float:
        """A number; 0 for what is none."""
        try:
            found = float(value or 0)
        except ValueError:
            found = math.nan
        if math.isfinite(found):
            return found
        self.pass_over(what, f"expected a number, got {value!r:.80}")
        return 0.0
