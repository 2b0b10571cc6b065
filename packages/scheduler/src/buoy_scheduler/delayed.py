"""Delayed jobs: find them, change when they are due, remove them."""

from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from buoy import App, InvalidArguments, Job
from buoy.plugins import build_job
from buoy.plugins.redis import (
    JobView,
    Page,
    PageSteps,
    RedisSteps,
    all_of,
    awaiting,
    awaiting_pages,
    blocking,
    blocking_pages,
    delayed_jobs,
    map_pages,
    merge_pages,
    pages_of,
    steps_of,
)

T = TypeVar("T")
PAGE_SIZE = 500
"""Jobs that are read from Redis at once."""


@dataclass(frozen=True)
class Delayed:
    """The delayed jobs that match all given fields; jobs that are delayed for a retry are included.

    ``job`` is a class or its wire name. ``args`` are all arguments of the job. ``ids`` are ids of
    jobs. ``where`` is called with each JobView, and returns whether it matches. ``tag`` is one of
    the tags of the job. Iterating (``for``, ``async for``) yields JobViews, the next due first;
    programs that await call ``acount``, ``amove`` and so on. Raises InvalidArguments when ``args``
    or ``ids`` is no list.
    """

    job: type[Job] | str | None = None
    args: Sequence[Any] | None = None
    queue: str | None = None
    ids: Sequence[str] | None = None
    where: Callable[[JobView], bool] | None = None
    tag: str | None = None

    def __post_init__(self) -> None:
        for name, value in (("args", self.args), ("ids", self.ids)):
            # A text is a sequence of letters, which matches no job.
            if value is not None and (isinstance(value, str) or not isinstance(value, Collection)):
                raise InvalidArguments(f"Delayed({name}): expected a list, got {value!r:.80}")

    @property
    def app(self) -> App:
        """The app of the class; for a name, the app of all classes."""
        return Job.app if self.job is None or isinstance(self.job, str) else self.job.app

    def run_steps(self, steps: RedisSteps[T]) -> T:
        return self.app.run_steps(steps)

    def arun_steps(self, steps: RedisSteps[T]) -> Coroutine[Any, Any, T]:
        return self.app.arun_steps(steps)

    def __iter__(self) -> Iterator[JobView]:
        """Yields the jobs, the next due first."""
        return self.due_first()

    def __aiter__(self) -> AsyncIterator[JobView]:
        return self.adue_first()

    @blocking
    def count(self) -> RedisSteps[int]:
        """Returns how many jobs match."""
        if self.is_all:
            names = None if self.queue is None else [self.queue]
            views = yield from steps_of(self.app.monitor.queues, names)
            return sum(view.delayed for view in views)
        return sum(len(ids) for ids in (yield from self.by_queue()).values())

    acount = awaiting(count)

    @blocking
    def move(self, when: float | datetime) -> RedisSteps[list[str]]:
        """Makes the jobs due at another time; returns the ids of those that were still delayed."""
        return self.for_each_queue(
            lambda queue, ids: steps_of(self.app.reschedule, ids, when, queue)
        )

    amove = awaiting(move)

    @blocking
    def now(self) -> RedisSteps[list[str]]:
        """Makes the jobs due now; returns the ids of those that were still delayed."""
        return self.for_each_queue(
            lambda queue, ids: steps_of(self.app.reschedule, ids, None, queue)
        )

    anow = awaiting(now)

    @blocking
    def remove(self) -> RedisSteps[list[str]]:
        """Ends the jobs: they never run. Returns the ids of those that were still delayed."""
        control = self.app.control
        return self.for_each_queue(
            lambda queue, ids: steps_of(control.remove, queue, ids, "delayed")
        )

    aremove = awaiting(remove)

    def for_each_queue(
        self, change: Callable[[str, list[str]], RedisSteps[Iterable[str]]]
    ) -> RedisSteps[list[str]]:
        """Calls ``change`` with each queue and the ids of its jobs; returns the ids that it
        returns."""
        changed: list[str] = []
        for queue, ids in (yield from self.by_queue()).items():
            changed += yield from change(queue, ids)
        return changed

    # Finding

    @property
    def is_all(self) -> bool:
        """Whether every delayed job (of the queue, if one is given) matches."""
        return (self.job, self.args, self.ids, self.where, self.tag) == (None,) * 5

    def queues(self) -> RedisSteps[list[str]]:
        if self.queue is not None:
            return [self.queue]
        return (yield from steps_of(self.app.monitor.queue_names))

    def by_queue(self) -> RedisSteps[dict[str, list[str]]]:
        """Returns the ids of the jobs, by the queues that have some."""
        found: dict[str, list[str]] = {}
        for queue in (yield from self.queues()):
            if ids := [view.id for view in (yield from all_of(self.scan(queue)))]:
                found[queue] = ids
        return found

    @blocking_pages
    def due_first(self) -> PageSteps[JobView]:
        queues = yield from self.queues()
        yield from merge_pages([self.in_order(queue) for queue in queues], key=due_at)

    adue_first = awaiting_pages(due_first)

    def in_order(self, queue: str) -> PageSteps[JobView]:
        if self.ids is not None:
            yield Page(sorted((yield from all_of(self.scan(queue))), key=due_at))
            return
        start, matches, monitor = 0, self.predicate(), self.app.monitor
        while page := (yield from steps_of(monitor.delayed, queue, start, PAGE_SIZE)):
            yield Page(filter(matches, page))
            start += PAGE_SIZE

    def scan(self, queue: str) -> PageSteps[JobView]:
        """Yields the matching jobs of a queue, not sorted. Misses none, also when others move
        meanwhile."""
        matches = self.predicate()
        if self.ids is None:
            jobs = pages_of(delayed_jobs, self.app, queue)
            yield from map_pages(lambda page: filter(matches, page), jobs)
            return
        for id in dict.fromkeys(self.ids):
            view = yield from steps_of(self.app.monitor.find, id, queue)
            if view and view.state == "delayed" and matches(view):
                yield Page([view])

    def predicate(self) -> Callable[[JobView], bool]:
        """Returns a function that tells whether a job matches; the queue is not checked."""
        name = self.job if isinstance(self.job, str | None) else self.job.name
        where, has_arguments = self.where or (lambda view: True), self.arguments_predicate()
        return lambda view: (
            name in (None, view.name)
            and (self.tag is None or self.tag in view.tags)
            and has_arguments(view)
            and where(view)
        )

    def arguments_predicate(self) -> Callable[[JobView], bool]:
        if self.args is None:
            return lambda view: True
        args = list(self.args)
        if self.job is None or isinstance(self.job, str):
            return lambda view: view.args == args and not view.kwargs
        identifier = build_job(self.job, args).identifier
        return lambda view: view.identifier == identifier


def due_at(view: JobView) -> float:
    return view.at or 0.0
