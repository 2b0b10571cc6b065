"""The failed jobs: find them, retry them, remove them."""

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha1
from typing import TYPE_CHECKING

from ..broker.script_arguments import encode_text
from ..connection.client import RedisSteps
from ..connection.twins import (
    PageSteps,
    blocking,
    blocking_pages,
    map_pages,
    merge_pages,
    next_page,
    pages_of,
    steps_of,
)
from ..errors import ConfigurationError
from ..model.checks import short_repr
from ..model.payload import Payload
from ..model.retry_answer import Retry, RetryAnswer
from .job_filter import JobFilter
from .monitor import Monitor
from .retry_elsewhere import RetryElsewhere
from .views import JobView

if TYPE_CHECKING:
    from .control import Control

PAGE_SIZE = 100
"""How many jobs one script changes."""


@dataclass(frozen=True)
class Filter(JobFilter):
    """Which failed jobs are meant: those that match all fields.

    A field that is None or empty matches every job; see ``JobFilter``. ``error``: a part of the
    type or the message of the error, in upper or lower case; ``match``: a regular expression that
    is found in "TYPE: MESSAGE". ``since`` and ``until``: epoch seconds, the job failed at or after
    ``since`` and before ``until``. Raises ConfigurationError for an empty text, and for a text that
    is no regular expression.
    """

    ids: frozenset[str] = frozenset()
    error: str | None = None
    match: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.match is not None:
            compiled(self.match)

    def texts(self) -> tuple[str, ...]:
        return (*super().texts(), "error", "match")

    def plain(self, field: str) -> str:
        return "" if field == "match" else super().plain(field)

    def time_of(self, view: JobView) -> float:
        return view.at or 0.0

    def matches(self, view: JobView) -> bool:
        """Returns whether a failed job is meant. Does not look at its queue."""
        error = error_line(view)
        return (
            (not self.ids or view.id in self.ids)
            and (self.error is None or self.error.lower() in error.lower())
            and (self.match is None or compiled(self.match).search(error) is not None)
            and super().matches(view)
        )


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Returns a regular expression; raises ConfigurationError for a text that is none."""
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigurationError(
            f"match: expected a regular expression, got {short_repr(pattern)} ({error})"
        ) from None


def error_line(view: JobView) -> str:
    """Returns type and message of the error of a failed job: ``KeyError: 'x'``."""
    return f"{view.failure.get('error', '')}: {view.failure.get('message', '')}"


@blocking_pages
def find(monitor: Monitor, wanted: Filter) -> PageSteps[JobView]:
    """Returns the failed jobs that match, queue by queue, the oldest failure first."""
    queues = None if wanted.queue is None else [wanted.queue]
    return map_pages(partial(filter, wanted.matches), pages_of(monitor.failed, queues))


@blocking_pages
def newest_first(monitor: Monitor, wanted: Filter) -> PageSteps[JobView]:
    """Returns the failed jobs that match, of all queues together, the newest failure first."""
    queues = yield from monitor.chosen(None if wanted.queue is None else [wanted.queue])
    found = [pages_of(monitor.jobs_in, queue, "failed", last_first=True) for queue in queues]
    merged = merge_pages(found, key=lambda view: -(view.at or 0.0))
    yield from map_pages(partial(filter, wanted.matches), merged)


@blocking
def count(monitor: Monitor, wanted: Filter) -> RedisSteps[int]:
    """Returns how many failed jobs match; reads only them if the filter looks at their content."""
    if not wanted.reads_payloads:
        queues = None if wanted.queue is None else [wanted.queue]
        return sum(view.failed for view in (yield from steps_of(monitor.queues, queues)))
    number, found = 0, pages_of(find, monitor, wanted)
    while (page := (yield from next_page(found))) is not None:
        number += len(page)
    return number


@blocking
def retry(
    control: "Control", views: Iterable[JobView], to: str | None = None
) -> RedisSteps[dict[str, RetryAnswer]]:
    """Move failed jobs to the tail of their queue, or of another one; returns id -> answer.

    Each moves in one step, or to another queue under a lease.
    """
    answers: dict[str, RetryAnswer] = {}
    holder = f"retry-{os.getpid()}-{secrets.token_hex(3)}"
    for queue, page in pages_by_queue(views):
        made = [(view, first_attempt(view)) for view in page]
        pairs = [(view, entry) for view, entry in made if entry is not None]
        answers |= {view.id: RetryAnswer("unreadable") for view, entry in made if entry is None}
        if to is None or to == queue:
            entries = [entry for _, entry in pairs]
            found = yield from steps_of(control.retry, queue, entries)
            answers |= {view.id: answer for (view, _), answer in zip(pairs, found, strict=True)}
        else:
            answers |= yield from RetryElsewhere(control, queue, to, holder).run(pairs)
    return answers


@blocking
def remove(control: "Control", views: Iterable[JobView]) -> RedisSteps[list[str]]:
    """Remove failed jobs; returns the ids of those that were still failed as they were seen: one
    that has run and failed again since is another failure."""
    removed: list[str] = []
    for queue, page in pages_by_queue(views):
        ids, states = [view.id for view in page], [f"failed={view.detail or 0}" for view in page]
        removed += yield from steps_of(control.remove, queue, ids, states)
    return removed


def first_attempt(view: JobView) -> Retry | None:
    """Returns a failed job as a first attempt, or None for a payload that no worker has seen.

    A payload that a worker could not read goes back unchanged: the next version of the app may
    read it.
    """
    failed_at, seen = (
        view.detail or 0,
        sha1(encode_text(view.stored), usedforsecurity=False).hexdigest(),
    )
    if view.name is None:
        return Retry(view.id, failed_at, view.raw, [], seen) if view.failure else None
    payload = Payload.decoded(view.raw)
    fresh = replace(payload, attempt=1, expires_at=None, failure=None)
    return Retry(view.id, failed_at, fresh.encoded(), payload.claims, seen)


def pages_by_queue(views: Iterable[JobView]) -> Iterator[tuple[str, list[JobView]]]:
    """Returns the views in pages of one queue each, so that no script takes long."""
    pages: dict[str, list[JobView]] = {}
    for view in list(views):
        page = pages.setdefault(view.queue, [])
        page.append(view)
        if len(page) == PAGE_SIZE:
            yield view.queue, pages.pop(view.queue)
    yield from pages.items()
