"""Every key that the core keeps in Redis, one function each.

The keys of a queue share the hash tag ``{queue}``: they live in one slot, so one script may touch
them all, on a cluster too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

QUEUE_PARTS = (
    "ready",  # list of ids, the head is next
    "jobs",  # hash id -> payload: the only copy, in every state
    "leases",  # zset id -> deadline, in ms of the Redis clock
    "runs",  # hash id -> token of the run that holds it
    "delayed",  # zset id -> due, in ms
    "failed",  # zset id -> when it failed, in ms
    "claims",  # hash ">claim" -> id that holds it, "<id" -> its claims
    "crashes",  # hash id -> leases lost in a row
    "recent",  # zset id -> when it ended, in ms; bounded in time and number
    "meta",  # hash: counters, pause, clock of the healers, numbers for newer
    "bell",  # list of at most one token: wakes one idle worker
)

TYPES = {
    **dict.fromkeys(("ready", "bell"), "list"),
    **dict.fromkeys(("jobs", "runs", "claims", "crashes", "meta"), "hash"),
    **dict.fromkeys(("leases", "delayed", "failed", "recent"), "zset"),
}
"""What Redis calls the type of each part of a queue."""


@dataclass(frozen=True)
class Keys:
    """The keys of one namespace."""

    namespace: str = "buoy"

    @cache  # noqa: B019 - there are few namespaces and queues
    def queue(self, queue: str) -> tuple[str, ...]:
        """All keys of a queue, in the order in which every script takes them."""
        prefix = f"{self.namespace}:{{{queue}}}:"
        return tuple(prefix + part for part in QUEUE_PARTS)

    def parts(self, queue: str, *parts: str) -> list[str]:
        """Some keys of a queue."""
        return [self.part(queue, part) for part in parts]

    def part(self, queue: str, *parts: str) -> str:
        """One key in the slot of a queue: the core's own, or a plugin's (its name comes first)."""
        return ":".join([self.namespace, f"{{{queue}}}", *parts])

    def queues(self) -> str:
        """Set: the names of all queues that anything was ever pushed to."""
        return f"{self.namespace}:queues"

    def workers(self) -> str:
        """Zset: worker id -> its last heartbeat, in ms."""
        return f"{self.namespace}:workers"

    def worker(self, worker: str) -> str:
        """Hash: what a worker says of itself; expires when its heartbeat stops."""
        return f"{self.namespace}:worker:{worker}"


def wrong_types(keys: Sequence[str], found: Sequence[object]) -> list[str]:
    """What is to be said of keys of queues that have another type than theirs."""
    return [
        f"{key}: expected a {TYPES[part]}, got a {kind.decode()}"
        for key, kind in zip(keys, found, strict=True)
        if (part := key.rpartition(":")[2]) in TYPES
        and isinstance(kind, bytes)
        and kind.decode() not in (TYPES[part], "none")
    ]
