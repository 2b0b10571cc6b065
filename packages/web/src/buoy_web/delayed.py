"""Which delayed jobs a search means, the next due first."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from buoy import App
from buoy.plugins.operators import Place, TimedPage
from buoy.plugins.redis import JobView, RedisSteps, delayed_jobs

from .search import LOOK, Search
from .timed import read_timed

SHOWN = 20
"""Jobs on a page."""


def read_delayed(app: App, wanted: Search, after: Place | None) -> RedisSteps[TimedPage]:
    """Returns the delayed jobs behind ``after`` that match, the next due first: of the next LOOK,
    or the next SHOWN if only their queue counts. Takes five round trips."""
    count = LOOK if wanted.reads_delayed else SHOWN
    filter = wanted.job_filter("delayed")
    page = yield from read_timed(app, "delayed", wanted.queue, count, filter, after)
    return replace(page, views=[view for view in page.views if has_error(view, wanted.error)])


def delayed_counts(app: App, wanted: Search) -> dict[str, int]:
    """Returns for each queue that has delayed jobs, and that the search means, how many."""
    queues = app.monitor.queues(None if wanted.queue is None else [wanted.queue])
    return {view.name: view.delayed for view in queues if view.delayed}


def matching(app: App, wanted: Search, queues: Iterable[str]) -> Iterator[JobView]:
    """Yields the delayed jobs of these queues that match, not sorted; misses none."""
    matches = wanted.job_filter("delayed").matches
    for queue in queues:
        for view in delayed_jobs(app, queue):
            if matches(view) and has_error(view, wanted.error):
                yield view


def has_error(view: JobView, text: str | None) -> bool:
    """Whether the last failed attempt of a job has this text in its error; None counts as any."""
    if text is None:
        return True
    last = last_attempt(view)
    return text.lower() in f"{last.get('error')}: {last.get('message')}".lower() if last else False


def attempts_of(view: JobView) -> list[dict[str, Any]]:
    """Returns the failed attempts that buoy-retry has recorded, the oldest first; skips what it
    cannot have written."""
    kept: Any = view.plugin_data.get("retry")
    found = kept.get("history") if isinstance(kept, dict) else None
    return [each for each in found if is_attempt(each)] if isinstance(found, list) else []


ATTEMPT: dict[str, Any] = {"attempt": int, "at": int | float, "error": str, "message": str}


def is_attempt(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(name), kind) for name, kind in ATTEMPT.items()
    )


def last_attempt(view: JobView) -> dict[str, Any] | None:
    attempts = attempts_of(view)
    return attempts[-1] if attempts else None
