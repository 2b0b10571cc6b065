"""Reads Redis, even if other programs have written values there that buoy cannot read."""

import math
from typing import TYPE_CHECKING, Any

from ..connection.client import RawArg, single_reply
from ..errors import WrongType
from ..process.logs import logger
from ..text.printable import one_line

if TYPE_CHECKING:
    from ..broker.broker import Broker

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
        """Return a reply, or None if it says that the key has a wrong type.

        Raises the error if the reply is any other error.
        """
        if isinstance(reply, WrongType):
            self.report_skipped(what, reply)
            return None
        return single_reply([reply])

    def ask(self, key: str, command: str, *words: RawArg) -> Any:
        """Send a command on a key; returns the reply, or None if the key has a wrong type."""
        return self.readable(key, self.client.calls([[command, key, *words]])[0])

    def number(self, what: str, value: bytes | None) -> float:
        """Return a value of Redis as a finite number, or 0 if it is none."""
        try:
            found = float(value or 0)
        except ValueError:
            found = math.nan
        if math.isfinite(found):
            return found
        self.report_skipped(what, f"expected a number, got {value!r:.80}")
        return 0.0
