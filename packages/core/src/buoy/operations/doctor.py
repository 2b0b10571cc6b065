"""Finds present and coming problems of Redis, queues and workers, and gives advice on each."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..connection.client import RedisSteps
from ..errors import Unavailable
from .finding import Finding
from .group_checks import check_groups, check_members
from .inspection import Inspection
from .repair import Survey, by_kind
from .server_checks import SERVER_CHECKS

if TYPE_CHECKING:
    from ..app import App
    from .views import WorkerView

OVERDUE_SECONDS = 60.0


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
    *SERVER_CHECKS,
    *(unreached, pause, unserved, workers, overdue, handovers, groups, failures, keys),
]
