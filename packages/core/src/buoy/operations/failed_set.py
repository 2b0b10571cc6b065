"""The failed jobs: find them, retry them, remove them."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..model.checks import expect
from ..model.payload import Payload
from ..model.retry_answer import RetryAnswer
from .monitor import Monitor
from .views import JobView

if TYPE_CHECKING:
    from .control import Control, Retry

PAGE_SIZE = 100
"""How many jobs one script changes."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which failed jobs are meant: those that match all fields.

    A field that is None or empty matches every job. ``name``: of the class. ``error``: a part of
    the type or the message of the error, in upper or lower case. ``since`` and ``until``: epoch
    seconds, the job failed at or after ``since`` and before ``until``. Raises ConfigurationError
    for an empty text.
    """

    ids: frozenset[str] = frozenset()
    name: str | None = None
    queue: str | None = None
    error: str | None = None
    since: float | None = None
    until: float | None = None

    def __post_init__(self) -> None:
        for field in ("name", "queue", "error"):
            expect(getattr(self, field) != "", f"Filter.{field}", "a text that is not empty", "")

    def matches(self, view: JobView) -> bool:
        """Return whether a failed job is meant. Does not look at its queue."""
        error = f"{view.failure.get('error', '')}: {view.failure.get('message', '')}"
        at = view.at or 0.0
        return (
            (not self.ids or view.id in self.ids)
            and self.name in (None, view.name)
            and (self.error is None or self.error.lower() in error.lower())
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )


def find(monitor: Monitor, wanted: Filter) -> Iterator[JobView]:
    """Return the failed jobs that match, queue by queue, the oldest failure first."""
    queues = None if wanted.queue is None else [wanted.queue]
    return (view for view in monitor.failed(queues) if wanted.matches(view))


def newest_first(monitor: Monitor, wanted: Filter) -> Iterator[JobView]:
    """Return the failed jobs that match, of all queues together, the newest failure first."""
    queues = monitor.queue_names() if wanted.queue is None else [wanted.queue]
    found = [monitor.jobs_in(queue, "failed", last_first=True) for queue in queues]
    views = heapq.merge(*found, key=lambda view: -(view.at or 0.0))
    return (view for view in views if wanted.matches(view))


def retry(control: "Control", views: Iterable[JobView]) -> dict[str, RetryAnswer]:
    """Move failed jobs to the tail of their queue, each in one step; returns id -> answer."""
    answers: dict[str, RetryAnswer] = {}
    for queue, page in pages_by_queue(views):
        entries = {view.id: made for view in page if (made := first_attempt(view))}
        found = control.retry(queue, list(entries.values()))
        answers |= {view.id: RetryAnswer("unreadable") for view in page if view.id not in entries}
        answers |= dict(zip(entries, found, strict=True))
    return answers


def remove(control: "Control", views: Iterable[JobView]) -> list[str]:
    """Remove failed jobs; returns the ids of the jobs that were still failed."""
    pages = pages_by_queue(views)
    removed = [control.remove(q, [view.id for view in page], "failed") for q, page in pages]
    return [id for ids in removed for id in ids]


def first_attempt(view: JobView) -> "Retry | None":
    """Return a failed job as a first attempt, or None for a payload that no worker has seen.

    A payload that a worker could not read goes back unchanged: the next version of the app may
    read it.
    """
    failed_at = view.detail or 0
    if view.name is None:
        return (view.id, failed_at, view.raw, []) if view.failure else None
    payload = Payload.decoded(view.raw)
    fresh = replace(payload, attempt=1, expires_at=None, failure=None)
    return view.id, failed_at, fresh.encoded(), payload.claims


def pages_by_queue(views: Iterable[JobView]) -> Iterator[tuple[str, list[JobView]]]:
    """Return the views in pages of one queue each, so that no script takes long."""
    pages: dict[str, list[JobView]] = {}
    for view in list(views):
        page = pages.setdefault(view.queue, [])
        page.append(view)
        if len(page) == PAGE_SIZE:
            yield view.queue, pages.pop(view.queue)
    yield from pages.items()
