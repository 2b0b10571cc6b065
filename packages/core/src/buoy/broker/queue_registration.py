"""The set of all queues: a queue is in it before its first job, also after Redis has lost the set.

On one server the scripts that store jobs add the queue themselves, when it was empty. On a cluster
the set may be on another node, which a script cannot reach. There the script keeps a mark beside
the jobs, and tells when the mark was missing: then the set may have lost the queue, too.
"""

import time

from ..connection.client import RedisSteps, check_replies, single_reply
from ..errors import BrokerError, Unavailable
from ..model.names import is_queue
from ..process.logs import Log
from .keys import Keys
from .script_arguments import decode_text, parse_epoch

logger = Log("buoy.broker")

REGISTERED_SECONDS, RETRY_SECONDS = 60.0, 5.0
"""Seconds after which a queue is registered again: after a success, and after a failure."""


class QueueRegistration:
    """Adds the queues of an app to the set of all queues. ``lease``: seconds."""

    def __init__(self, keys: Keys, lease: float, *, on_cluster: bool) -> None:
        self.keys, self.lease, self.on_cluster = keys, lease, on_cluster
        self.registered: dict[str, float] = {}

    def queue_set_key(self, queue: str) -> str:
        """The key of the set to which a script on a queue adds its name; on a cluster, the mark."""
        return self.keys.part(queue, "queues") if self.on_cluster else self.keys.queues()

    def register(self, queue: str) -> RedisSteps[None]:
        """Add a queue to the set, before its first job and again each minute.

        Logs a warning when jobs are queued that no worker looks at. Raises BrokerError when the
        queue cannot be added; no job was sent then.
        """
        if self.is_registered(queue):
            return
        queued, meta = self.keys.parts(queue, "queued", "meta")
        facts = [["LLEN", queued], ["HGET", meta, "seen"], ["TIME"]]
        self.registered[queue] = time.monotonic()  # at once, so that no other thread repeats it
        try:
            added, *found = yield [["SADD", self.keys.queues(), queue], *facts]
            missed = self.on_cluster and isinstance(added, Unavailable)
            check_replies([] if missed else [added])
        except BrokerError as error:
            self.registered.pop(queue, None)
            error.sent = False  # this may have been sent, but no job was
            raise
        if missed:  # the set is on another node
            logger.warning("queue %r cannot be put on the list of queues: %s", queue, added)
            self.registered[queue] -= REGISTERED_SECONDS - RETRY_SECONDS
        if not any(isinstance(fact, BrokerError) for fact in found):  # the push will raise it
            warn_if_unserved(queue, 2 * self.lease, *found)

    def renew(self, queue: str) -> RedisSteps[None]:
        """Add a queue again, after a script that stored jobs has not found the mark.

        Raises nothing for an outage: the jobs are stored, and the next enqueue registers the queue.
        """
        if not self.on_cluster:
            return
        try:
            check_replies((yield [["SADD", self.keys.queues(), queue]]))
        except BrokerError:  # see the docstring
            self.registered.pop(queue, None)

    def is_registered(self, queue: str) -> bool:
        """Whether the queue was registered within the last minute."""
        return (
            time.monotonic() - self.registered.get(queue, -REGISTERED_SECONDS) < REGISTERED_SECONDS
        )


def names_of_queues(keys: Keys) -> RedisSteps[list[str]]:
    """Returns the names of all queues, sorted."""
    names = single_reply((yield [["SMEMBERS", keys.queues()]]))
    return sorted(filter(is_queue, map(decode_text, names)))


def warn_if_unserved(
    queue: str, seconds: float, length: int, seen: bytes | None, clock: list[bytes]
) -> None:
    """Log a warning when jobs are queued and no worker has looked at the queue for ``seconds``.

    Producers are told because a queue that nobody serves fills Redis. ``seen``: when a worker
    looked last, epoch milliseconds; ``clock``: the reply to TIME.
    """
    silence = int(clock[0]) - parse_epoch(seen)
    if length and silence > seconds:
        looked = f"has looked at it for {silence:.0f} s" if seen else "has ever looked at it"
        jobs = "1 job is queued" if length == 1 else f"{length} jobs are queued"
        logger.warning(
            "queue %r: %s, but no worker %s; start one: buoy worker -a MODULE -q %s",
            *(queue, jobs, looked, queue),
        )
