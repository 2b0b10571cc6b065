"""Counts failed jobs by class and error, and formats the counts as the text of a mail."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from buoy.plugins.commands import format_cell, format_time
from buoy.plugins.redis import JobView
from buoy.plugins.text import one_line

Marks = dict[str, dict[str, Any]]
"""Which failed jobs were reported before, by queue: ``at`` is the time of the last reported failure
(epoch seconds), ``ids`` are the jobs that failed in exactly that millisecond."""


@dataclass(slots=True)
class FailureReport:
    """The number of failed jobs by class and error. A job is new if it failed after the marks."""

    marks: Marks
    total: Counter[tuple[str, str]] = field(default_factory=Counter)
    new: Counter[tuple[str, str]] = field(default_factory=Counter)
    new_marks: Marks = field(default_factory=dict)
    """The marks for the next report, if this one was sent."""
    last: JobView | None = None
    """The new job that failed last."""

    @classmethod
    def of(cls, views: Iterable[JobView], marks: Marks) -> "FailureReport":
        """Returns the report of all these failed jobs."""
        report = cls(marks, new_marks=dict(marks))
        for view in views:
            report.add(view)
        return report

    def add(self, view: JobView) -> None:
        kind = (class_name(view), format_cell(view.failure.get("error", "(unknown)")))
        self.total[kind] += 1
        if is_reported(view, self.marks.get(view.queue)):
            return
        self.new[kind] += 1
        self.new_marks[view.queue] = advanced_mark(self.new_marks.get(view.queue), view)
        if self.last is None or (view.at or 0) >= (self.last.at or 0):
            self.last = view

    @property
    def subject(self) -> str:
        """One line, like "2 new failed jobs, 5 in all"."""
        new, total = self.new.total(), self.total.total()
        if new == total:
            return format_count(total)
        return f"{format_count(new, 'new ')}, {total} in all"

    def text(self, place: str) -> str:
        """Returns the report as the text of a mail. ``place``: Redis and namespace of the jobs."""
        rows = sorted(self.total, key=lambda kind: (-self.new[kind], -self.total[kind], kind))
        width = max(len(name) for name, _ in rows)
        table = [f"  {'new':>6} {'all':>6}  {'class':{width}}  error"]
        for name, error in rows:
            counts = f"{self.new[name, error]:>6} {self.total[name, error]:>6}"
            table.append(f"  {counts}  {name:{width}}  {error}")
        lines = [f"{self.subject}, {place}.", "", *table, "", *self.last_failure()]
        lines += ["See them:   buoy failed list", "Try again:  buoy failed retry --class CLASS"]
        return "\n".join(lines) + "\n"

    def last_failure(self) -> list[str]:
        """Returns the lines about the last new job; none if no job is new."""
        if self.last is None:
            return []
        message = " ".join(str(self.last.failure.get("message", ""))[:1000].split())[:300]
        return [
            f"The last one: {class_name(self.last)} {format_cell(self.last.id)} "
            f"in {self.last.queue}, {format_time(self.last.at)}",
            f"  {format_cell(self.last.failure.get('error'))}: {one_line(message)}",
            "",
        ]


def class_name(view: JobView) -> str:
    """Returns the name of the job's class, printable."""
    return format_cell(view.name or "(unreadable)")


def is_reported(view: JobView, mark: dict[str, Any] | None) -> bool:
    """Whether the mark of the job's queue includes this failure."""
    if mark is None:
        return False
    at = view.at or 0.0
    return at < mark["at"] or (at == mark["at"] and view.id in mark["ids"])


def advanced_mark(mark: dict[str, Any] | None, view: JobView) -> dict[str, Any]:
    """Returns the mark that includes this failure, too."""
    at = view.at or 0.0
    if mark is None or at > mark["at"]:
        return {"at": at, "ids": [view.id]}
    return {"at": mark["at"], "ids": [*mark["ids"], view.id]} if at == mark["at"] else mark


def format_count(count: int, adjective: str = "") -> str:
    return f"{count} {adjective}failed job" + ("" if count == 1 else "s")
