"""Tells which jobs are enqueued, and fails a test that has expected others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..app import App
from ..jobs.building import build_job
from ..jobs.facts import facts
from ..jobs.job import Job
from ..model.checks import expect
from ..model.options import AS_DECLARED, epoch_seconds
from ..operations.views import JobView

ALL = 2**31
"""More jobs than a queue of a test holds."""
SLACK_SECONDS, SLACK_PART = 2.0, 0.05
"""How far a due time may be from the one that is expected: seconds, or a part of the delay."""


def all_enqueued(
    job: type[Job] | None = None, *, queue: str | None = None, app: App | None = None
) -> list[JobView]:
    """Returns all jobs that are queued, blocked or delayed, queue by queue: the queued ones in
    their order, then the blocked ones, then the delayed ones, the next due first.

    ``job``: those of this class. ``queue``: those of this queue. ``app``: by default the one of the
    class, or ``Job.app``.
    """
    monitor = (app or (Job if job is None else checked_class(job)).app).monitor
    return [
        view
        for name in (monitor.queue_names() if queue is None else [queue])
        for view in [
            *monitor.peek(name, 0, ALL),
            *monitor.jobs_page(name, "blocked", 0, ALL),
            *monitor.delayed(name, 0, ALL),
        ]
        if job is None or view.name == job.name
    ]


def assert_enqueued(
    job: type[Job],
    /,
    *args: Any,
    queue: str | None = None,
    delay: float | timedelta | None = None,
    at: float | datetime | None = None,
    app: App | None = None,
    **kwargs: Any,
) -> None:
    """Fail unless a job of this class with these arguments is queued or delayed.

    Without arguments, any job of the class counts. ``queue``: in this queue. ``delay``: due in
    about so many seconds; 0: at once. ``at``: due at about this time (epoch seconds, or a
    ``datetime`` with a time zone); one that is past means now. About: within 2 s, or 5 % of the
    delay. ``app``: by default the one of the class.
    """
    __tracebackhide__ = True
    wanted = Wanted.of(job, args, kwargs, queue, delay, at, app)
    there = all_enqueued(queue=queue, app=wanted.app)
    if not wanted.matching(there):
        raise AssertionError(f"expected {wanted} to be enqueued, got:{wanted.listed(there)}")


def refute_enqueued(
    job: type[Job],
    /,
    *args: Any,
    queue: str | None = None,
    delay: float | timedelta | None = None,
    at: float | datetime | None = None,
    app: App | None = None,
    **kwargs: Any,
) -> None:
    """Fail if such a job is queued or delayed; see ``assert_enqueued``."""
    __tracebackhide__ = True
    wanted = Wanted.of(job, args, kwargs, queue, delay, at, app)
    found = wanted.matching(all_enqueued(job, queue=queue, app=wanted.app))
    if found:
        raise AssertionError(f"expected no {wanted} to be enqueued, got:{wanted.listed(found)}")


def checked_class(job: type[Job]) -> type[Job]:
    """Returns a job class; raises ConfigurationError for what is none."""
    expect(isinstance(job, type) and issubclass(job, Job), "job", "a job class", job)
    return job


@dataclass(frozen=True)
class Wanted:
    """Which jobs are meant. ``due``: about when they are due, by the clock of Redis."""

    job: type[Job]
    call: str
    identifier: str | None
    queue: str | None
    due: float | None
    slack: float
    now: float
    app: App

    @classmethod
    def of(
        cls,
        job: type[Job],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        queue: str | None,
        delay: float | timedelta | None,
        at: float | datetime | None,
        app: App | None,
    ) -> "Wanted":
        """Returns what the arguments of ``assert_enqueued`` mean. Raises ConfigurationError for
        what is no job class, and for both times."""
        known, now, identifier = app or checked_class(job).app, 0.0, None
        both = delay is not None and at is not None
        expect(not both, "assert_enqueued", "delay or at", (delay, at))
        if args or kwargs:
            identifier = build_job(job, (list(args), kwargs), AS_DECLARED).identifier
        if isinstance(delay, timedelta):
            delay = delay.total_seconds()
        due = None if at is None else epoch_seconds(at, "assert_enqueued")
        if delay is not None or at is not None:
            now = time_of(known)
            due = due if delay is None else now + delay
        slack = max(SLACK_SECONDS, SLACK_PART * (delay or 0))
        words = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        call = f"{job.name}({', '.join(words)})"
        return cls(job, call, identifier, queue, due, slack, now, known)

    def matching(self, views: Sequence[JobView]) -> list[JobView]:
        """Returns the jobs that are meant."""
        return [
            view
            for view in views
            if view.name == self.job.name
            and self.identifier in (None, view.identifier)
            and (self.due is None or self.is_due(view))
        ]

    def is_due(self, view: JobView) -> bool:
        """Whether a job is due at about the time that is expected. What is past is due now."""
        at = max(view.at or 0, self.now) if view.state == "delayed" else self.now
        due = max(self.due or 0, self.now)
        return (due > self.now) == (at > self.now) and abs(at - due) <= self.slack

    def __str__(self) -> str:
        where = "" if self.queue is None else f" in {self.queue}"
        if self.due is None:
            return self.call + where
        return f"{self.call}{where} {when(self.due - self.now)}"

    def listed(self, views: Sequence[JobView]) -> str:
        """Returns the jobs that are there, and those that plugins have deferred, a line each."""
        now = time_of(self.app) if any(view.state == "delayed" for view in views) else 0.0
        lines = [
            f"{line_of(view)} {'' if view.state == 'queued' else when((view.at or 0) - now)}"
            for view in views
        ]
        lines += [deferred_line(job) for job in self.app.deferred_jobs()]
        return "".join(f"\n  {line.rstrip()}" for line in lines) or " nothing"


def when(seconds: float) -> str:
    return "due now" if seconds <= 0 else f"due in {seconds:.0f} s"


def line_of(view: JobView) -> str:
    return f"{view.name} {view.args} {view.kwargs or ''}".rstrip() + f" in {view.queue}"


def deferred_line(job: Job) -> str:
    """Returns a line about a job that a plugin has deferred, and why."""
    known = facts(job)
    payload = known.payload
    call = f"{payload.name} {payload.args} {payload.kwargs or ''}".rstrip()
    return f"{call} in {known.queue}: not yet, it is deferred {known.deferred}"


def time_of(app: App) -> float:
    """Returns the time by the clock of the app, epoch seconds."""
    seconds, micros = app.command("TIME")
    return int(seconds) + int(micros) / 1e6 + app.broker.clock_offset_ms / 1000
