"""What ``buoy top`` shows: one reading of Redis, and rates from the last few."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...errors import Unavailable
from ...operations.timed_jobs import read_timed_page
from ...operations.views import JobView, QueueView, WorkerView

if TYPE_CHECKING:
    from ...app import App

FAILURES = 100
"""How many failures are shown."""
SPAN = 10.0
"""The seconds over which rates are measured."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Queues, workers, running jobs and the newest failures, as Redis had them.

    ``at``: epoch seconds. ``missed``: names of queues on nodes of a cluster that are away.
    ``running``: the jobs in flight by worker. ``paused_since``: since when everything is paused
    (epoch seconds), or None.
    """

    at: float
    queues: list[QueueView]
    missed: list[str]
    workers: list[WorkerView]
    running: dict[str, list[JobView]]
    failures: list[JobView]
    paused_since: float | None = None

    @property
    def failed(self) -> int:
        """How many jobs are failed in all."""
        return sum(view.failed for view in self.queues)


def read(app: "App") -> Snapshot:
    """Read all that is shown; raises BrokerError if Redis does not answer."""
    monitor = app.monitor
    views, missed = monitor.count_queues()
    try:
        workers = monitor.workers()
    except Unavailable:
        if not missed:
            raise
        workers = []  # on a cluster, a node that is away keeps them from being listed
    running: dict[str, list[JobView]] = {}
    for job in monitor.running_jobs([view.name for view in views if view.running]):
        running.setdefault(job.worker, []).append(job)
    failing = [view.name for view in views if view.failed]
    failures = monitor.run_steps(read_timed_page(monitor, failing, "failed", FAILURES)).views
    paused_since = monitor.paused_since()
    return Snapshot(time.time(), views, list(missed), workers, running, failures, paused_since)


@dataclass(frozen=True, slots=True)
class Rate:
    """Jobs per second that came into a queue, and that left it by an end of any kind."""

    incoming: float
    outgoing: float


@dataclass(slots=True)
class Rates:
    """The rates of all queues over the last SPAN seconds."""

    past: deque[tuple[float, dict[str, QueueView]]] = field(default_factory=deque)

    def add(self, snapshot: Snapshot) -> None:
        """Take a further reading into account."""
        self.past.append((snapshot.at, {view.name: view for view in snapshot.queues}))
        while len(self.past) > 2 and self.past[1][0] <= snapshot.at - SPAN:
            self.past.popleft()

    def of(self, queue: str) -> Rate | None:
        """Returns the rate of a queue, or None if it has been seen once only."""
        found = [(at, views[queue]) for at, views in self.past if queue in views]
        if len(found) < 2 or found[-1][0] <= found[0][0]:
            return None
        (began, first), (ended, last) = found[0], found[-1]
        seconds = ended - began
        return Rate(
            max(0, known(last) - known(first)) / seconds,
            max(0, left(last) - left(first)) / seconds,
        )


def left(view: QueueView) -> int:
    """Returns how many jobs have ended: done, rejected or failed."""
    return view.done + view.rejected + view.failed


def known(view: QueueView) -> int:
    """Returns how many jobs the queue has had: those that are there, and those that have ended."""
    return view.queued + view.blocked + view.delayed + view.running + left(view)
