"""Read-only views of queues, jobs and workers. Commands and dashboards read Redis only by these."""

from collections.abc import Iterable, Sequence

from ..connection.client import RawArg, RedisSteps, check_replies
from ..connection.twins import (
    awaiting,
    blocking,
    steps_of,
)
from ..errors import Unavailable
from .count_reader import Period, Since, read_counts, read_series
from .counts import ClassCounts, CountsAt
from .job_reader import JobReader
from .queue_counts import Counted, read_queues
from .running_places import read_running
from .views import JobView, QueueView, WorkerView
from .worker_reader import read_workers


class Monitor(JobReader):
    """Reads the queues, jobs and workers of one namespace.

    All methods raise BrokerError if Redis does not answer. Methods whose names begin with ``read_``
    return steps, so that several readings can share their round trips: see ``together``.
    """

    @blocking
    def paused_since(self) -> RedisSteps[float | None]:
        """Returns since when everything is paused (epoch seconds), or None if it is not."""
        key = self.keys.paused()
        since = yield from steps_of(self.ask, key, "GET")
        return None if since is None else self.number(key, since) / 1000

    apaused_since = awaiting(paused_since)

    @blocking
    def knows(self, queue: str) -> RedisSteps[bool]:
        """Returns whether anything was ever enqueued to this queue, or it was paused."""
        return self.read_knows(queue)

    aknows = awaiting(knows)

    def read_knows(self, queue: str) -> RedisSteps[bool]:
        """Returns what ``knows`` does; takes one round trip."""
        parts = self.keys.parts(queue, "jobs", "meta")
        commands: list[list[RawArg]] = [
            ["SISMEMBER", self.keys.queues(), queue],
            ["EXISTS", *parts],
        ]
        return any(check_replies((yield commands)))

    @blocking
    def queues(self, names: Iterable[str] | None = None) -> RedisSteps[list[QueueView]]:
        """Returns the counts of these queues, or of all known ones.

        Raises Unavailable if a node of the cluster is away.
        """
        views, missed = yield from steps_of(self.count_queues, names)
        return check_replies([*missed.values(), *views])

    aqueues = awaiting(queues)

    @blocking
    def count_queues(
        self, names: Iterable[str] | None = None
    ) -> RedisSteps[tuple[list[QueueView], dict[str, Unavailable]]]:
        """Returns the counts of queues, and by name the errors of queues on nodes that are away."""
        found = yield from self.read_queues((yield from self.chosen(names)))
        return found.views, found.missed

    acount_queues = awaiting(count_queues)

    def read_queues(self, names: Sequence[str]) -> RedisSteps[Counted]:
        """Returns the counts of these queues; takes at most two round trips."""
        return read_queues(self, names)

    @blocking
    def counts(self, queues: Iterable[str] | None = None) -> RedisSteps[list[ClassCounts]]:
        """Returns what these queues, or all, have counted of each class since they exist."""
        return (yield from read_counts(self, (yield from self.chosen(queues))))

    acounts = awaiting(counts)

    @blocking
    def series(
        self,
        period: Period = "minute",
        queues: Iterable[str] | None = None,
        since: Since = None,
    ) -> RedisSteps[list[CountsAt]]:
        """Returns what these queues, or all, have counted of each class in each period, queue by
        queue, the oldest first: minutes of one day, hours of 31 days, days (by UTC) of a year. The
        last one may not be over.

        ``since``: when the first of them began at the earliest, epoch seconds; may be given by
        queue. Raises ConfigurationError for another period.
        """
        return (yield from read_series(self, (yield from self.chosen(queues)), period, since))

    aseries = awaiting(series)

    def read_series(
        self, period: Period, queues: Sequence[str], since: Since = None
    ) -> RedisSteps[list[CountsAt]]:
        """Returns what ``series`` does; takes one round trip, or more for thousands of rows."""
        return read_series(self, queues, period, since)

    @blocking
    def workers(self) -> RedisSteps[list[WorkerView]]:
        """Returns all workers, except those that have ended in order."""
        views, _ = yield from read_workers(self, (yield from self.read_queue_names()))
        return views

    aworkers = awaiting(workers)

    @blocking
    def running_jobs(self, queues: Iterable[str] | None = None) -> RedisSteps[list[JobView]]:
        """Returns the jobs in flight of these queues, or of all, queue by queue, the one that was
        reserved first before the others."""
        places = yield from read_running(self, (yield from self.chosen(queues)))
        return (yield from self.read_views(places))

    arunning_jobs = awaiting(running_jobs)
