"""Enqueues jobs that are due later. No daemon is needed: workers move due jobs to their queues."""

from collections.abc import Coroutine, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar, overload

from buoy import Call, Handle
from buoy.plugins import Performs, expect

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Async = Coroutine[Any, Any, R]
Rows = Iterable[tuple[Any, ...] | Mapping[str, Any]]


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
async def aenqueue_in(
    delay: float | timedelta,
    job: type[Performs[P, Async[R]]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Handle[R]: ...
@overload
async def aenqueue_in(
    delay: float | timedelta, job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
async def aenqueue_in(
    delay: float | timedelta, job: Any, /, *args: Any, **kwargs: Any
) -> Handle[Any]:
    """Enqueues as ``enqueue_in`` does; awaits Redis."""
    call: Call[Any, Any] = job.using(delay=not_none(delay, "delay"))
    return await call.aenqueue(*args, **kwargs)


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
async def aenqueue_at(
    when: float | datetime, job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
@overload
async def aenqueue_at(
    when: float | datetime, job: type[Performs[P, R]], /, *args: P.args, **kwargs: P.kwargs
) -> Handle[R]: ...
async def aenqueue_at(
    when: float | datetime, job: Any, /, *args: Any, **kwargs: Any
) -> Handle[Any]:
    """Enqueues as ``enqueue_at`` does; awaits Redis."""
    call: Call[Any, Any] = job.using(at=not_none(when, "when"))
    return await call.aenqueue(*args, **kwargs)


@overload
def enqueue_many_in(
    delay: float | timedelta, job: type[Performs[..., Async[R]]], rows: Rows
) -> list[Handle[R]]: ...
@overload
def enqueue_many_in(
    delay: float | timedelta, job: type[Performs[..., R]], rows: Rows
) -> list[Handle[R]]: ...
def enqueue_many_in(delay: float | timedelta, job: Any, rows: Rows) -> list[Handle[Any]]:
    """Enqueues a job for each row (see enqueue_many), all due after ``delay``. See
    enqueue_in."""
    call: Call[Any, Any] = job.using(delay=not_none(delay, "delay"))
    return call.enqueue_many(rows)


@overload
async def aenqueue_many_in(
    delay: float | timedelta, job: type[Performs[..., Async[R]]], rows: Rows
) -> list[Handle[R]]: ...
@overload
async def aenqueue_many_in(
    delay: float | timedelta, job: type[Performs[..., R]], rows: Rows
) -> list[Handle[R]]: ...
async def aenqueue_many_in(delay: float | timedelta, job: Any, rows: Rows) -> list[Handle[Any]]:
    """Enqueues as ``enqueue_many_in`` does; awaits Redis."""
    call: Call[Any, Any] = job.using(delay=not_none(delay, "delay"))
    return await call.aenqueue_many(rows)


@overload
def enqueue_many_at(
    when: float | datetime, job: type[Performs[..., Async[R]]], rows: Rows
) -> list[Handle[R]]: ...
@overload
def enqueue_many_at(
    when: float | datetime, job: type[Performs[..., R]], rows: Rows
) -> list[Handle[R]]: ...
def enqueue_many_at(when: float | datetime, job: Any, rows: Rows) -> list[Handle[Any]]:
    """Enqueues a job for each row (see enqueue_many), all due at ``when``. See enqueue_at."""
    call: Call[Any, Any] = job.using(at=not_none(when, "when"))
    return call.enqueue_many(rows)


@overload
async def aenqueue_many_at(
    when: float | datetime, job: type[Performs[..., Async[R]]], rows: Rows
) -> list[Handle[R]]: ...
@overload
async def aenqueue_many_at(
    when: float | datetime, job: type[Performs[..., R]], rows: Rows
) -> list[Handle[R]]: ...
async def aenqueue_many_at(when: float | datetime, job: Any, rows: Rows) -> list[Handle[Any]]:
    """Enqueues as ``enqueue_many_at`` does; awaits Redis."""
    call: Call[Any, Any] = job.using(at=not_none(when, "when"))
    return await call.aenqueue_many(rows)


def not_none(value: T, name: str) -> T:
    """Returns a value. Raises ConfigurationError for None, which means "none" to ``using``."""
    expect(value is not None, name, "a delay or a time", value)
    return value
