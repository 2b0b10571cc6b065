"""The failure of a run: the record that is stored of the error that ended it."""

from collections.abc import Callable
from types import CodeType
from typing import Any, TypeGuard, TypeVar

from ..errors import DirtyExit, PluginError, WorkerLost
from ..model.failure import Failure
from ..model.reservation import Reservation
from ..text.safe import error_message
from .facts import Facts

E = TypeVar("E", bound=BaseException)
T = TypeVar("T")


def is_a(error: BaseException, kind: type[E]) -> TypeGuard[E]:
    """Whether an error is of this kind. It does not trust ``__class__``, which a class may set."""
    return issubclass(type(error), kind)


def failure_of(
    reservation: Reservation, error: BaseException, job: Facts | None, **facts: Any
) -> Failure:
    facts = {"worker": reservation.worker} | facts
    if is_a(error, DirtyExit):
        facts |= facts_of_death(error)
    if job is None:
        return Failure.of(error, **facts)
    attempt = attribute_or_none(lambda: job.attempt, int) or 1
    return Failure.of(error, code_of(job), attempt=attempt, **facts)


def code_of(job: Facts) -> CodeType | None:
    """The code of ``perform``, where the tracebacks of its errors begin; None if it has none."""
    return attribute_or_none(lambda: job.kind.perform.__code__, CodeType)


def facts_of_death(death: DirtyExit) -> dict[str, Any]:
    """Returns fields of Failure for the death of a process. Jobs may raise and subclass such
    errors, so each attribute is checked."""
    peak = attribute_or_none(lambda: death.peak_memory, int)
    seconds = attribute_or_none(lambda: death.seconds, float)
    facts = {"seconds": seconds or 0.0, "peak_memory": peak} if peak else {}
    return {"cause": attribute_or_none(lambda: death.cause, str) or "exception"} | facts


def attribute_or_none(value: Callable[[], Any], kind: type[T]) -> T | None:
    """Returns the value if it is of this type, else None, also if reading it raises an error."""
    try:
        found = value()
    except BaseException:  # noqa: BLE001 - a property may raise anything
        return None
    return found if type(found) is kind else None


def worker_lost(reservation: Reservation) -> WorkerLost:
    """Returns the error for a job that has lost too many workers."""
    error = WorkerLost(
        f"the worker was lost {reservation.lost} times while it held this job (killed, out of "
        "memory, or cut off for longer than its lease)"
    )
    error.times = reservation.lost
    return error


def refusal_reason(error: BaseException) -> str:
    """Returns why the data that a run has left cannot be stored."""
    if is_a(error, PluginError):
        return error_message(error)
    return f"job.plugin_data: expected what JSON can hold, got: {error_message(error)}"
