"""The newest failed jobs of all queues together, however many there are."""

from dataclasses import dataclass

from ..connection.client import RedisSteps
from .failed_set import Filter
from .monitor import Monitor
from .timed_jobs import read_timed_page
from .views import JobView


@dataclass(frozen=True, slots=True)
class NewestFailed:
    """What the newest failed jobs are.

    ``views``: those that match, the newest failure first. ``read``: how many were looked at;
    ``failed``: how many failed jobs there are in all.
    """

    views: list[JobView]
    read: int
    failed: int

    @property
    def is_all(self) -> bool:
        """Whether every failed job was looked at."""
        return self.read >= self.failed


def newest_failed(monitor: Monitor, wanted: Filter, most: int) -> RedisSteps[NewestFailed]:
    """Returns those of about the ``most`` newest failed jobs that match. Raises BrokerError.

    Skips queues on nodes of a cluster that are away.
    """
    queues = yield from monitor.chosen(None if wanted.queue is None else [wanted.queue])
    page = yield from read_timed_page(monitor, queues, "failed", most, wanted=wanted)
    return NewestFailed(page.views, page.looked, page.total)
