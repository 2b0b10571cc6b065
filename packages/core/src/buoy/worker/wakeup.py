"""Wakes an idle worker when there is work: by one BLPOP on the wakeup lists of all queues.

The queues of a cluster lie on several nodes, where no one command can wait for all of them: there
an idle worker looks at its queues again and again instead.
"""

from collections.abc import Sequence
from typing import Any

from ..broker.keys import Keys
from ..connection.backoff import Backoff
from ..connection.cluster import SCHEMES
from ..connection.redis_errors import CONNECTION_ERRORS
from ..connection.server import connection_factory, socket_of
from .queue_selection import POLL_SECONDS

BLOCK_SECONDS = 20
"""Seconds after which Redis answers in any case; a dead connection is found by that."""
SHORTEST_POLL, LONGEST_POLL = 0.05, 1.0
"""Seconds between two looks of an idle worker without wakeups: short at first, longer later."""


def wakeup_for(url: str, keys: Keys) -> "Wakeup | PollingWakeup":
    """What a worker waits with, by the kind of Redis at this URL."""
    return PollingWakeup() if url.partition("://")[0] in SCHEMES else Wakeup(url, keys)


class Wakeup:
    """One outstanding BLPOP, on a connection of its own. Only the main thread uses it.

    A wakeup that is lost does no harm: an idle worker looks at its queues every POLL_SECONDS.
    """

    poll_seconds = POLL_SECONDS
    """Seconds after which an idle worker looks at its queues without a wakeup."""

    def __init__(self, url: str, keys: Keys) -> None:
        self.keys = keys
        self.new_connection = connection_factory(url)
        self.connection: Any = None
        self.awaited: dict[bytes, str] = {}
        """The keys of the outstanding BLPOP, each with its queue."""
        self.backoff = Backoff()

    def listen(self, queues: Sequence[str]) -> None:
        """Make sure that a BLPOP for these queues is outstanding. Does not raise: if Redis cannot
        be reached, a later call tries again."""
        wanted = {self.keys.part(queue, "wakeup").encode(): queue for queue in queues}
        if self.awaited and list(self.awaited) != list(wanted):
            self.close()
        if self.awaited or not wanted or self.backoff.seconds_left() > 0:
            return
        try:
            if self.connection is None:
                self.connect()
            self.connection.send_command("BLPOP", *wanted, BLOCK_SECONDS)
            self.awaited = wanted
        except CONNECTION_ERRORS:
            self.fail()

    def connect(self) -> None:
        """Make the connection. Raises CONNECTION_ERRORS.

        With TLS a server sends tickets after the handshake: they are read before a reply to
        anything. Else they would make the file readable, and a reader would wait in vain.
        """
        self.connection = self.new_connection()
        self.connection.connect()
        self.connection.send_command("PING")
        self.connection.read_response()

    def read(self) -> str | None:
        """Read the reply when the file is readable. Returns the queue that has work; None if Redis
        answered without a wakeup, or the connection broke."""
        awaited, self.awaited = self.awaited, {}
        try:
            reply = self.connection.read_response()
        except CONNECTION_ERRORS:
            self.fail()
            return None
        self.backoff.clear()
        return awaited[reply[0]] if reply else None

    def adapt(self, found: bool) -> None:
        """The worker has looked at its queues, and found jobs or not. Changes nothing here."""

    def seconds_to_listen(self) -> float:
        """Seconds after which ``listen`` should be called again."""
        return BLOCK_SECONDS if self.awaited else self.backoff.seconds_left()

    def files(self) -> list[int]:
        """The file that is readable when Redis has answered; empty if nothing is outstanding."""
        return [socket_of(self.connection).fileno()] if self.awaited else []

    def fail(self) -> None:
        self.close()
        self.backoff.fail()

    def close(self) -> None:
        """Close the connection; a wakeup that is on its way is lost."""
        if self.connection is not None:
            self.connection.disconnect()
        self.connection, self.awaited = None, {}


class PollingWakeup:
    """Takes the place of ``Wakeup`` on a cluster: nothing to listen to, shorter polls instead."""

    def __init__(self) -> None:
        self.poll_seconds = SHORTEST_POLL

    def adapt(self, found: bool) -> None:
        """Poll sooner after a look that found jobs, less and less often after others."""
        self.poll_seconds = SHORTEST_POLL if found else min(LONGEST_POLL, self.poll_seconds * 1.2)

    def listen(self, queues: Sequence[str]) -> None:
        """Do nothing: no wakeups arrive here."""

    def read(self) -> str | None:
        """Returns None: no wakeups arrive here."""
        return None

    def seconds_to_listen(self) -> float:
        """Seconds until the next look."""
        return self.poll_seconds

    def files(self) -> list[int]:
        """Returns no files."""
        return []

    def close(self) -> None:
        """Do nothing: there is no connection."""
