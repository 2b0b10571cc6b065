"""The failed jobs of an app: what ``app.failures`` offers to programs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict, Unpack

from ..connection.client import RedisSteps
from ..connection.twins import (
    PageSteps,
    all_of,
    awaiting,
    awaiting_pages,
    blocking,
    blocking_pages,
    first_of,
    next_page,
    pages_of,
    steps_of,
)
from ..model.checks import expect, is_int
from ..model.names import checked_queue
from ..model.options import epoch_seconds
from ..model.retry_answer import RetryAnswer
from . import failed_set
from .failed_set import Filter
from .monitor import Monitor
from .newest_failed import NewestFailed, newest_failed
from .removed_job import RemovedJob
from .views import JobView

if TYPE_CHECKING:
    from ..jobs.job import Job
    from .control import Control


class Conditions(TypedDict, total=False):
    """What failed jobs must match; see ``Failures``."""

    queue: str
    error: str
    match: str
    args: str
    tag: str
    since: float | datetime
    until: float | datetime


@dataclass(frozen=True, slots=True)
class FailureSummary:
    """The failed jobs of one class with one type of error.

    ``name``: of the class, None if payloads cannot be read. ``message``: of the newest of them.
    ``first_at``, ``last_at``: when the oldest and the newest failed (epoch seconds).
    """

    name: str | None
    error: str
    count: int
    first_at: float
    last_at: float
    message: str


class Failures:
    """Finds, retries and removes failed jobs.

    The methods that search take a job class, or the name of one, and conditions, all of which must
    hold. ``queue``: in this queue. ``error``: type or message of the error
    contain this text, in upper or lower case. ``match``: this regular expression is found in
    "TYPE: MESSAGE". ``args``: the arguments as JSON contain this text. ``tag``: the job has it.
    ``since``, ``until``: it failed at or after, or before this time (epoch seconds, or a
    ``datetime`` with a time zone).

    All methods raise BrokerError if Redis does not answer, and ConfigurationError for conditions
    that are not valid.
    """

    def __init__(self, monitor: Monitor, control: "Control") -> None:
        self.monitor, self.control = monitor, control
        self.run_steps, self.arun_steps = monitor.run_steps, monitor.arun_steps

    @blocking_pages
    def find(
        self, job: "type[Job] | str | None" = None, **conditions: Unpack[Conditions]
    ) -> PageSteps[JobView]:
        """Returns the failed jobs that match, of all queues together, the newest failure first.

        The ids are listed at the start, the payloads are read in pages.
        """
        return pages_of(failed_set.newest_first, self.monitor, filter_of(job, conditions))

    afind = awaiting_pages(find)

    @blocking
    def newest(
        self, count: int, job: "type[Job] | str | None" = None, **conditions: Unpack[Conditions]
    ) -> RedisSteps[list[JobView]]:
        """Returns the newest ``count`` failed jobs that match."""
        expect(is_int(count) and count >= 0, "newest(count)", "0 or more jobs", count)
        return first_of(pages_of(self.find, job, **conditions), count)

    @blocking
    def among_newest(
        self, most: int, job: "type[Job] | str | None" = None, **conditions: Unpack[Conditions]
    ) -> RedisSteps[NewestFailed]:
        """Returns which of the newest ``most`` failed jobs match; how many were looked at, and how
        many there are. Takes four round trips."""
        expect(is_int(most) and most > 0, "among_newest(most)", "1 job or more", most)
        return newest_failed(self.monitor, filter_of(job, conditions), most)

    aamong_newest = awaiting(among_newest)

    anewest = awaiting(newest)

    @blocking
    def count(
        self, job: "type[Job] | str | None" = None, **conditions: Unpack[Conditions]
    ) -> RedisSteps[int]:
        """Returns how many failed jobs match. Counting those of a queue, or all, is cheap."""
        return steps_of(failed_set.count, self.monitor, filter_of(job, conditions))

    acount = awaiting(count)

    @blocking
    def summary(
        self, job: "type[Job] | str | None" = None, **conditions: Unpack[Conditions]
    ) -> RedisSteps[list[FailureSummary]]:
        """Returns how many failed jobs there are of each class and type of error, most first."""
        return steps_of(summarize_all, self.monitor, filter_of(job, conditions))

    asummary = awaiting(summary)

    @blocking
    def retry(
        self, jobs: Iterable[JobView | str], *, to: str | None = None
    ) -> RedisSteps[dict[str, RetryAnswer]]:
        """Move failed jobs to the tail of their queue, as first attempts; returns id -> answer.

        ``jobs``: what ``find`` returned, or ids. ``to``: another queue to which they move. Each
        job moves in one step; to another queue, it moves under a lease. Raises EnqueueError if the
        other queue cannot take them.
        """
        target = None if to is None else checked_queue(to)
        views, unknown = yield from self.views_of(jobs)
        answers = {id: RetryAnswer("gone") for id in unknown}
        return answers | (yield from steps_of(failed_set.retry, self.control, views, target))

    aretry = awaiting(retry)

    @blocking
    def remove(self, jobs: Iterable[JobView | str]) -> RedisSteps[list[str]]:
        """Remove failed jobs for ever; returns the ids of those that were still failed.

        ``jobs``: what ``find`` returned, or ids.
        """
        views, _ = yield from self.views_of(jobs)
        return (yield from steps_of(failed_set.remove, self.control, views))

    aremove = awaiting(remove)

    @blocking
    def restore(self, jobs: Iterable[RemovedJob]) -> RedisSteps[list[str]]:
        """Undo ``remove``: put removed jobs back into the failed set.

        ``jobs``: made by ``RemovedJob.of`` before they were removed. Returns the ids of those that
        are failed again; an id that is in use meanwhile is left alone.
        """
        by_queue: dict[str, list[RemovedJob]] = {}
        for job in jobs:
            by_queue.setdefault(job.queue, []).append(job)
        restored: list[str] = []
        for queue, some in by_queue.items():
            restored += yield from steps_of(self.control.restore_failed, queue, some)
        return restored

    arestore = awaiting(restore)

    @blocking
    def keep(
        self, newest: int, job: "type[Job] | str | None" = None, **conditions: Unpack[Conditions]
    ) -> RedisSteps[list[str]]:
        """Remove all failed jobs that match, except the newest; returns the ids of removed jobs."""
        expect(is_int(newest) and newest >= 0, "keep(newest)", "0 or more jobs", newest)
        found = yield from all_of(pages_of(self.find, job, **conditions))
        return (yield from steps_of(self.remove, found[newest:]))

    akeep = awaiting(keep)

    def views_of(
        self, jobs: Iterable[JobView | str]
    ) -> RedisSteps[tuple[list[JobView], list[str]]]:
        """Returns the failed jobs that are named, and the ids that are none of a failed job."""
        given = [jobs] if isinstance(jobs, JobView | str) else list(jobs)
        views = [each for each in given if isinstance(each, JobView)]
        unknown = []
        for id in dict.fromkeys(each for each in given if isinstance(each, str)):
            view = yield from steps_of(self.monitor.find, id)
            if view is not None and view.state == "failed":
                views.append(view)
            else:
                unknown.append(id)
        return views, unknown


def filter_of(job: "type[Job] | str | None", conditions: Conditions) -> Filter:
    """Returns the filter for the arguments of a search."""
    known = Conditions.__annotations__
    unknown = ", ".join(sorted(conditions.keys() - known))
    expect(not unknown, "app.failures", f"some of {', '.join(known)}", unknown)
    return Filter(
        name=job if job is None or isinstance(job, str) else job.name,
        queue=conditions.get("queue"),
        error=conditions.get("error"),
        since=epoch_or_none(conditions.get("since"), "since"),
        until=epoch_or_none(conditions.get("until"), "until"),
        match=conditions.get("match"),
        args=conditions.get("args"),
        tag=conditions.get("tag"),
    )


def epoch_or_none(at: float | datetime | None, subject: str) -> float | None:
    """Returns a time in epoch seconds, or None for None."""
    return None if at is None else epoch_seconds(at, subject)


def summarize(views: Iterable[JobView]) -> list[FailureSummary]:
    """Returns how many of these failed jobs are of each class and type of error, most first."""
    summaries: Summaries = {}
    add_to_summaries(summaries, views)
    return most_first(summaries)


@blocking
def summarize_all(monitor: Monitor, wanted: Filter) -> RedisSteps[list[FailureSummary]]:
    """Returns how many failed jobs match of each class and type of error, most first."""
    summaries: Summaries = {}
    found = pages_of(failed_set.find, monitor, wanted)
    while (page := (yield from next_page(found))) is not None:
        add_to_summaries(summaries, page)
    return most_first(summaries)


Summaries = dict[tuple[str | None, str], FailureSummary]


def most_first(found: Summaries) -> list[FailureSummary]:
    return sorted(found.values(), key=lambda each: (-each.count, -each.last_at))


def add_to_summaries(found: Summaries, views: Iterable[JobView]) -> None:
    """Add failed jobs, in any order, to the summaries of their class and type of error."""
    for key, some in by_key(views).items():
        newest = max(reversed(some), key=time_of)  # of several, the one that comes last
        first_at, last_at = min(map(time_of, some)), time_of(newest)
        message = text_of(newest, "message")
        new = FailureSummary(*key, len(some), first_at, last_at, message)
        found[key] = merged(found[key], new) if key in found else new


def time_of(view: JobView) -> float:
    """Returns when a job failed; 0.0 if it is not known."""
    return view.at or 0.0


def by_key(views: Iterable[JobView]) -> dict[tuple[str | None, str], list[JobView]]:
    """Returns failed jobs by their class and type of error."""
    found: dict[tuple[str | None, str], list[JobView]] = {}
    for view in views:
        found.setdefault(failure_key(view), []).append(view)
    return found


def merged(old: FailureSummary, new: FailureSummary) -> FailureSummary:
    """Returns one summary for two, of different jobs of the same class and type of error."""
    return replace(
        old,
        count=old.count + new.count,
        first_at=min(old.first_at, new.first_at),
        last_at=max(old.last_at, new.last_at),
        message=new.message if new.last_at >= old.last_at else old.message,
    )


def failure_key(view: JobView) -> tuple[str | None, str]:
    """Returns the class and the type of error of a failed job: they tell which summary it is in."""
    return view.name, text_of(view, "error")


def text_of(view: JobView, field: str) -> str:
    """Returns a field of a failure as a text; other programs may have written anything there."""
    value = view.failure.get(field, "")
    return value if isinstance(value, str) else repr(value)
