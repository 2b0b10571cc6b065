"""Finds present and coming problems of Redis, queues and workers, and gives advice on each."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import Unavailable
from ..text.units import mebibytes
from .repair import Survey, by_kind

if TYPE_CHECKING:
    from ..app import App
    from .views import WorkerView

OVERDUE_SECONDS = 60.0
SKEW_SECONDS = 5.0
HEADROOM = 0.8
"""Memory is short if more than this part of ``maxmemory`` is used."""
GONE_LEASES = 20
"""How long a killed worker is reported as wrong after others have its jobs, in leases."""
LAST_WRITES = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. ``advice``: what to do, if it is wrong."""

    subject: str
    state: Literal["fine", "wrong"]
    text: str
    advice: str = ""


def examine(app: "App") -> list[Finding]:
    """Run all checks; raises BrokerError if Redis does not answer."""
    inspection = Inspection(app)
    return [finding for check in CHECKS for finding in check(inspection)]


class Inspection:
    """What the checks need, read once.

    ``now``: the clock of Redis, epoch seconds. ``queues``: the counts of queues that can be read.
    ``missed``: the errors of queues on nodes of a cluster that are away.
    """

    def __init__(self, app: "App") -> None:
        client, self.monitor, self.settings = app.broker.client, app.monitor, app.settings
        self.client, self.keys = client, app.broker.keys
        lines = client.call("INFO").decode().splitlines()  # of a cluster: one node's
        self.info = {name: value for name, _, value in (line.partition(":") for line in lines)}
        seconds, micros = client.call("TIME")
        self.now = int(seconds) + int(micros) / 1e6 + app.broker.clock_offset_ms / 1000
        counted, missed = self.monitor.count_queues()
        self.missed = {n: each for n, each in missed.items() if isinstance(each, Unavailable)}
        names = sorted({*missed, *(view.name for view in counted)} - self.missed.keys())
        self.survey = {name: Survey(app.broker, name) for name in names}
        self.wrong_keys = {name: each.wrong_keys() for name, each in self.survey.items()}
        self.queues = [view for view in counted if not self.wrong_keys[view.name]]

    def number(self, name: str) -> int:
        """Return a number of INFO, or 0."""
        return int(self.info.get(name) or 0)

    def seconds_unserved(self, queue: str) -> float:
        """Return the seconds since a worker last looked at the queue; inf if none ever did."""
        key = self.keys.part(queue, "meta")
        seen = self.monitor.ask(key, "HGET", "seen")
        return float("inf") if seen is None else self.now - self.monitor.number(key, seen) / 1000


def eviction(inspection: Inspection) -> Iterator[Finding]:
    """Check that a full Redis throws no data away."""
    policy = inspection.info.get("maxmemory_policy", "unknown")
    if policy == "noeviction" or not inspection.number("maxmemory"):
        yield Finding("eviction", "fine", f"nothing is evicted (policy {policy})")
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
        yield Finding("memory", "fine", f"{mebibytes(used)} used, no limit set")
    elif used < HEADROOM * limit:
        yield Finding("memory", "fine", f"{mebibytes(used)} of {mebibytes(limit)} used")
    else:
        yield Finding(
            "memory",
            "wrong",
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
        yield Finding("persistence", "fine", "an append-only file is written")
    else:
        yield Finding(
            "persistence",
            "wrong",
            "expected an append-only file, got none: a crash of Redis loses jobs",
            "CONFIG SET appendonly yes, and set it in redis.conf, too",
        )


def clock(inspection: Inspection) -> Iterator[Finding]:
    """Check that the clocks of this machine and of Redis agree."""
    skew = time.time() - inspection.now
    if abs(skew) < SKEW_SECONDS:
        yield Finding("clock", "fine", f"this machine and Redis differ by {abs(skew):.1f} s")
    else:
        yield Finding(
            "clock",
            "wrong",
            f"expected less than {SKEW_SECONDS:g} s between this machine and Redis, got "
            f"{skew:+.0f} s: times given with at= and expires are wrong by as much",
            "synchronise the clocks (NTP)",
        )


def keys(inspection: Inspection) -> Iterator[Finding]:
    """Check that each key has its type."""
    for queue, wrong in inspection.wrong_keys.items():
        if wrong:
            yield Finding(
                f"queue {queue}",
                "wrong",
                f"{', '.join(wrong)}: this queue is blocked",
                "RENAME it to a name of its own, and find out what writes there",
            )
    if not any(inspection.wrong_keys.values()):
        yield Finding("keys", "fine", "each is of its type")


def places(inspection: Inspection) -> Iterator[Finding]:
    """Check that each job is in one place, and that each claim has its job."""
    found = False
    for queue in inspection.queues:
        for kind, subjects in by_kind(list(inspection.survey[queue.name].faults())):
            found = True
            yield Finding(
                f"queue {queue.name}",
                "wrong",
                f"{kind.wrong}: {len(subjects)}",
                f"list and mend them: buoy queues repair {queue.name} --dry-run",
            )
    if not found:
        yield Finding("places", "fine", "each job is in one place, and each claim has its job")


def replication(inspection: Inspection) -> Iterator[Finding]:
    """Replicas lag behind: a failover can lose jobs. It is reported, but it is not wrong."""
    replicas = inspection.number("connected_slaves")
    bounded = "min_slaves_good_slaves" in inspection.info
    if replicas and inspection.info.get("role") == "master":
        loses = (
            "" if bounded else "; a failover or a split can lose jobs, see min-replicas-to-write"
        )
        yield Finding("replication", "fine", f"connected replicas: {replicas}{loses}")


def unreached(inspection: Inspection) -> Iterator[Finding]:
    """Report queues on nodes of the cluster that are away."""
    for name, error in inspection.missed.items():
        advice = "see the nodes of the cluster: CLUSTER NODES"
        yield Finding(f"queue {name}", "wrong", str(error), advice)


def unserved(inspection: Inspection) -> Iterator[Finding]:
    """Check that workers look at each queue that has jobs."""
    patience = 2 * inspection.settings.lease
    found = False
    for queue in inspection.queues:
        silence = inspection.seconds_unserved(queue.name)
        if queue.queued + queue.delayed and silence > patience:
            found = True
            never = silence == float("inf")
            looked = "has ever looked at it" if never else f"has looked at it for {silence:.0f} s"
            yield Finding(
                f"queue {queue.name}",
                "wrong",
                f"queued {queue.queued}, delayed {queue.delayed}, but no worker {looked}",
                f"start one: buoy worker -a MODULE -q {queue.name}",
            )
    if not found:
        yield Finding(
            "queues", "fine", f"known: {len(inspection.queues)}; all that hold jobs are served"
        )


def workers(inspection: Inspection) -> Iterator[Finding]:
    """Check that no worker was killed."""
    try:
        views = inspection.monitor.workers()
    except Unavailable as error:
        yield Finding("workers", "wrong", f"they cannot be listed: {error}", "see above")
        return
    for view in views:
        if view.gone:
            yield gone_worker(
                view, inspection.now - view.beat_at, GONE_LEASES * inspection.settings.lease
            )
    if not any(view.gone for view in views):
        yield Finding("workers", "fine", f"{len(views)} at work")


def gone_worker(view: "WorkerView", ago: float, patience: float) -> Finding:
    """Return the finding for a worker that was killed ``ago`` seconds ago.

    It is wrong while no other worker has its jobs, and for ``patience`` seconds: somebody must have
    the time to read it.
    """
    text = f"its heartbeats stopped {ago:.0f} s ago, jobs in flight: {len(view.running)}"
    subject, forget = f"worker {view.id}", f"buoy workers forget {view.id}"
    if not view.running and not 0 <= ago < patience:
        return Finding(subject, "fine", f"{text}; {forget}")
    see = "see its log and the kernel's (killed? out of memory?)"
    if view.running:
        return Finding(subject, "wrong", text, f"{see}; its jobs need another worker")
    return Finding(subject, "wrong", text, f"{see}; then {forget}")


def overdue(inspection: Inspection) -> Iterator[Finding]:
    """Check that no delayed job is overdue."""
    found = False
    for queue in inspection.queues:
        for view in inspection.monitor.delayed(queue.name, 0, 1):
            late = inspection.now - (view.at or inspection.now)
            if late > OVERDUE_SECONDS:
                found = True
                yield Finding(
                    f"queue {queue.name}",
                    "wrong",
                    f"delayed jobs are overdue by up to {late:.0f} s",
                    "workers queue delayed jobs when they are due: start one for this queue",
                )
    if not found:
        yield Finding("delayed jobs", "fine", "none is overdue")


def failures(inspection: Inspection) -> Iterator[Finding]:
    """Check that the number of jobs that fail in an hour does not grow."""
    found = False
    for queue in inspection.queues:
        lately, before = (failed_within(inspection, queue.name, hours) for hours in (1, 2))
        if lately > before - lately:
            found = True
            yield Finding(
                f"queue {queue.name}",
                "wrong",
                f"failed in the last hour: {lately}, in the one before: {before - lately}",
                f"buoy failed list --queue {queue.name} --since 1h",
            )
    if not found:
        yield Finding("failures", "fine", "not growing")


def failed_within(inspection: Inspection, queue: str, hours: int) -> int:
    """Return how many jobs of a queue failed in the last hours."""
    since = round((inspection.now - 3600 * hours) * 1000)
    key = inspection.keys.part(queue, "failed")
    return int(inspection.monitor.ask(key, "ZCOUNT", since, "+inf") or 0)


CHECKS: list[Callable[[Inspection], Iterator[Finding]]] = [
    *(eviction, memory, persistence, replication, clock),
    *(unreached, unserved, workers, overdue, failures, keys, places),
]
