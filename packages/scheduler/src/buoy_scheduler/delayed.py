"""Delayed jobs: enqueue them, find them, change when they are due, take them out again.

No daemon is needed: workers queue delayed jobs when they are due.
"""

import heapq
import math
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar, overload

from buoy import App, Call, Handle, InvalidArguments, Job
from buoy.plugins import Performs, build_job
from buoy.plugins.redis import JobView, delayed_jobs

from .entry import shown

P = ParamSpec("P")
R = TypeVar("R")
Async = Coroutine[Any, Any, R]
Rows = Iterable[tuple[Any, ...]]
PAGE_SIZE = 500


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
    """Enqueue a job that is due after so many seconds."""
    call: Call[Any, Any] = job.using(delay=checked_delay("enqueue_in", delay))
    return call.enqueue(*args, **kwargs)


@overload
def enqueue_at(
    when: datetime, job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
@overload
def enqueue_at(
    when: datetime, job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
def enqueue_at(when: datetime, job: Any, /, *args: Any, **kwargs: Any) -> Handle[Any]:
    """Enqueue a job that is due at a time, which must know its zone; at once if that is past."""
    call: Call[Any, Any] = job.using(at=checked_time("enqueue_at", when))
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
    """Enqueue a job for each row of positional arguments, all due after so many seconds."""
    call: Call[Any, Any] = job.using(delay=checked_delay("enqueue_many_in", delay))
    return call.enqueue_many(rows)


@overload
def enqueue_many_at(
    when: datetime, job: type[Performs[..., Async[R]]], rows: Rows
) -> list[Handle[R]]: ...
@overload
def enqueue_many_at(when: datetime, job: type[Performs[..., R]], rows: Rows) -> list[Handle[R]]: ...
def enqueue_many_at(when: datetime, job: Any, rows: Rows) -> list[Handle[Any]]:
    """Enqueue a job for each row of positional arguments, all due at a time."""
    call: Call[Any, Any] = job.using(at=checked_time("enqueue_many_at", when))
    return call.enqueue_many(rows)


@dataclass(frozen=True)
class Delayed:
    """Those delayed jobs that fit all that is given; jobs that wait for a retry are among them.

    ``job`` is a class or its wire name; ``args`` are its whole arguments; ``ids``, if any are
    given, name jobs; ``where`` looks at each and says whether it is meant.
    """

    job: type[Job] | str | None = None
    args: Sequence[Any] | None = None
    queue: str | None = None
    ids: Sequence[str] | None = None
    where: Callable[[JobView], bool] | None = None

    def __post_init__(self) -> None:
        for name, value in (("args", self.args), ("ids", self.ids)):
            # A text is a sequence, too: one of letters, which fits no job.
            if value is not None and (isinstance(value, str) or not isinstance(value, Collection)):
                raise InvalidArguments(f"Delayed({name}): expected a list, got {value!r:.80}")

    @property
    def app(self) -> App:
        """The app of the class, else that of all."""
        return Job.app if self.job is None or isinstance(self.job, str) else self.job.app

    def __iter__(self) -> Iterator[JobView]:
        """The next due first."""
        due = [self.in_order(queue) for queue in self.queues()]
        return heapq.merge(*due, key=lambda view: view.at or 0.0)

    def count(self) -> int:
        """How many there are."""
        if self.is_all:
            return sum(view.delayed for view in self.app.monitor.queues(self.queues()))
        return sum(len(ids) for ids in self.by_queue().values())

    def move(self, when: datetime) -> list[str]:
        """Make them due at another time; returns the ids of those that still were delayed."""
        checked_time("move", when)
        return self.each(lambda queue, ids: self.app.reschedule(ids, at=when, queue=queue))

    def now(self) -> list[str]:
        """Make them ready at once."""
        return self.each(lambda queue, ids: self.app.reschedule(ids, queue=queue))

    def remove(self) -> list[str]:
        """End them; they never run."""
        return self.each(lambda queue, ids: self.app.control.remove(queue, ids, "delayed"))

    def each(self, act: Callable[[str, list[str]], Iterable[str]]) -> list[str]:
        """Do it to those of each queue; returns the ids of those to which it was done."""
        return [id for queue, ids in self.by_queue().items() for id in act(queue, ids)]

    # Looking

    @property
    def is_all(self) -> bool:
        """Whether every delayed job (of the queue) is meant."""
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
        start, fits = 0, self.fits()
        while page := self.app.monitor.delayed(queue, start, PAGE_SIZE):
            yield from filter(fits, page)
            start += PAGE_SIZE

    def scan(self, queue: str) -> Iterator[JobView]:
        """In no order, but all of them, though others move meanwhile."""
        fits, monitor = self.fits(), self.app.monitor
        if self.ids is not None:
            views = [monitor.find(id, queue) for id in dict.fromkeys(self.ids)]
            there = [view for view in views if view and view.state == "delayed"]
            yield from filter(fits, there)
            return
        yield from filter(fits, delayed_jobs(self.app, queue))

    def fits(self) -> Callable[[JobView], bool]:
        name = self.job if isinstance(self.job, str | None) else self.job.name
        where, same = self.where or (lambda view: True), self.same_arguments()
        return lambda view: name in (None, view.name) and same(view) and where(view)

    def same_arguments(self) -> Callable[[JobView], bool]:
        if self.args is None:
            return lambda view: True
        args = list(self.args)
        if self.job is None or isinstance(self.job, str):
            return lambda view: view.args == args and not view.kwargs
        identifier = build_job(self.job, args).identifier
        return lambda view: view.identifier == identifier


def checked_delay(subject: str, delay: float | timedelta) -> float:
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not 0 <= seconds < 10**10 or not math.isfinite(seconds):
        raise InvalidArguments(
            f"{subject}: expected 0 or more seconds, less than 10 ** 10, got {shown(delay)}"
        )
    return seconds


def checked_time(subject: str, when: datetime) -> datetime:
    if not isinstance(when, datetime) or when.tzinfo is None:
        hint = "; say when.astimezone()" if isinstance(when, datetime) else ""
        raise InvalidArguments(f"{subject}: expected a datetime with its zone, got {when!r}{hint}")
    return when
