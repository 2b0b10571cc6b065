"""The names of all keys of the core in Redis.

The keys of a queue share the hash tag ``{queue}``: they are in one slot of a cluster, so one script
may use all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

QUEUE_PARTS = (
    "queued",  # list of ids of jobs that are due; the head is next
    "jobs",  # hash: id -> payload, the only copy, in every state
    "leases",  # zset: id -> deadline of the lease, in ms of the clock of Redis
    "tokens",  # hash: id -> token of the run that holds the job
    "delayed",  # zset: id -> due time, in ms
    "failed",  # zset: id -> when it failed, in ms
    "claims",  # hash: ">CLAIM" -> id of the job that holds it, "<ID" -> claims of this job
    "crashes",  # hash: id -> leases lost in a row
    "ended",  # zset: id -> when it ended, in ms; holds two minutes, at most 100 000 ids
    "meta",  # hash: counters, pause, when a worker last healed the queue, numbers for newer
    "wakeup",  # list of at most one element: wakes one idle worker
)

TYPES = {
    **dict.fromkeys(("queued", "wakeup"), "list"),
    **dict.fromkeys(("jobs", "tokens", "claims", "crashes", "meta"), "hash"),
    **dict.fromkeys(("leases", "delayed", "failed", "ended"), "zset"),
}
"""The Redis type of each part of a queue."""


@dataclass(frozen=True)
class Keys:
    """The keys of one namespace."""

    namespace: str = "buoy"

    @cache  # noqa: B019 - there are few namespaces and queues
    def queue(self, queue: str) -> tuple[str, ...]:
        """Return all keys of a queue, in the order of KEYS in every script."""
        prefix = f"{self.namespace}:{{{queue}}}:"
        return tuple(prefix + part for part in QUEUE_PARTS)

    def parts(self, queue: str, *parts: str) -> list[str]:
        """Return the keys of these parts of a queue."""
        return [self.part(queue, part) for part in parts]

    def part(self, queue: str, *parts: str) -> str:
        """Return one key in the slot of a queue.

        ``parts``: a part of the core, or the name of a plugin and its own parts.
        """
        return ":".join([self.namespace, f"{{{queue}}}", *parts])

    def queues(self) -> str:
        """Return the key of the set of the names of all queues."""
        return f"{self.namespace}:queues"

    def workers(self) -> str:
        """Return the key of the zset: worker id -> its last heartbeat, in ms."""
        return f"{self.namespace}:workers"

    def worker(self, worker: str) -> str:
        """Return the key of the hash with the registration of a worker.

        It expires one lease after the last heartbeat.
        """
        return f"{self.namespace}:worker:{worker}"


def wrong_types(keys: Sequence[str], found: Sequence[object]) -> list[str]:
    """Return a text for each key of a queue that has a wrong type.

    ``found``: what Redis replies to TYPE for each of these keys.
    """
    return [
        f"{key}: expected a {TYPES[part]}, got a {kind.decode()}"
        for key, kind in zip(keys, found, strict=True)
        if (part := key.rpartition(":")[2]) in TYPES
        and isinstance(kind, bytes)
        and kind.decode() not in (TYPES[part], "none")
    ]
