"""Finds the job that the caller means, and reads its state."""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast, overload

from buoy import App, Call, ConfigurationError, Handle, Job
from buoy.plugins import Performs
from buoy.plugins.redis import RedisSteps, queue_names

from . import store
from .plugin import status_of
from .state import State, ended_state, live_state

P = ParamSpec("P")
R = TypeVar("R")
Async = Coroutine[Any, Any, R]


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Which job is meant: the one with this id, or the latest one with this identity digest.

    ``queue`` is None if any queue may hold it. ``deferred``: a plugin will enqueue the job later,
    so it may be unknown now.
    """

    app: App
    queue: str | None
    id: str | None = None
    digest: str = ""
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
    """Returns the state of a job: of the latest one of a class with these arguments, or of the one
    that a handle or an id names. Returns None if the job is unknown, or no longer known.

    ``status(Checkout.using(queue="slow"), 42)`` looks in that queue. An id without a queue is
    searched in all queues. Raises ConfigurationError, InvalidArguments and BrokerError.
    """
    query = query_of(job, args, kwargs)
    return query.app.run_steps(state_of(query))


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
    """Returns the state of a job, to a coroutine; see status."""
    query = query_of(job, args, kwargs)
    return await query.app.arun_steps(state_of(query))


def query_of(job: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> JobQuery:
    """Returns the query for the arguments of status; raises ConfigurationError."""
    if isinstance(job, str | Handle | State):
        return query_by_reference(job, *args, **kwargs)
    if isinstance(job, Call):
        return query_by_class(job, args, kwargs)
    if isinstance(job, type) and issubclass(job, Job):
        return query_by_class(cast(Any, job).using(), args, kwargs)
    raise ConfigurationError(
        f"status: expected a job class, a handle, a state or an id, got {job!r:.80}"
    )


def query_by_reference(
    job: Handle[Any] | State[Any] | str, *, queue: str | None = None, app: App | None = None
) -> JobQuery:
    """Returns the query for a handle, a state or an id. A handle of state "exists" means the job
    that kept the new one out. Raises ConfigurationError."""
    app = Job.app if app is None else app
    if isinstance(job, str):
        return JobQuery(app, queue, job)
    if isinstance(job, State):
        return JobQuery(app, job.queue, job.id)
    if isinstance(job, Handle):
        return JobQuery(app, job.queue, job.holder or job.id, deferred=job.state == "deferred")
    raise ConfigurationError(
        f"expected the handle, the state or the id of a job, got {job!r:.80}; "
        "by its class and arguments, status(Checkout, 42) finds the state"
    )


def query_by_class(
    call: Call[Any, Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> JobQuery:
    """Returns the query for the latest job of a class with these arguments."""
    if status_of(call.job) is None:
        raise ConfigurationError(f"{call.job.name}: expected Status() among its plugins, got none")
    new = call.build(*args, **kwargs)
    digest = store.identity_digest(new.name, new.identifier)
    return JobQuery(new.app, new.queue, call.options.id, digest)


def state_of(query: JobQuery) -> RedisSteps[State[Any] | None]:
    """Returns the state of the job; in inline mode this process knows it."""
    if query.app.is_inline:
        return inline_state(query)
    return (yield from find_state(query))


# In Redis


def find_state(query: JobQuery) -> RedisSteps[State[Any] | None]:
    """Returns the state of the job.

    A job that has left its queue without a record of its end, or that was put back after its end,
    may be in another queue: somebody may have moved it. So all queues are searched, and the record
    counts only if no queue holds the job.
    """
    app, id = query.app, query.id
    if id is None:
        id = yield from store.latest(app, str(query.queue), query.digest)
    if not id:
        return None
    recorded = None
    if query.queue is not None:
        state, in_queue = yield from read_state(app, query.queue, id)
        if state is None or in_queue or not state.may_be_elsewhere:
            return state
        recorded = state
    for queue in (yield from queue_names(app)):
        state, in_queue = yield from read_state(app, queue, id)
        if state is not None and (in_queue or not state.may_be_elsewhere):
            return state
        recorded = recorded or state
    return recorded


def read_state(app: App, queue: str, id: str) -> RedisSteps[tuple[State[Any] | None, bool]]:
    """Returns the state of this id in a queue, and whether the queue holds the job. Where it is
    counts more than the record of an end: an operator may have retried a failed job."""
    view, record, progress = yield from store.state(app, queue, id)
    if view is not None:
        return live_state(view, progress, opens=True), True
    return ended_state(id, queue, record, progress, opens=True), False


# Inline


def inline_state(query: JobQuery) -> State[Any] | None:
    """Returns how a job ended that this process ran inline."""
    from .inline_results import inline_results_of

    results = inline_results_of(query.app)
    id = query.id or results.latest(str(query.queue), query.digest)
    if id is None or id not in results.records:
        return None
    queue, _, record = results.records[id]
    return ended_state(id, queue, record, "", opens=True)
