"""Which job is meant, and how it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from buoy import App, Call, ConfigurationError, Handle, Job
from buoy.connection.client import RedisSteps
from buoy.jobs.job import Async, P, Performs, R, built
from buoy.model.options import Options
from buoy.model.strict_json import is_text
from buoy.operations.views import job_view

from . import store
from .plugin import status_of
from .state import State, live, past


@dataclass(frozen=True, slots=True)
class Sought:
    """The job that is meant: by its id, or the latest one of a likeness.

    ``deferred``: a plugin will enqueue it, so it may be unknown for now.
    """

    app: App
    queue: str | None
    id: str | None = None
    like: str = ""
    deferred: bool = False


@overload
def status(
    job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
) -> State[R] | None: ...
@overload
def status(job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs) -> State[R] | None: ...
@overload
def status(job: Call[P, R], /, *args: P.args, **kwargs: P.kwargs) -> State[R] | None: ...
@overload
def status(job: Handle[R] | State[R], /, *, app: App | None = None) -> State[R] | None: ...
@overload
def status(
    job: str, /, *, queue: str | None = None, app: App | None = None
) -> State[Any] | None: ...
def status(job: Any, /, *args: Any, **kwargs: Any) -> State[Any] | None:
    """How a job stands: the latest one of a class with these arguments, or the one that a handle
    or an id names. None if nothing is known of it (any more).

    ``status(Checkout.using(queue="slow"), 42)`` looks in that queue; by an id alone, without its
    queue, all queues are asked.
    """
    return look_up(meant(job, args, kwargs))


@overload
async def astatus(
    job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
) -> State[R] | None: ...
@overload
async def astatus(
    job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs
) -> State[R] | None: ...
@overload
async def astatus(job: Call[P, R], /, *args: P.args, **kwargs: P.kwargs) -> State[R] | None: ...
@overload
async def astatus(job: Handle[R] | State[R], /, *, app: App | None = None) -> State[R] | None: ...
@overload
async def astatus(
    job: str, /, *, queue: str | None = None, app: App | None = None
) -> State[Any] | None: ...
async def astatus(job: Any, /, *args: Any, **kwargs: Any) -> State[Any] | None:
    """The same as status, for programs that await."""
    sought = meant(job, args, kwargs)
    if sought.app.is_inline:
        return remembered(sought)
    return await sought.app.arun_steps(find(sought))


def meant(job: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sought:
    """Which job the arguments of status mean."""
    if isinstance(job, str | Handle | State):
        return named(job, *args, **kwargs)
    if isinstance(job, Call):
        return of_class(job.job, job.options, args, kwargs)
    if isinstance(job, type) and issubclass(job, Job):
        return of_class(job, Options(), args, kwargs)
    raise ConfigurationError(
        f"status: expected a job class, a handle, a state or an id, got {job!r:.80}"
    )


def named(
    job: Handle[Any] | State[Any] | str, *, queue: str | None = None, app: App | None = None
) -> Sought:
    """The job of a handle; when another one kept it out, that one."""
    app = Job.app if app is None else app
    if isinstance(job, str):
        return Sought(app, queue, job)
    if isinstance(job, State):
        return Sought(app, job.queue, job.id)
    if isinstance(job, Handle):
        return Sought(app, job.queue, job.holder or job.id, deferred=job.state == "deferred")
    raise ConfigurationError(
        f"expected the handle, the state or the id of a job, got {job!r:.80}; "
        "by its class and arguments, status(Checkout, 42) finds the state"
    )


def of_class(
    job: type[Job], options: Options, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Sought:
    if status_of(job) is None:
        raise ConfigurationError(f"{job.name}: expected Status() among its plugins, got none")
    new = built(job, (list(args), dict(kwargs)), options)
    return Sought(new.app, new.queue, options.id, store.likeness(new.name, new.identifier))


def look_up(sought: Sought) -> State[Any] | None:
    """How the job stands."""
    if sought.app.is_inline:
        return remembered(sought)
    return sought.app.run_steps(find(sought))


# In Redis


def find(sought: Sought) -> RedisSteps[State[Any] | None]:
    """How the job stands. One that has left a queue without a word, or after it was put back, may
    have been moved to another: only when it is nowhere, what was recorded is the end of it."""
    app, id = sought.app, sought.id
    if id is None:
        id = yield from store.latest(app, str(sought.queue), sought.like)
    if not id or not is_text(id):  # ids come in by the web, too
        return None
    gone = None
    if sought.queue is not None:
        state, lies_there = yield from look(app, sought.queue, id)
        if state is None or lies_there or not state.may_live:
            return state
        gone = state
    for queue in (yield from store.queues(app)):
        state, lies_there = yield from look(app, queue, id)
        if state is not None and (lies_there or not state.may_live):
            return state
        gone = gone or state
    return gone


def look(app: App, queue: str, id: str) -> RedisSteps[tuple[State[Any] | None, bool]]:
    """How the job of this id stands in a queue, and whether it lies there. That is believed
    before what was recorded: a job that an operator retries has ended before."""
    payload, place, detail, record, progress = yield from store.state(app, queue, id)
    if place:
        return live(job_view(queue, id, payload, place, detail), progress), True
    return past(id, queue, record, progress), False


# Inline


def remembered(sought: Sought) -> State[Any] | None:
    """How a job ended that was run where it was enqueued."""
    from .memory import memory_of

    memory = memory_of(sought.app)
    id = sought.id or memory.latest(str(sought.queue), sought.like)
    if id is None or id not in memory.records:
        return None
    queue, _, record = memory.records[id]
    return past(id, queue, record, "")
