"""Checks of ``buoy doctor`` on Redis itself: memory, disk, clock, replicas."""

from collections.abc import Callable, Iterator

from ..text.units import mebibytes
from .finding import Finding
from .inspection import Inspection

SKEW_SECONDS = 5.0
HEADROOM = 0.8
"""Memory is short if more than this part of ``maxmemory`` is used."""
LAST_WRITES = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")


def eviction(inspection: Inspection) -> Iterator[Finding]:
    """Check that a full Redis throws no data away."""
    policy = inspection.info.get("maxmemory_policy", "unknown")
    if policy == "noeviction" or not inspection.number("maxmemory"):
        yield Finding("eviction", "ok", f"nothing is evicted (policy {policy})")
    else:
        yield Finding(
            "eviction",
            "wrong",
            f"expected maxmemory-policy noeviction, got {policy}: a full Redis throws data away",
            "CONFIG SET maxmemory-policy noeviction, and set it in redis.conf, too",
        )


def memory(inspection: Inspection) -> Iterator[Finding]:
    """Check that less than HEADROOM of the memory is used."""
    used, limit = inspection.number("used_memory"), inspection.number("maxmemory")
    if not limit:
        yield Finding("memory", "ok", f"{mebibytes(used)} used, no limit set")
    elif used < HEADROOM * limit:
        yield Finding("memory", "ok", f"{mebibytes(used)} of {mebibytes(limit)} used")
    else:
        yield Finding(
            "memory",
            "note" if used < limit else "wrong",
            f"expected less than {HEADROOM:.0%} of {mebibytes(limit)} to be used, got "
            f"{mebibytes(used)}: a full Redis refuses new jobs",
            "see which queue grows (buoy queues), start workers for it, or raise maxmemory",
        )


def persistence(inspection: Inspection) -> Iterator[Finding]:
    """Check that Redis writes to its disk."""
    failed = [name for name in LAST_WRITES if inspection.info.get(name) == "err"]
    if failed:
        yield Finding(
            "persistence",
            "wrong",
            f"expected Redis to write to its disk, got {failed[0]}:err: it may refuse all jobs",
            "see the log of Redis; is its disk full?",
        )
    elif inspection.info.get("aof_enabled") == "1":
        yield Finding("persistence", "ok", "an append-only file is written")
    else:
        yield Finding(
            "persistence",
            "note",
            "expected an append-only file, got none: a crash of Redis loses jobs",
            "CONFIG SET appendonly yes, and set it in redis.conf, too",
        )


def clock(inspection: Inspection) -> Iterator[Finding]:
    """Check that the clocks of this machine and of Redis agree."""
    skew = inspection.skew
    if abs(skew) < SKEW_SECONDS:
        yield Finding("clock", "ok", f"this machine and Redis differ by {abs(skew):.1f} s")
    else:
        yield Finding(
            "clock",
            "wrong",
            f"expected less than {SKEW_SECONDS:g} s between this machine and Redis, got "
            f"{skew:+.0f} s: times given with at= and expires are wrong by as much",
            "synchronise the clocks (NTP)",
        )


def replication(inspection: Inspection) -> Iterator[Finding]:
    """Replicas lag behind: a failover can lose jobs."""
    replicas = inspection.number("connected_slaves")
    bounded = "min_slaves_good_slaves" in inspection.info
    if replicas and inspection.info.get("role") == "master":
        text = f"connected replicas: {replicas}"
        if bounded:
            yield Finding("replication", "ok", text)
        else:
            loses = "a failover or a split can lose jobs"
            yield Finding("replication", "note", f"{text}; {loses}", "set min-replicas-to-write")


SERVER_CHECKS: list[Callable[[Inspection], Iterator[Finding]]] = [
    *(eviction, memory, persistence, replication, clock),
]
