"""What the page Failed shows: the newest failed jobs, in groups, and how many match in all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from buoy import App
from buoy.plugins.operators import FailureSummary, failure_key, summarize
from buoy.plugins.redis import JobView

from .charts import sparkline
from .search import Search, format_word
from .timed import read_timed

MOST_READ = 30
"""How many failed jobs a page reads, unless somebody goes on to older ones, or asks for all."""
FURTHEST = 1000
"""Behind so many jobs a page begins at most, unless somebody asks for all."""
STEPS = 30
"""Points of a sparkline."""


@dataclass(frozen=True)
class Group:
    """The failed jobs of one class with one type of error. ``line``: the filter that finds them;
    ``counts``: how many failed in each step of the time that the page shows."""

    name: str | None
    error: str
    message: str
    count: int
    first_at: float
    last_at: float
    line: str
    counts: list[int]

    def spark(self) -> Markup:
        """Returns the counts as a small drawing."""
        return sparkline(self.counts)


@dataclass(frozen=True)
class Failures:
    """The failed jobs that match, the newest first.

    ``total``: how many match in all; None if that is not known, since ``failed`` jobs have failed
    in all, and only ``read`` of them were looked at.
    """

    jobs: list[JobView]
    total: int | None
    read: int
    failed: int

    @property
    def is_all(self) -> bool:
        """Whether all failed jobs were looked at."""
        return self.read >= self.failed


def find_failures(app: App, search: Search, start: int) -> Failures:
    """Returns the failed jobs that match, of the newest MOST_READ, and of as many behind the first
    ``start``. Takes four round trips. Raises BrokerError."""
    steps = read_timed(app, "failed", search.queue, MOST_READ + start, search.failed_filter)
    page = app.run_steps(steps)
    total = len(page.views) if page.looked >= page.total else None
    if conditions_of(search).keys() <= {"queue"}:
        total = page.total
    return Failures(page.views, total, page.looked, page.total)


def find_all_failures(app: App, search: Search, shown: range) -> Failures:
    """Returns all failed jobs that match; only those in ``shown`` with all that is stored of them.
    Raises BrokerError."""
    found = enumerate(app.failures.find(**conditions_of(search)))
    jobs = [job if number in shown else without_arguments(job) for number, job in found]
    return Failures(jobs, len(jobs), len(jobs), len(jobs))


def without_arguments(job: JobView) -> JobView:
    """Returns a job with little more than its error: there may be very many."""
    failure = {name: job.failure.get(name, "") for name in ("error", "message")}
    return replace(job, args=[], kwargs={}, plugin_data={}, failure=failure, raw="", stored="")


def conditions_of(search: Search) -> dict[str, Any]:
    """Returns the conditions of ``app.failures`` for a search."""
    found = {
        "job": search.name,
        "queue": search.queue,
        "error": search.error,
        "args": search.args,
        "tag": search.tag,
        "since": search.since,
        "until": search.until,
    }
    return {name: value for name, value in found.items() if value is not None}


def groups_of(jobs: Sequence[JobView], now: float) -> list[Group]:
    """Returns the groups of failed jobs, the largest first. All sparklines show one time: from the
    first of these failures until now."""
    times = [failed_at(job, now) for job in jobs]
    begin = min(times, default=now)
    step = max((now - begin) / STEPS, 1.0)
    counts: dict[tuple[str | None, str], list[int]] = {}
    for job, at in zip(jobs, times, strict=True):
        some = counts.setdefault(failure_key(job), [0] * STEPS)
        some[min(int((at - begin) / step), STEPS - 1)] += 1
    return [group_of(each, counts[each.name, each.error]) for each in summarize(reversed(jobs))]


def failed_at(job: JobView, now: float) -> float:
    """Returns when a job failed; a time since the epoch, whatever another program has written."""
    return min(max(job.at or 0.0, 0.0), now)


def group_of(each: FailureSummary, counts: list[int]) -> Group:
    fields = each.name, each.error, each.message, each.count, each.first_at, each.last_at
    return Group(*fields, line_of(each), counts)


def line_of(group: FailureSummary) -> str:
    """Returns the filter that finds the jobs of a group."""
    words = [format_word("error", ":", group.error)]
    return " ".join([format_word("class", ":", group.name), *words] if group.name else words)
