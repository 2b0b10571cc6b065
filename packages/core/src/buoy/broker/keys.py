"""The names of all keys of the core in Redis.

The keys of a queue share the hash tag ``{queue}``: they are in one slot of a cluster, so one script
may use all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

QUEUE_PARTS = (
    "queued",  # list of ids of jobs that are due, of normal priority; the head is next
    "jobs",  # hash: id -> payload, the only copy, in every state
    "leases",  # zset: id -> deadline of the lease, in ms of the clock of Redis
    "tokens",  # hash: id -> token of the run that holds the job: its number, time, worker, call
    "delayed",  # zset: id -> due time, in ms
    "failed",  # zset: id -> when it failed, in ms
    "claims",  # hash: ">CLAIM" -> id of the job that holds it, "<ID" -> claims of this job,
    # "#KEY" -> how many permits are taken, "?ID" -> the permits and the priority of this job
    "crashes",  # hash: id -> leases lost in a row; 0 if a run was released
    "ended",  # zset: id -> when it ended, in ms; holds two minutes, at most 100 000 ids
    "meta",  # hash: counters, pause, when a worker last healed the queue, numbers for newer
    "wakeup",  # list of at most one element: wakes one idle worker
    "due",  # zset: id -> since when a job is due, in ms, if that is not since it was enqueued
    "minutes",  # zset: what was counted in a minute, of one class -> number of the minute
    "hours",  # zset: the same for hours
    "days",  # zset: the same for days
    "handovers",  # zset: a job on its way to another queue -> when it is tried next, in ms
    "receipts",  # zset: what came here from another queue -> when, in ms; holds a week
    "blocked",  # zset: id -> since when the job is blocked, in ms
    "lines",  # zset, all scores 0: "KEY\\nNUMBER\\nID", the blocked jobs of each key in their order
    "paces",  # zset: key -> until when the times at which its jobs begin are given out, in ms;
    # a claim that may be replaced -> when its holder is due at the latest
    "ranked",  # zset: id of a queued job of low priority -> since when, in microseconds; of high
    # priority -> the same, less 2 ** 53
    "throttles",  # zset: "throttle:KEY" -> until when no job of this key is enqueued, in ms
    "paced",  # hash: key of a pace -> what was declared last, "MICROSECONDS:BURST"; "throttle:KEY"
    # -> id of the job that was enqueued
)

ZSETS = (
    *("leases", "delayed", "failed", "ended", "due", "minutes", "hours", "days"),
    *("handovers", "receipts"),
    *("blocked", "lines", "paces", "ranked", "throttles"),
)
TYPES = {
    **dict.fromkeys(("queued", "wakeup"), "list"),
    **dict.fromkeys(("jobs", "tokens", "claims", "crashes", "meta", "paced"), "hash"),
    **dict.fromkeys(ZSETS, "zset"),
}
"""The Redis type of each part of a queue."""


@dataclass(frozen=True)
class Keys:
    """The keys of one namespace."""

    namespace: str = "buoy"

    @cache  # noqa: B019 - there are few namespaces and queues
    def queue(self, queue: str) -> tuple[str, ...]:
        """Returns all keys of a queue, in the order of KEYS in every script."""
        prefix = f"{self.namespace}:{{{queue}}}:"
        return tuple(prefix + part for part in QUEUE_PARTS)

    def parts(self, queue: str, *parts: str) -> list[str]:
        """Returns the keys of these parts of a queue."""
        prefix = f"{self.namespace}:{{{queue}}}:"
        return [prefix + part for part in parts]

    def part(self, queue: str, *parts: str) -> str:
        """Returns one key in the slot of a queue.

        ``parts``: a part of the core, or the name of a plugin and its own parts.
        """
        return f"{self.namespace}:{{{queue}}}:{':'.join(parts)}"

    def groups(self, queue: str) -> str:
        """Returns the key of the zset of the groups of jobs whose home is this queue: id -> when it
        was complete, in ms; until then, minus when a worker last looked at it."""
        return self.part(queue, "groups")

    def group(self, queue: str, id: str) -> tuple[str, str, str]:
        """Returns the keys of a group: what is known of it (hash), its open members (zset: member
        -> when it was noted, or looked for last, in ms), those that have failed (set)."""
        open_members, failed = f"group-open:{id}", f"group-failed:{id}"
        parts = (f"group:{id}", open_members, failed)
        return tuple(self.part(queue, part) for part in parts)  # type: ignore[return-value]

    def queues(self) -> str:
        """Returns the key of the set of the names of all queues."""
        return f"{self.namespace}:queues"

    def paused(self) -> str:
        """Returns the key of the mark that everything is paused: since when, in ms."""
        return f"{self.namespace}:paused"

    def workers(self) -> str:
        """Returns the key of the zset: worker id -> its last heartbeat, in ms."""
        return f"{self.namespace}:workers"

    def worker(self, worker: str) -> str:
        """Returns the key of the hash with the registration of a worker.

        It expires one lease after the last heartbeat.
        """
        return f"{self.namespace}:worker:{worker}"


def wrong_types(keys: Sequence[str], found: Sequence[object]) -> list[str]:
    """Returns a text for each key of a queue that has a wrong type.

    ``found``: what Redis replies to TYPE for each of these keys.
    """
    return [
        f"{key}: expected a {TYPES[part]}, got a {kind.decode()}"
        for key, kind in zip(keys, found, strict=True)
        if (part := key.rpartition(":")[2]) in TYPES
        and isinstance(kind, bytes)
        and kind.decode() not in (TYPES[part], "none")
    ]
