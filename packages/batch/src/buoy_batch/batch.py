"""Batches: many jobs as one. The batch is a group of the core, and lives in one queue, its home."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, overload
from uuid import uuid4

from buoy import (
    App,
    Call,
    ConfigurationError,
    Handle,
    InvalidArguments,
    Job,
    NoCurrentJob,
    current_job,
)
from buoy.plugins import (
    Async,
    Performs,
    Rows,
    call_of,
    checked_queue,
    checked_rows,
    expect,
    following_job,
    groups_of,
    is_after_success,
)
from buoy.plugins.redis import (
    GroupKey,
    RedisSteps,
    awaiting,
    blocking,
    close_group,
    lose_members,
    open_group,
    view_groups,
)

from .members import (
    BatchOver,
    batch_id,
    cancel_members,
    enqueue_members,
    note_members,
)
from .progress import Progress

P = ParamSpec("P")
R = TypeVar("R")
EVENTS = ("on_success", "on_complete", "on_death")


class Batch:
    """Many jobs as one: its members run as any jobs, and other jobs follow when they have ended.

    ``queue``: the queue in which the batch lives; its workers see to what follows. ``description``:
    what people see. ``app``: the app of its jobs, by default ``Job.app``.

    As a context it is closed at the end of the block, and cancelled if that raises. Methods that
    talk to Redis raise BrokerError if Redis refuses or does not answer; each has a twin for
    programs that await, named with an ``a`` in front.
    """

    def __init__(
        self, *, queue: str = "default", description: str = "", app: App | None = None
    ) -> None:
        is_text = isinstance(description, str) and description.isprintable()
        wanted = "a text of one line, of at most 1000 characters"
        expect(is_text and len(description) <= 1000, "Batch.description", wanted, description)
        self._app = app
        self._group = GroupKey(checked_queue(queue), uuid4().hex)
        self._description = description
        self._outer: Batch | None = None
        self._following: dict[str, list[str]] = {}
        self._is_open = False

    @classmethod
    def by_id(cls, id: str, *, app: App | None = None) -> Self:
        """Returns the batch of this id, which may be open elsewhere. Redis is not asked whether it
        is known. Raises ConfigurationError for what cannot be an id."""
        home, colon, rest = id.partition(":") if isinstance(id, str) else ("", "", "")
        expect(bool(colon and rest) and " " not in id and ":" not in rest, "batch", "its id", id)
        return cls(queue=home, app=app)._opened_elsewhere(rest)

    def _opened_elsewhere(self, id: str) -> Self:
        self._group, self._is_open = GroupKey(self._group.home, id), True
        return self

    @property
    def id(self) -> str:
        """The id of the batch: pass it to the jobs that follow, to ask for its progress."""
        return batch_id(self._group)

    @property
    def app(self) -> App:
        """The app of its jobs."""
        return Job.app if self._app is None else self._app

    def run_steps(self, steps: RedisSteps[R]) -> R:
        """Take steps in this thread."""
        return self.app.run_steps(steps)

    async def arun_steps(self, steps: RedisSteps[R]) -> R:
        """Take steps on the running event loop."""
        return await self.app.arun_steps(steps)

    def __repr__(self) -> str:
        return f"Batch.by_id({self.id!r})"

    # What follows

    def on_success(
        self, job: type[Performs[P, Any]] | Call[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Enqueue this job when all members have ended well; also if some had failed at first, and
        were retried. ``job``: a class, or what its ``using`` or ``then`` returns. Raises
        InvalidArguments."""
        self._follow("on_success", job, args, kwargs)

    def on_complete(
        self, job: type[Performs[P, Any]] | Call[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Enqueue this job when all members have ended, in whatever way; see ``on_success``."""
        self._follow("on_complete", job, args, kwargs)

    def on_death(
        self, job: type[Performs[P, Any]] | Call[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Enqueue this job when the first member fails for good; see ``on_success``."""
        self._follow("on_death", job, args, kwargs)

    def _follow(self, event: str, job: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        if self._is_open:
            raise InvalidArguments(
                f"batch {self.id}: {event}: expected the jobs that follow before the first member, "
                "got one after it, when members may have ended"
            )
        made = self._build(event, job, args, kwargs)
        self._following.setdefault(event, []).append(following_job(made, f"batch {self.id}"))

    def _build(self, where: str, job: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Job:
        return self._checked(call_of(job, where).build(*args, **kwargs))

    def _checked(self, job: Job) -> Job:
        if job.app is not self.app:
            raise InvalidArguments(
                f"batch {self.id}: expected jobs of its own app, got {job.name} of another; what "
                "two servers keep cannot be counted together"
            )
        return job

    # Members

    @overload
    def enqueue(
        self, job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    @overload
    def enqueue(
        self, job: type[Performs[P, R]] | Call[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    def enqueue(self, job: Any, /, *args: Any, **kwargs: Any) -> Handle[Any]:
        """Enqueue a job as a member. ``job``: a class, or what its ``using`` or ``then`` returns;
        of a chain, its first job is the member. Raises BatchOver, and what ``enqueue`` raises."""
        return self._enqueue([self._build("enqueue", job, args, kwargs)])[0]

    @overload
    async def aenqueue(
        self, job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    @overload
    async def aenqueue(
        self, job: type[Performs[P, R]] | Call[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    async def aenqueue(self, job: Any, /, *args: Any, **kwargs: Any) -> Handle[Any]:
        """Enqueue a job as a member, as ``enqueue`` does; awaits Redis."""
        return (await self._aenqueue([self._build("aenqueue", job, args, kwargs)]))[0]

    def enqueue_many(
        self, job: type[Performs[Any, Any]] | Call[Any, Any], rows: Rows
    ) -> list[Handle[Any]]:
        """Enqueue a member for each row of arguments, as ``Job.enqueue_many`` does: 1000 in two
        round trips."""
        return self._enqueue(self._built(job, rows))

    async def aenqueue_many(
        self, job: type[Performs[Any, Any]] | Call[Any, Any], rows: Rows
    ) -> list[Handle[Any]]:
        """Enqueue a member for each row, as ``enqueue_many`` does; awaits Redis."""
        return await self._aenqueue(self._built(job, rows))

    def _built(self, job: Any, rows: Rows) -> list[Job]:
        call = call_of(job, "enqueue_many")
        return [
            self._checked(call.build(*args, **kwargs))
            for args, kwargs in checked_rows(call.job, rows)
        ]

    @blocking
    def _enqueue(self, jobs: Sequence[Job]) -> RedisSteps[list[Handle[Any]]]:
        """Open the batch if it is new, and enqueue these jobs of one queue as its members."""
        if is_after_success():
            raise InvalidArguments(
                f"batch {self.id}: expected members that are enqueued at once, got some that wait "
                "for the success of a run; enqueue a job so that fills the batch"
            )
        yield from self._open()
        return (yield from enqueue_members(self.app, self._group, jobs))

    _aenqueue = awaiting(_enqueue)

    def nest(self, *, queue: str | None = None, description: str = "") -> "Batch":
        """Returns a new batch that is a member of this one: it counts as done when all its own
        members are, as failed if any of them has failed, else as cancelled. ``queue``: where it
        lives, by default where this one does."""
        inner = Batch(
            queue=self._group.home if queue is None else queue,
            description=description,
            app=self._app,
        )
        return inner._within(self)

    def _within(self, outer: "Batch") -> Self:
        self._outer = outer
        return self

    def _opened(self) -> RedisSteps[GroupKey]:
        """Open the batch if it is new; returns the group that it is."""
        yield from self._open()
        return self._group

    def _open(self) -> RedisSteps[None]:
        """Open the batch in Redis, unless this object has done so."""
        if self._is_open:
            return
        if self.app.is_inline:
            raise ConfigurationError(
                "batch: expected an app with Redis, got one that is inline: nobody would count the "
                "members; in tests, enqueue them and call buoy.testing.drain(app)"
            )
        fields = {event: "\n".join(texts) for event, texts in self._following.items()}
        if self._description:
            fields["description"] = self._description
        if self._outer is not None:
            outer = yield from self._outer._opened()
            yield from note_members(self.app, outer, [self.id])
            fields["parent"] = f"{outer.home} {outer.id} {self.id}"
        yield from open_group(self.app, self._group, fields)
        self._is_open = True

    # Its end

    @blocking
    def close(self) -> RedisSteps[None]:
        """Close the batch: it is complete when all its members have ended. Members may still add
        others until then. Raises BatchOver if it is not known any more."""
        yield from self._open()
        if not (yield from close_group(self.app, self._group)):
            raise BatchOver(f"batch {self.id}: expected one that is known, got one that is not")

    aclose = awaiting(close)

    @blocking
    def cancel(self) -> RedisSteps[None]:
        """Cancel all members that have not ended, also those of batches in it, and take no more.
        It is complete when they have ended, and ``on_success`` never follows. A batch without
        members has nothing to cancel."""
        if not self._is_open:
            return
        groups = [self._group]
        for group in groups:
            yield from close_group(self.app, group, cancel=True)
            groups += yield from cancel_members(self.app, group)

    acancel = awaiting(cancel)

    @blocking
    def progress(self) -> RedisSteps[Progress | None]:
        """Returns how far the batch is; None if it is not known: it has no members yet, or was
        complete more than a week ago."""
        [view] = yield from view_groups(self.app, [self._group])
        return None if view is None else Progress.of(view)

    aprogress = awaiting(progress)

    @blocking
    def repair(self) -> RedisSteps[int]:
        """Count members as lost that were noted ten minutes ago or longer, and are in no queue:
        the program that was to enqueue them has died before it did. Returns how many."""
        return (yield from lose_members(self.app, self._group, time.time()))

    arepair = awaiting(repair)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            await self.aclose()
        else:
            await self.acancel()


def current_batch() -> Batch:
    """Returns the batch of the job that runs here: members may add others, until they have ended.

    Raises NoCurrentJob outside of a job, and in a job that is no member of a batch.
    """
    job = current_job()
    groups = groups_of(job)
    if not groups:
        raise NoCurrentJob(f"current_batch: expected a member of a batch, got {job!r}")
    return Batch.by_id(batch_id(groups[-1]), app=job.app)
