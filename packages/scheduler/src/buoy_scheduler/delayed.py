"""Delayed jobs: enqueue them, find them, change when they are due, remove them.

No daemon is needed: workers move due jobs to their queues.
"""

import heapq
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar, overload

from buoy import App, Call, Handle, InvalidArguments, Job
from buoy.plugins import Performs, build_job, expect
from buoy.plugins.redis import JobView, delayed_jobs

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Async = Coroutine[Any, Any, R]
Rows = Iterable[tuple[Any, ...]]
PAGE_SIZE = 500
"""Jobs that are read from Redis at once."""


@overload
def enqueue_in(
    delay: float | timedelta,
    job: type[Performs[P, Async[R]]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Handle[R]: ...
@overload
def enqueue_in(
    delay: float | timedelta, job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
def enqueue_in(delay: float | timedelta, job: Any, /, *args: Any, **kwargs: Any) -> Handle[Any]:
    """Enqueues a job that is due after ``delay``: seconds, or a timedelta. Raises
    ConfigurationError unless it is 0 or more, less than 10 ** 10 seconds."""
    call: Call[Any, Any] = job.using(delay=not_none(delay, "delay"))
    return call.enqueue(*args, **kwargs)


@overload
def enqueue_at(
    when: float | datetime, job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
@overload
def enqueue_at(
    when: float | datetime, job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
def enqueue_at(when: float | datetime, job: Any, /, *args: Any, **kwargs: Any) -> Handle[Any]:
    """Enqueues a job that is due at ``when``: a datetime with its zone, or epoch seconds before the
    year 2286. A time in the past means now. Raises InvalidArguments for a datetime without a zone,
    ConfigurationError for other values."""
    call: Call[Any, Any] = job.using(at=not_none(when, "when"))
    return call.enqueue(*args, **kwargs)


@overload
def enqueue_many_in(
    delay: float | timedelta, job: type[Performs[..., Async[R]]], rows: Rows
) -> list[Handle[R]]: ...
@overload
def enqueue_many_in(
    delay: float | timedelta, job: type[Performs[..., R]], rows: Rows
) -> list[Handle[R]]: ...
def enqueue_many_in(delay: float | timedelta, job: Any, rows: Rows) -> list[Handle[Any]]:
    """Enqueues a job for each row of positional arguments, all due after ``delay``. See
    enqueue_in."""
    call: Call[Any, Any] = job.using(delay=not_none(delay, "delay"))
    return call.enqueue_many(rows)


@overload
def enqueue_many_at(
    when: float | datetime, job: type[Performs[..., Async[R]]], rows: Rows
) -> list[Handle[R]]: ...
@overload
def enqueue_many_at(
    when: float | datetime, job: type[Performs[..., R]], rows: Rows
) -> list[Handle[R]]: ...
def enqueue_many_at(when: float | datetime, job: Any, rows: Rows) -> list[Handle[Any]]:
    """Enqueues a job for each row of positional arguments, all due at ``when``. See enqueue_at."""
    call: Call[Any, Any] = job.using(at=not_none(when, "when"))
    return call.enqueue_many(rows)


def not_none(value: T, name: str) -> T:
    """Returns a value. Raises ConfigurationError for None, which means "none" to ``using``."""
    expect(value is not None, name, "a delay or a time", value)
    return value


@dataclass(frozen=True)
class Delayed:
    """The delayed jobs that match all given fields; jobs that are delayed for a retry are included.

    ``job`` is a class or its wire name. ``args`` are all arguments of the job. ``ids`` are ids of
    jobs. ``where`` is called with each JobView, and returns whether it matches. Iterating yields
    JobViews, the next due first. Raises InvalidArguments when ``args`` or ``ids`` is no list.
    """

    job: type[Job] | str | None = None
    args: Sequence[Any] | None = None
    queue: str | None = None
    ids: Sequence[str] | None = None
    where: Callable[[JobView], bool] | None = None

    def __post_init__(self) -> None:
        for name, value in (("args", self.args), ("ids", self.ids)):
            # A text is a sequence of letters, which matches no job.
            if value is not None and (isinstance(value, str) or not isinstance(value, Collection)):
                raise InvalidArguments(f"Delayed({name}): expected a list, got {value!r:.80}")

    @property
    def app(self) -> App:
        """The app of the class; for a name, the app of all classes."""
        return Job.app if self.job is None or isinstance(self.job, str) else self.job.app

    def __iter__(self) -> Iterator[JobView]:
        """Yields the jobs, the next due first."""
        due = [self.in_order(queue) for queue in self.queues()]
        return heapq.merge(*due, key=lambda view: view.at or 0.0)

    def count(self) -> int:
        """Returns how many jobs match."""
        if self.is_all:
            return sum(view.delayed for view in self.app.monitor.queues(self.queues()))
        return sum(len(ids) for ids in self.by_queue().values())

    def move(self, when: float | datetime) -> list[str]:
        """Makes the jobs due at another time; returns the ids of those that were still delayed."""
        return self.for_each_queue(
            lambda queue, ids: self.app.reschedule(ids, at=when, queue=queue)
        )

    def now(self) -> list[str]:
        """Makes the jobs due now; returns the ids of those that were still delayed."""
        return self.for_each_queue(lambda queue, ids: self.app.reschedule(ids, queue=queue))

    def remove(self) -> list[str]:
        """Ends the jobs: they never run. Returns the ids of those that were still delayed."""
        return self.for_each_queue(
            lambda queue, ids: self.app.control.remove(queue, ids, "delayed")
        )

    def for_each_queue(self, change: Callable[[str, list[str]], Iterable[str]]) -> list[str]:
        """Calls ``change`` with each queue and the ids of its jobs; returns the ids that it
        returns."""
        return [id for queue, ids in self.by_queue().items() for id in change(queue, ids)]

    # Finding

    @property
    def is_all(self) -> bool:
        """Whether every delayed job (of the queue, if one is given) matches."""
        return (self.job, self.args, self.ids, self.where) == (None, None, None, None)

    def queues(self) -> list[str]:
        return self.app.monitor.queue_names() if self.queue is None else [self.queue]

    def by_queue(self) -> dict[str, list[str]]:
        found = {queue: [view.id for view in self.scan(queue)] for queue in self.queues()}
        return {queue: ids for queue, ids in found.items() if ids}

    def in_order(self, queue: str) -> Iterator[JobView]:
        if self.ids is not None:
            yield from sorted(self.scan(queue), key=lambda view: view.at or 0.0)
            return
        start, matches = 0, self.predicate()
        while page := self.app.monitor.delayed(queue, start, PAGE_SIZE):
            yield from filter(matches, page)
            start += PAGE_SIZE

    def scan(self, queue: str) -> Iterator[JobView]:
        """Yields the matching jobs of a queue, not sorted. Misses none, also when others move
        meanwhile."""
        matches, monitor = self.predicate(), self.app.monitor
        if self.ids is not None:
            views = [monitor.find(id, queue) for id in dict.fromkeys(self.ids)]
            delayed = [view for view in views if view and view.state == "delayed"]
            yield from filter(matches, delayed)
            return
        yield from filter(matches, delayed_jobs(self.app, queue))

    def predicate(self) -> Callable[[JobView], bool]:
        """Returns a function that tells whether a job matches; the queue is not checked."""
        name = self.job if isinstance(self.job, str | None) else self.job.name
        where, has_arguments = self.where or (lambda view: True), self.arguments_predicate()
        return lambda view: name in (None, view.name) and has_arguments(view) and where(view)

    def arguments_predicate(self) -> Callable[[JobView], bool]:
        if self.args is None:
            return lambda view: True
        args = list(self.args)
        if self.job is None or isinstance(self.job, str):
            return lambda view: view.args == args and not view.kwargs
        identifier = build_job(self.job, args).identifier
        return lambda view: view.identifier == identifier
