"""One run of one job: from its reservation to its settlement."""

import time
from collections.abc import Callable
from dataclasses import replace
from types import CodeType
from typing import Any, TypeGuard, TypeVar

from ..errors import CorruptPayload, DirtyExit, PluginError, Terminated, WorkerLost
from ..model.failure import Failure
from ..model.outcome import Done, Failed, Later, Outcome, Rejected, Released
from ..model.payload import Payload, corrupt_envelope
from ..model.reservation import Reservation, Settlement
from ..process.logs import DEBUG, ERROR, INFO, WARNING, is_logged, logger
from ..text.safe import error_message, summarize_error
from .facts import Facts
from .job import facts_of
from .plugin import call_perform
from .registry import find_class

LOG = "buoy.job"
DONE = Done()
E = TypeVar("E", bound=BaseException)
T = TypeVar("T")
Ended = tuple[Outcome, BaseException | None]
"""The outcome of a run, and the error that it has raised; None if it has raised none."""


def run(reservation: Reservation) -> Settlement:
    """Run a reserved job and return its settlement. Never raises, whatever the job does."""
    try:
        job = load_run(reservation)
    except BaseException as error:  # noqa: BLE001 - code of users runs in it
        return settle_without_plugins(reservation, error)
    return run_loaded(reservation, job)


def run_loaded(reservation: Reservation, job: Facts) -> Settlement:
    """Run a reserved job that is loaded, and return its settlement. Never raises."""
    try:
        return settlement_of(reservation, job, *outcome_of(reservation, job))
    except BaseException as error:  # noqa: BLE001 - the last resort: each job must be settled
        return settle_without_plugins(reservation, error)


def load_run(reservation: Reservation) -> Facts:
    """Returns the facts of the run. Raises CorruptPayload, UnknownJob or ConfigurationError."""
    payload = Payload.decoded(reservation.payload)
    return facts_of(find_class(payload.name), payload, reservation.queue, reservation.token)


def outcome_of(reservation: Reservation, job: Facts) -> Ended:
    """Run the job, unless it has expired or has been lost too often, and return its outcome."""
    if reservation.crash_limit_reached:
        return failed_outcome(reservation, job, worker_lost(reservation))
    if has_expired(reservation, job):
        return Rejected("expired"), None
    started = time.monotonic()
    try:
        perform(job)
    except BaseException as error:  # noqa: BLE001 - SystemExit, too, ends only the job
        return failed_outcome(reservation, job, error, time.monotonic() - started)
    return DONE, None


def failed_outcome(
    reservation: Reservation, job: Facts, error: BaseException, seconds: float = 0.0
) -> Ended:
    """Returns the outcome of a run that has raised this error after ``seconds``."""
    return decide_outcome(reservation, job, error, seconds), error


def perform(job: Facts) -> Any:
    """Call ``perform`` inside the wrappers of the plugins. Without wrappers it is called directly,
    which is faster."""
    hooks = job.hooks()
    if hooks is None or len(hooks.around_perform.get_hookimpls()) == 1:
        return call_perform(job)
    return hooks.around_perform(job=job.job())


def decide_outcome(
    reservation: Reservation, job: Facts, error: BaseException, seconds: float = 0.0
) -> Outcome:
    """Returns the outcome of a run that has raised an error: the decision of the first plugin that
    decides, else Failed."""
    if is_a(error, Terminated) and error.by_worker is True:
        return Released(str(error))
    try:
        job.transition.clear()
        verdict = ask_on_failure(job, error)
    except BaseException as second:  # noqa: BLE001 - a plugin may raise anything; it is logged
        logger(LOG).exception("%s: a plugin failed in on_failure", job)
        return Failed(
            failure_of(reservation, error, job, also=summarize_error(second), seconds=seconds)
        )
    return verdict or Failed(failure_of(reservation, error, job, seconds=seconds))


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
    since = attribute_or_none(lambda: job.kind.perform.__code__, CodeType)
    return Failure.of(error, since, attempt=attempt, **facts)


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


def ask_on_failure(job: Facts, error: BaseException) -> Later | None:
    """Returns the decision of the ``on_failure`` hooks; raises PluginError for any other value."""
    hooks = job.hooks()
    verdict = None if hooks is None else hooks.on_failure(job=job.job(), error=error)
    if verdict is None or isinstance(verdict, Later):
        return verdict
    raise PluginError(f"{job.payload.name}: on_failure: expected Later or None, got {verdict!r}")


def has_expired(reservation: Reservation, job: Facts) -> bool:
    """Whether the first run of the job begins too late. A job that a worker had begun before it
    was lost does not expire."""
    limit = job.payload.expires_at
    return (
        limit is not None and job.attempt == 1 and not reservation.lost and reservation.now > limit
    )


def worker_lost(reservation: Reservation) -> WorkerLost:
    """Returns the error for a job that has lost too many workers."""
    return WorkerLost(
        f"the worker was lost {reservation.lost} times while it held this job (killed, out of "
        "memory, or cut off for longer than its lease)"
    )


def settlement_of(
    reservation: Reservation, job: Facts, outcome: Outcome, error: BaseException | None = None
) -> Settlement:
    """Returns the settlement for an outcome; ``error`` is the error that the run has raised.

    If data of the job or its plugins cannot be stored, the job fails.
    """
    try:
        return build_settlement(reservation, job, outcome)
    except BaseException as second:  # noqa: BLE001 - values of users and plugins are read
        broken = PluginError(f"{job.payload.name}: {refusal_reason(second)}")
        if error is None:
            return settle_without_plugins(reservation, broken)
        return settle_failure(
            reservation, failure_of(reservation, error, job, also=summarize_error(broken))
        )
    finally:
        job.seen = None


def refusal_reason(error: BaseException) -> str:
    """Returns why the data that a run has left cannot be stored."""
    if is_a(error, PluginError):
        return error_message(error)
    return f"job.plugin_data: expected what JSON can hold, got: {error_message(error)}"


def build_settlement(reservation: Reservation, job: Facts, outcome: Outcome) -> Settlement:
    """Returns the settlement for an outcome, and logs it. Raises PluginError or UnicodeEncodeError
    for data that cannot be stored."""
    commands = job.attached.checked() if job.attached else ()
    match outcome:
        case Done():
            log(DEBUG, reservation, job, "done")
            return Settlement(
                reservation.id, reservation.token, reservation.queue, "done", "", 0.0, commands
            )
        case Rejected(reason):
            log(WARNING, reservation, job, f"rejected: {reason}")
            return Settlement.of(reservation, "rejected", commands=commands)
        case Released(reason):
            log(INFO, reservation, job, f"put back: {reason}")
            return Settlement.of(reservation, "released")
        case Later(seconds, count):
            # Its first run has begun in time, so it cannot expire.
            again = replace(job.payload, attempt=job.attempt + count, expires_at=None)
            payload = encode_payload(again)
            log(WARNING, reservation, job, f"again in {seconds:g} s")
            return Settlement.of(
                reservation, "delayed", payload=payload, wait=seconds, commands=commands
            )
        case Failed(failure):
            payload = encode_payload(replace(job.payload, failure=failure.record()))
            log(ERROR, reservation, job, f"failed: {failure.error}: {failure.message}")
            return Settlement.of(reservation, "failed", payload=payload, commands=commands)


def encode_payload(payload: Payload) -> str:
    """Returns the payload as JSON; raises UnicodeEncodeError for text that UTF-8 cannot hold."""
    text = payload.encoded()
    text.encode()
    return text


def settle_death(reservation: Reservation, job: Facts, error: BaseException) -> Settlement:
    """Returns the settlement of a job whose run was ended from outside; its plugins are asked."""
    return settlement_of(reservation, job, *failed_outcome(reservation, job, error))


def settle_without_plugins(reservation: Reservation, error: BaseException) -> Settlement:
    """Returns the settlement of a job that cannot be loaded, or whose plugins have died with it.

    The job fails; its payload is kept whole, so that it can be retried after a deploy.
    """
    return settle_failure(reservation, failure_of(reservation, error, None, cause="not run"))


def settle_failure(reservation: Reservation, failure: Failure) -> Settlement:
    """Returns the settlement of a failed job, and logs it."""
    said = "failed: %s: %s id=%s queue=%s worker=%s"
    facts = (failure.error, failure.message, reservation.id, reservation.queue, reservation.worker)
    logger(LOG).error(said, *facts)
    return settle_failure_unlogged(reservation, failure)


def settle_failure_unlogged(reservation: Reservation, failure: Failure) -> Settlement:
    """Returns the settlement of a failed job; for processes that must not run handlers of the
    log."""
    record = failure.record()
    try:
        payload = replace(Payload.decoded(reservation.payload), failure=record).encoded()
    except (CorruptPayload, RecursionError):
        payload = corrupt_envelope(reservation.payload, record)
    return Settlement.of(reservation, "failed", payload=payload)


def log(level: int, reservation: Reservation, job: Facts, what: str) -> None:
    if is_logged(LOG, level):
        logger(LOG).log(
            level,
            "%s id=%s class=%s queue=%s attempt=%d worker=%s",
            *(what, job.id, job.payload.name, reservation.queue, job.attempt, reservation.worker),
        )
