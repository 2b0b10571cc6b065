"""The calls that enqueue jobs of a class: with options of one enqueueing, one or many, blocking or
awaiting."""

from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, overload

from ..errors import InvalidArguments
from ..model.checks import expect
from ..model.handle import Handle
from ..model.options import AS_DECLARED, Options
from ..model.signature import Arguments
from .declaration import app_of
from .linking import link_of

if TYPE_CHECKING:
    from .job import Job

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Rows = Iterable[tuple[Any, ...] | Mapping[str, Any]]
"""The arguments of many jobs: positional ones as a tuple, or named ones as a dict."""
Async = Coroutine[Any, Any, R]


class Performs(Protocol[P, R_co]):
    """Any job class, for type checkers: a class with ``perform``."""

    def perform(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Call(Generic[P, R]):
    """A job class with the options of one enqueueing."""

    def __init__(self, job: "type[Job]", options: Options) -> None:
        self.job, self.options = job, options

    def enqueue(self, /, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Put a job with these arguments on its queue."""
        return app_of(self.job)._enqueue(self.job, [(args, kwargs)], self.options)[0]

    async def aenqueue(self, /, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Put a job with these arguments on its queue; awaits Redis."""
        return (await app_of(self.job)._aenqueue(self.job, [(args, kwargs)], self.options))[0]

    @overload
    def then(
        self, job: type[Performs[Q, Any]], /, *args: Q.args, **kwargs: Q.kwargs
    ) -> "Call[P, R]": ...
    @overload
    def then(self, job: "Call[Q, Any]", /, *args: Q.args, **kwargs: Q.kwargs) -> "Call[P, R]": ...
    def then(self, job: Any, /, *args: Any, **kwargs: Any) -> "Call[P, R]":
        """Let another job follow: it is enqueued when this one, and those that follow it already,
        have ended well. ``job``: a class, or what its ``using`` or ``then`` returns. An argument
        RESULT is what the job before returns. Raises InvalidArguments."""
        added = call_of(job, "then")
        if app_of(added.job) is not app_of(self.job):
            raise InvalidArguments(
                f"then: expected a job of the same app as {self.job.name}, got {added.job.name} "
                "of another"
            )
        link = link_of(added.job, added.options, args, kwargs)
        chain = (*self.options.chain, link, *added.options.chain)
        return Call(self.job, replace(self.options, chain=chain))

    def build(self, /, *args: P.args, **kwargs: P.kwargs) -> "Job":
        """Returns a job with these arguments that is not enqueued; raises InvalidArguments."""
        return app_of(self.job)._build(self.job, (args, kwargs), self.options)

    def enqueue_many(self, rows: Rows) -> list[Handle[R]]:
        """Enqueue a job for each row: 1000 jobs in one round trip. A row is a tuple of positional
        arguments, or a dict of named ones."""
        return app_of(self.job)._enqueue(self.job, self._checked(rows), self.options)

    async def aenqueue_many(self, rows: Rows) -> list[Handle[R]]:
        """Enqueue a job for each row, as ``enqueue_many`` does; awaits Redis."""
        return await app_of(self.job)._aenqueue(self.job, self._checked(rows), self.options)

    def _checked(self, rows: Rows) -> list[Arguments]:
        expect(self.options.id is None, "using(id)", "no id with enqueue_many", self.options.id)
        return checked_rows(self.job, rows)


def call_of(job: Any, where: str) -> Call[..., Any]:
    """Returns the call of a job class, or the one that is given. Raises InvalidArguments for
    anything else; ``where``: what expects it."""
    if isinstance(job, Call):
        return job
    if not isinstance(job, type) or not hasattr(job, "_usable"):
        raise InvalidArguments(f"{where}: expected a job class or Job.using(...), got {job!r:.80}")
    return Call(job, AS_DECLARED)


def checked_rows(job: "type[Job]", rows: Rows) -> list[Arguments]:
    """Returns the arguments that each row holds; raises InvalidArguments for another value."""
    return [arguments_of_row(job, number, row) for number, row in enumerate(rows, 1)]


def arguments_of_row(job: "type[Job]", number: int, row: object) -> Arguments:
    """Returns the positional and the named arguments of a row."""
    if isinstance(row, tuple | list):
        return row, {}
    if isinstance(row, Mapping):
        return (), dict(row)
    raise InvalidArguments(
        f"{job.name}: row {number}: expected a tuple of positional arguments, or a dict of named "
        f"ones, got {row!r:.80}"
    )


@overload
def enqueue(
    job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
@overload
def enqueue(job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs) -> Handle[R]: ...
def enqueue(job: Any, /, *args: Any, **kwargs: Any) -> Handle[Any]:
    """Put a job with these arguments on its queue."""
    handles: list[Handle[Any]] = app_of(job)._enqueue(job, [(args, kwargs)])
    return handles[0]


@overload
async def aenqueue(
    job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
@overload
async def aenqueue(
    job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
async def aenqueue(job: Any, /, *args: Any, **kwargs: Any) -> Handle[Any]:
    """Put a job with these arguments on its queue; awaits Redis."""
    handles: list[Handle[Any]] = await app_of(job)._aenqueue(job, [(args, kwargs)])
    return handles[0]
