"""Waiting for work: one BLPOP on the bells of all queues, answered whenever one is rung.

The queues of a cluster lie on several nodes, where no one command can wait for them: there an
idle worker looks again and again instead.
"""

from collections.abc import Sequence
from typing import Any

from ..broker.keys import Keys
from ..connection.backoff import Backoff
from ..connection.cluster import SCHEMES
from ..connection.redis_errors import CONNECTION_ERRORS
from ..connection.server import connection_factory, socket_of
from .queue_selection import POLL

BLOCK_SECONDS = 20
"""After so long the server answers in any case; a connection that died unseen is found then."""


SOONEST, LATEST = 0.05, 1.0
"""Seconds between two looks of an idle worker without a bell: few at first."""


def bell_of(url: str, keys: Keys) -> "Wakeup | PollingWakeup":
    """What a worker waits with, by the kind of its Redis."""
    return PollingWakeup() if url.partition("://")[0] in SCHEMES else Wakeup(url, keys)


class Wakeup:
    """One outstanding BLPOP, on a connection of its own. Losing a ring is harmless: whoever waits
    looks by itself every two seconds."""

    poll = POLL

    def __init__(self, url: str, keys: Keys) -> None:
        self.keys = keys
        self.new = connection_factory(url)
        self.connection: Any = None
        self.asked: dict[bytes, str] = {}
        self.broken = Backoff()

    def listen(self, queues: Sequence[str]) -> None:
        """See to it that a BLPOP on these queues is outstanding, if Redis can be reached."""
        wanted = {self.keys.part(queue, "wakeup").encode(): queue for queue in queues}
        if self.asked and list(self.asked) != list(wanted):
            self.close()
        if self.asked or not wanted or self.broken.seconds() > 0:
            return
        try:
            if self.connection is None:
                self.connection = self.new()
                self.connection.connect()
            self.connection.send_command("BLPOP", *wanted, BLOCK_SECONDS)
            self.asked = wanted
        except CONNECTION_ERRORS:
            self.fail()

    def rung(self) -> str | None:
        """Called when ``files`` is readable: the queue that was rung, if it was a ring."""
        asked, self.asked = self.asked, {}
        try:
            reply = self.connection.read_response()
        except CONNECTION_ERRORS:
            self.fail()
            return None
        self.broken.clear()
        return asked[reply[0]] if reply else None

    def follow(self, found: bool) -> None:
        """Told after each look whether there was something to take."""

    def patience(self) -> float:
        """Seconds after which it should be told to listen again."""
        return BLOCK_SECONDS if self.asked else self.broken.seconds()

    def files(self) -> list[int]:
        """What to wait for."""
        return [socket_of(self.connection).fileno()] if self.asked else []

    def fail(self) -> None:
        self.close()
        self.broken.fail()

    def close(self) -> None:
        """Listen no more."""
        if self.connection is not None:
            self.connection.disconnect()
        self.connection, self.asked = None, {}


class PollingWakeup:
    """In the place of a bell, where there is none."""

    poll = SOONEST

    def follow(self, found: bool) -> None:
        """Look sooner again when there was something, later and later when not."""
        self.poll = SOONEST if found else min(LATEST, self.poll * 1.2)

    def listen(self, queues: Sequence[str]) -> None:
        """Nothing to listen to."""

    def rung(self) -> str | None:
        return None

    def patience(self) -> float:
        return self.poll

    def files(self) -> list[int]:
        return []

    def close(self) -> None:
        """Nothing to close."""
