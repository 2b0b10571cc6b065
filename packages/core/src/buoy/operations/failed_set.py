"""The failed set in the hands of an operator: find, retry, remove."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..model.checks import expect
from ..model.payload import Payload
from .monitor import Monitor
from .views import JobView

if TYPE_CHECKING:
    from .control import Control, Retry

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """Which failures are meant; times are epoch seconds. What is None does not matter."""

    ids: frozenset[str] = frozenset()
    name: str | None = None
    queue: str | None = None
    error: str | None = None
    since: float | None = None
    until: float | None = None

    def __post_init__(self) -> None:
        for field in ("name", "queue", "error"):
            expect(getattr(self, field) != "", f"Filter.{field}", "a text that says something", "")

    def fits(self, view: JobView) -> bool:
        """Whether a failure is among those meant; ``error`` may be a part of type or message."""
        told = f"{view.failure.get('error', '')}: {view.failure.get('message', '')}"
        at = view.at or 0.0
        return (
            (not self.ids or view.id in self.ids)
            and self.name in (None, view.name)
            and (self.error is None or self.error.lower() in told.lower())
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )


def find(monitor: Monitor, wanted: Filter) -> Iterator[JobView]:
    """The failures that are meant, queue by queue, the oldest first."""
    queues = None if wanted.queue is None else [wanted.queue]
    return (view for view in monitor.failed(queues) if wanted.fits(view))


def newest_first(monitor: Monitor, wanted: Filter) -> Iterator[JobView]:
    """The failures of all queues that are meant, those that failed last first."""
    queues = monitor.queue_names() if wanted.queue is None else [wanted.queue]
    found = [monitor.all_of(queue, "failed", last_first=True) for queue in queues]
    views = heapq.merge(*found, key=lambda view: -(view.at or 0.0))
    return (view for view in views if wanted.fits(view))


def retry(control: "Control", views: Iterable[JobView]) -> dict[str, str]:
    """Put failed jobs back on their queues, each in one step: id -> "queued", "gone" (it was
    retried or removed meanwhile), "exists ID" (that job holds its claim now), or "unreadable"
    (it stays as it is)."""
    answers: dict[str, str] = {}
    for queue, page in paged(views):
        entries = {view.id: made for view in page if (made := entry(view))}
        found = control.retry(queue, list(entries.values()))
        answers |= {view.id: "unreadable" for view in page if view.id not in entries}
        answers |= dict(zip(entries, found, strict=True))
    return answers


def remove(control: "Control", views: Iterable[JobView]) -> list[str]:
    """Forget failed jobs; returns the ids of those that were there."""
    ended = [control.remove(q, [view.id for view in page], "failed") for q, page in paged(views)]
    return [id for some in ended for id in some]


def entry(view: JobView) -> "Retry | None":
    """A failed job as a first attempt of the same job. What a worker could not read, and has kept
    as it was, may be read by the next version; what it never saw stays where it is."""
    failed_at = view.detail or 0
    if view.name is None:
        return (view.id, failed_at, view.raw, []) if view.failure else None
    payload = Payload.decoded(view.raw)
    fresh = replace(payload, attempt=1, expires_at=None, failure=None)
    return view.id, failed_at, fresh.encoded(), payload.claims


def paged(views: Iterable[JobView]) -> Iterator[tuple[str, list[JobView]]]:
    """The views by queue, in pages: one script call does not hold up Redis for long."""
    pages: dict[str, list[JobView]] = {}
    for view in list(views):
        page = pages.setdefault(view.queue, [])
        page.append(view)
        if len(page) == PAGE_SIZE:
            yield view.queue, pages.pop(view.queue)
    yield from pages.items()
