"""Finds present and coming problems of Redis, queues and workers, and gives advice on each."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..connection.client import RawArg, RedisSteps, send_commands, single_reply, together
from ..errors import Unavailable
from ..text.units import mebibytes
from .checkup import read_checkups
from .finding import Finding
from .group_checks import check_groups, check_members, read_incomplete_groups
from .handovers import read_open
from .queue_counts import read_sizes
from .repair import Survey, by_kind
from .worker_reader import read_workers

if TYPE_CHECKING:
    from ..app import App
    from .views import QueueView, WorkerView

OVERDUE_SECONDS = 60.0
SKEW_SECONDS = 5.0
HEADROOM = 0.8
"""Memory is short if more than this part of ``maxmemory`` is used."""
LAST_WRITES = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")


def examine(app: "App", *, thorough: bool = True) -> list[Finding]:
    """Run all checks; raises BrokerError if Redis does not answer.

    Without ``thorough``, leave out those that read all jobs.
    """
    return app.monitor.run_steps(read_findings(app, thorough=thorough))


def read_findings(app: "App", *, thorough: bool = False) -> RedisSteps[list[Finding]]:
    """Returns what ``examine`` does; takes three round trips if it is not thorough."""
    inspection = Inspection(app)
    yield from inspection.read()
    checks = [*CHECKS, places, members] if thorough else CHECKS
    return [finding for check in checks for finding in check(inspection)]


class Inspection:
    """What the checks need, read once, by ``read``.

    ``now``: the clock of Redis, epoch seconds. ``paused_since``: since when everything is paused.
    ``queues``: the counts of queues that can be read.
    ``missed``: the errors of queues on nodes of a cluster that are away. ``handovers``: jobs on
    their way to other queues. ``groups``: those that are not complete. ``checkups``: the keys and
    failures of each of the other queues. ``workers``: all of them, or why they cannot be listed.
    """

    def __init__(self, app: "App") -> None:
        self.monitor, self.settings, self.broker = app.monitor, app.settings, app.broker

    def read(self) -> RedisSteps[None]:
        """Read it, in four round trips at most."""
        monitor = self.monitor
        ask: list[list[RawArg]] = [["INFO"], ["TIME"], ["GET", monitor.keys.paused()]]
        self.names, (info, time, paused) = yield from together(
            monitor.read_queue_names(), send_commands(ask)
        )
        lines = single_reply([info]).decode().splitlines()  # of a cluster: one node's
        self.info = {name: value for name, _, value in (line.partition(":") for line in lines)}
        seconds, micros = single_reply([time])
        self.now = int(seconds) + int(micros) / 1e6 + self.broker.clock_offset_ms / 1000
        since = monitor.readable(monitor.keys.paused(), paused)
        self.paused_since = None if since is None else monitor.number("paused", since) / 1000
        counted, self.checkups, self.workers, self.handovers, self.groups = yield from together(
            read_sizes(monitor, self.names),
            read_checkups(monitor, self.names, self.now),
            self.read_workers(),
            read_open(self.broker, self.names),
            read_incomplete_groups(monitor.keys, self.names),
        )
        self.missed = counted.missed
        self.queues = [
            view
            for view in counted.views
            if view.name in self.checkups and not self.checkups[view.name].wrong_keys
        ]

    def read_workers(self) -> RedisSteps["list[WorkerView] | Unavailable"]:
        """Returns all workers, or why they cannot be listed."""
        try:
            views, _ = yield from read_workers(self.monitor, self.names, ["state"])
        except Unavailable as error:
            return error
        return views

    def number(self, name: str) -> int:
        """Returns a number of INFO, or 0."""
        return int(self.info.get(name) or 0)

    def seconds_unserved(self, queue: "QueueView") -> float:
        """Returns the seconds since a worker last looked at the queue; inf if none ever did."""
        return float("inf") if queue.seen_at is None else self.now - queue.seen_at


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
    skew = time.time() - inspection.now
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


def keys(inspection: Inspection) -> Iterator[Finding]:
    """Check that each key has its type."""
    wrong = {q: each.wrong_keys for q, each in inspection.checkups.items() if each.wrong_keys}
    for queue, texts in wrong.items():
        yield Finding(
            f"queue {queue}",
            "wrong",
            f"{', '.join(texts)}: this queue is blocked",
            "RENAME it to a name of its own, and find out what writes there",
        )
    if not wrong:
        yield Finding("keys", "ok", "each is of its type")


def places(inspection: Inspection) -> Iterator[Finding]:
    """Check that each job is in one place, and that each claim has its job."""
    found = False
    for queue in inspection.queues:
        for kind, subjects in by_kind(list(Survey(inspection.broker, queue.name).faults())):
            found = True
            yield Finding(
                f"queue {queue.name}",
                "wrong",
                f"{kind.wrong}: {len(subjects)}",
                f"list and mend them: buoy queues repair {queue.name} --dry-run",
            )
    if not found:
        yield Finding("places", "ok", "each job is in one place, and each claim has its job")


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
        silence = inspection.seconds_unserved(queue)
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
            "queues", "ok", f"known: {len(inspection.queues)}; all that hold jobs are served"
        )


def workers(inspection: Inspection) -> Iterator[Finding]:
    """Check that no worker was killed."""
    views = inspection.workers
    if isinstance(views, Unavailable):
        yield Finding("workers", "wrong", f"they cannot be listed: {views}", "see above")
        return
    for view in views:
        if view.gone:
            yield gone_worker(view, inspection.now - view.beat_at)
    if not any(view.gone for view in views):
        yield Finding("workers", "ok", f"{len(views)} at work")


def gone_worker(view: "WorkerView", ago: float) -> Finding:
    """Returns the finding for a worker that was killed ``ago`` seconds ago. It is wrong while no
    other worker has its jobs."""
    text = f"its heartbeats stopped {ago:.0f} s ago, jobs in flight: {len(view.running)}"
    subject, see = f"worker {view.id}", "see its log and the kernel's (killed? out of memory?)"
    if view.running:
        return Finding(subject, "wrong", text, f"{see}; its jobs need another worker")
    return Finding(subject, "note", text, f"{see}; then buoy workers forget {view.id}")


def pause(inspection: Inspection) -> Iterator[Finding]:
    """Note that everything is paused."""
    if inspection.paused_since is not None:
        text = f"everything is paused for {inspection.now - inspection.paused_since:.0f} s"
        yield Finding("pause", "note", f"{text}: no worker takes jobs", "to go on: buoy resume")


def overdue(inspection: Inspection) -> Iterator[Finding]:
    """Check that no delayed job is overdue."""
    found = False
    for queue in inspection.queues:
        late = inspection.now - (queue.next_due_at or inspection.now)
        if late > OVERDUE_SECONDS:
            found = True
            yield Finding(
                f"queue {queue.name}",
                "wrong" if inspection.paused_since is None else "note",
                f"delayed jobs are overdue by up to {late:.0f} s",
                "workers queue delayed jobs when they are due: start one for this queue",
            )
    if not found:
        yield Finding("delayed jobs", "ok", "none is overdue")


def handovers(inspection: Inspection) -> Iterator[Finding]:
    """Check that jobs which ended jobs have enqueued in other queues get there."""
    found = False
    for queue, waiting in inspection.handovers.items():
        late = inspection.now - waiting.oldest
        if late > 2 * inspection.settings.lease:
            found = True
            names = ", ".join(each or "(unreadable)" for each in sorted(waiting.targets))
            yield Finding(
                f"queue {queue}",
                "wrong",
                f"jobs on their way to other queues: {waiting.count}, to {names}; the oldest for "
                f"{late:.0f} s",
                f"workers of {queue} hand them over, and log what is in the way; or do it now: "
                f"buoy queues repair {queue}",
            )
    if not found:
        yield Finding("hand-overs", "ok", "no job is stuck on its way to another queue")


def groups(inspection: Inspection) -> Iterator[Finding]:
    """Check that groups of jobs will be complete."""
    return check_groups(inspection.groups, inspection.now)


def members(inspection: Inspection) -> Iterator[Finding]:
    """Check that members of groups which were noted long ago are somewhere."""
    if not inspection.missed:  # else nobody knows what they hold
        yield from check_members(inspection.broker, inspection.groups, inspection.now)


def failures(inspection: Inspection) -> Iterator[Finding]:
    """Check that the number of jobs that fail in an hour does not grow."""
    found = False
    for queue in inspection.queues:
        checkup = inspection.checkups[queue.name]
        lately, before = checkup.failed_in_hour, checkup.failed_in_two_hours
        if lately > before - lately:
            found = True
            yield Finding(
                f"queue {queue.name}",
                "note",
                f"failed in the last hour: {lately}, in the one before: {before - lately}",
                f"buoy failed list --queue {queue.name} --since 1h",
            )
    if not found:
        yield Finding("failures", "ok", "not growing")


CHECKS: list[Callable[[Inspection], Iterator[Finding]]] = [
    *(eviction, memory, persistence, replication, clock),
    *(unreached, pause, unserved, workers, overdue, handovers, groups),
    *(failures, keys),
]
