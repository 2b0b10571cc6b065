"""Counting failed jobs, and putting the counts into words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from buoy.cli.output import cell, stamp
from buoy.operations.views import JobView
from buoy.text.printable import one_line

Marks = dict[str, dict[str, Any]]
"""How far an alarm has told, by queue: ``at``, when the last job failed, and the ``ids`` of those
that failed in that very millisecond."""


@dataclass(slots=True)
class Tally:
    """Failed jobs by class and error; those are new that are not before the marks."""

    marks: Marks
    total: Counter[tuple[str, str]] = field(default_factory=Counter)
    new: Counter[tuple[str, str]] = field(default_factory=Counter)
    reached: Marks = field(default_factory=dict)
    last: JobView | None = None

    @classmethod
    def of(cls, views: Iterable[JobView], marks: Marks) -> "Tally":
        """The tally of all failed jobs."""
        tally = cls(marks, reached=dict(marks))
        for view in views:
            tally.add(view)
        return tally

    def add(self, view: JobView) -> None:
        kind = (named(view), cell(view.failure.get("error", "(unknown)")))
        self.total[kind] += 1
        if is_before(view, self.marks.get(view.queue)):
            return
        self.new[kind] += 1
        self.reached[view.queue] = moved(self.reached.get(view.queue), view)
        if self.last is None or (view.at or 0) >= (self.last.at or 0):
            self.last = view

    @property
    def subject(self) -> str:
        new, total = self.new.total(), self.total.total()
        if new == total:
            return failed_jobs(total)
        return f"{failed_jobs(new, 'new ')}, {total} in all"

    def text(self, place: str) -> str:
        """The whole of it, for the one who is to do something about it."""
        rows = sorted(self.total, key=lambda kind: (-self.new[kind], -self.total[kind], kind))
        width = max(len(name) for name, _ in rows)
        table = [f"  {'new':>6} {'all':>6}  {'class':{width}}  error"]
        for name, error in rows:
            counts = f"{self.new[name, error]:>6} {self.total[name, error]:>6}"
            table.append(f"  {counts}  {name:{width}}  {error}")
        lines = [f"{self.subject}, {place}.", "", *table, "", *self.example()]
        lines += ["See them:   buoy failed list", "Try again:  buoy failed retry --class CLASS"]
        return "\n".join(lines) + "\n"

    def example(self) -> list[str]:
        if self.last is None:
            return []
        message = " ".join(str(self.last.failure.get("message", ""))[:1000].split())[:300]
        return [
            f"The last one: {named(self.last)} {cell(self.last.id)} in {self.last.queue}, "
            f"{stamp(self.last.at)}",
            f"  {cell(self.last.failure.get('error'))}: {one_line(message)}",
            "",
        ]


def named(view: JobView) -> str:
    return cell(view.name or "(unreadable)")


def is_before(view: JobView, mark: dict[str, Any] | None) -> bool:
    if mark is None:
        return False
    at = view.at or 0.0
    return at < mark["at"] or (at == mark["at"] and view.id in mark["ids"])


def moved(mark: dict[str, Any] | None, view: JobView) -> dict[str, Any]:
    """The mark behind this failure, too."""
    at = view.at or 0.0
    if mark is None or at > mark["at"]:
        return {"at": at, "ids": [view.id]}
    return {"at": mark["at"], "ids": [*mark["ids"], view.id]} if at == mark["at"] else mark


def failed_jobs(count: int, kind: str = "") -> str:
    return f"{count} {kind}failed job" + ("" if count == 1 else "s")
