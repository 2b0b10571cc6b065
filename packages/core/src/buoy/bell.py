"""Waiting for work: one BLPOP on the bells of all queues, answered whenever one is rung."""

from collections.abc import Sequence
from typing import Any

from .connect import FAULTS, connections
from .keys import Keys

BLOCK_SECONDS = 20
"""After so long the server answers in any case; a connection that died unseen is found then."""


class Bell:
    """One outstanding BLPOP, on a connection of its own. Losing a ring is harmless: whoever waits
    looks by itself every two seconds."""

    def __init__(self, url: str, keys: Keys) -> None:
        self.keys = keys
        self.new = connections(url)
        self.connection: Any = None
        self.asked: dict[bytes, str] = {}

    def listen(self, queues: Sequence[str]) -> None:
        """See to it that a BLPOP on these queues is outstanding, if Redis can be reached."""
        wanted = {self.keys.part(queue, "bell").encode(): queue for queue in queues}
        if self.asked and list(self.asked) != list(wanted):
            self.close()
        if self.asked or not wanted:
            return
        try:
            if self.connection is None:
                self.connection = self.new()
                self.connection.connect()
            self.connection.send_command("BLPOP", *wanted, BLOCK_SECONDS)
            self.asked = wanted
        except FAULTS:
            self.close()

    def rung(self) -> str | None:
        """Called when ``files`` is readable: the queue that was rung, if it was a ring."""
        asked, self.asked = self.asked, {}
        try:
            reply = self.connection.read_response()
        except FAULTS:
            self.close()
            return None
        return asked[reply[0]] if reply else None

    def files(self) -> list[int]:
        """What to wait for."""
        return [self.connection._sock.fileno()] if self.asked else []

    def close(self) -> None:
        """Listen no more."""
        if self.connection is not None:
            self.connection.disconnect()
        self.connection, self.asked = None, {}
