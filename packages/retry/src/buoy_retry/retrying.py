"""Finds jobs that are delayed for another attempt, makes them due, ends them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from buoy import App
from buoy.plugins import expect
from buoy.plugins.redis import JobView

from .attempts import history


@dataclass(frozen=True)
class RetryFilter:
    """Which jobs are meant: those that match all fields. None and an empty set match every job."""

    ids: frozenset[str] = frozenset()
    name: str | None = None
    queue: str | None = None
    error: str | None = None
    tag: str | None = None

    def __post_init__(self) -> None:
        for field in ("name", "queue", "error", "tag"):
            expect(
                getattr(self, field) != "", f"RetryFilter.{field}", "a text that is not empty", ""
            )

    def matches(self, view: JobView) -> bool:
        """Whether a job is meant. ``error`` must be a part of its last error (type or message),
        upper or lower case."""
        return (
            (not self.ids or view.id in self.ids)
            and self.name in (None, view.name)
            and (self.tag is None or self.tag in view.tags)
            and (self.error is None or self.error.lower() in last_error(view).lower())
        )


def last_error(view: JobView) -> str:
    """Returns type and message of the last error of a job; an empty text when it has none."""
    attempts = history(view)
    return f"{attempts[-1].error}: {attempts[-1].message}" if attempts else ""


def find_retrying(app: App, wanted: RetryFilter) -> Iterator[JobView]:
    """Yields the jobs that are delayed for another attempt and match, queue by queue, in a queue
    the next due first."""
    views = app.monitor.each("delayed", None if wanted.queue is None else [wanted.queue])
    return (view for view in views if view.attempt > 1 and wanted.matches(view))


def make_due(app: App, views: Iterable[JobView]) -> list[str]:
    """Makes jobs due now; returns the ids of those that were still delayed."""
    queues = ids_by_queue(views).items()
    return [id for queue, ids in queues for id in app.reschedule(ids, queue=queue)]


def end_jobs(app: App, views: Iterable[JobView]) -> list[str]:
    """Ends jobs that do not run yet; returns the ids of those that were still delayed."""
    queues = ids_by_queue(views).items()
    return [id for queue, ids in queues for id in app.control.remove(queue, ids, "delayed")]


def ids_by_queue(views: Iterable[JobView]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for view in views:
        found.setdefault(view.queue, []).append(view.id)
    return found
