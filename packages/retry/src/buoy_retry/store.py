"""Jobs that wait for another attempt: found among the delayed, made due, ended."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from buoy import App
from buoy.model.checks import expect
from buoy.operations.monitor import JobView

from .attempts import history


@dataclass(frozen=True)
class Filter:
    """Which of them are meant. What is None does not matter."""

    ids: frozenset[str] = frozenset()
    name: str | None = None
    queue: str | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        for field in ("name", "queue", "error"):
            expect(getattr(self, field) != "", f"Filter.{field}", "a text that says something", "")

    def fits(self, view: JobView) -> bool:
        """Whether a job is meant; ``error`` may be a part of type or message of the last one."""
        return (
            (not self.ids or view.id in self.ids)
            and self.name in (None, view.name)
            and (self.error is None or self.error.lower() in told(view).lower())
        )


def told(view: JobView) -> str:
    """The last error of a job in one line; empty when nothing is known of it."""
    attempts = history(view)
    return f"{attempts[-1].error}: {attempts[-1].message}" if attempts else ""


def find(app: App, wanted: Filter) -> Iterator[JobView]:
    """The jobs that wait for another attempt and are meant, queue by queue, the next due first."""
    views = app.monitor.each("delayed", None if wanted.queue is None else [wanted.queue])
    return (view for view in views if view.state == "retrying" and wanted.fits(view))


def make_due(app: App, views: Iterable[JobView]) -> list[str]:
    """Let them run now; returns the ids of those that were still delayed."""
    ids = by_queue(views).items()
    return [id for queue, some in ids for id in app.reschedule(some, queue=queue)]


def end(app: App, views: Iterable[JobView]) -> list[str]:
    """End them, unless they have begun to run; returns the ids of those that were still delayed."""
    ids = by_queue(views).items()
    return [id for queue, some in ids for id in app.control.remove(queue, some, "delayed")]


def by_queue(views: Iterable[JobView]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for view in views:
        found.setdefault(view.queue, []).append(view.id)
    return found
