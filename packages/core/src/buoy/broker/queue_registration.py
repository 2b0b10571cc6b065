"""The list of queues: a queue is on it before its first job, and whenever Redis has lost it.

On one server the scripts that store jobs see to that themselves, where nothing waited before. On a
cluster they reach only the keys of their queue: there they say that something was lost, by a mark
that lies beside the jobs.
"""

import time

from ..connection.client import RedisSteps, accepted
from ..errors import BrokerError, Unavailable
from ..process.logs import Log
from .keys import Keys
from .script_arguments import moment

logger = Log("buoy.broker")

KNOWN, SOON = 60.0, 5.0
"""Seconds after which a queue is registered again; and when it could not be."""


class QueueRegistration:
    """Puts the queues of an app on the list. ``spread``: over the nodes of a cluster."""

    def __init__(self, keys: Keys, lease: float, *, spread: bool) -> None:
        self.keys, self.lease, self.spread = keys, lease, spread
        self.registered: dict[str, float] = {}

    def set_of(self, queue: str) -> str:
        """The set in which a script over the queue notes its name."""
        return self.keys.part(queue, "queues") if self.spread else self.keys.queues()

    def register(self, queue: str) -> RedisSteps[None]:
        """Make the queue known, before its first push and again each minute; and warn when jobs
        wait there that no worker looks at."""
        if self.knows(queue):
            return
        queued, meta = self.keys.parts(queue, "queued", "meta")
        facts = [["LLEN", queued], ["HGET", meta, "seen"], ["TIME"]]
        self.registered[queue] = time.monotonic()  # at once: others need not do and say the same
        try:
            noted, *found = yield [["SADD", self.keys.queues(), queue], *facts]
            missed = self.spread and isinstance(noted, Unavailable)
            accepted([] if missed else [noted])
        except BrokerError as error:
            self.registered.pop(queue, None)
            error.sent = False  # sent or not: no job was
            raise
        if missed:  # the list of queues lies on another node
            logger.warning("queue %r cannot be put on the list of queues: %s", queue, noted)
            self.registered[queue] -= KNOWN - SOON
        if not any(isinstance(fact, BrokerError) for fact in found):  # the push will tell
            warn_if_unserved(queue, 2 * self.lease, *found)

    def renew(self, queue: str) -> RedisSteps[None]:
        """A script has not found its mark beside the job that it has stored: on a cluster the queue
        may be missing on the list of all queues, too."""
        if not self.spread:
            return
        try:
            accepted((yield [["SADD", self.keys.queues(), queue]]))
        except BrokerError:  # the job is stored; the next one sees to it
            self.registered.pop(queue, None)

    def knows(self, queue: str) -> bool:
        """Whether the queue was registered within the last minute."""
        return time.monotonic() - self.registered.get(queue, -KNOWN) < KNOWN


def warn_if_unserved(
    queue: str, patience: float, waiting: int, seen: bytes | None, clock: list[bytes]
) -> None:
    """Jobs that pile up fill Redis, and that stops everybody: so producers hear of it, too."""
    silence = int(clock[0]) - moment(seen)
    if waiting and silence > patience:
        since = f"for {silence:.0f} s" if seen else "ever"
        jobs = "1 job waits" if waiting == 1 else f"{waiting} jobs wait"
        logger.warning(
            "queue %r: %s, but no worker has looked at it %s; start one: "
            "buoy worker -a MODULE -q %s",
            *(queue, jobs, since, queue),
        )
