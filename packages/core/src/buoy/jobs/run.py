"""One run of one job: from what was reserved to what becomes of it."""

import time
from collections.abc import Callable
from dataclasses import replace
from types import CodeType
from typing import Any, TypeGuard, TypeVar

from ..errors import CorruptPayload, DirtyExit, PluginError, Terminated, WorkerLost
from ..model.failure import Failure
from ..model.outcome import Done, Failed, Later, Outcome, Rejected, Released
from ..model.payload import Payload, shelved
from ..model.reservation import Reservation, Settlement
from ..process.logs import DEBUG, ERROR, INFO, WARNING, heard, logger
from ..text.safe import brief, message_of
from .facts import Facts
from .job import facts_of
from .plugin import performed
from .registry import named

LOG = "buoy.job"
DONE = Done()
E = TypeVar("E", bound=BaseException)
T = TypeVar("T")
Ended = tuple[Outcome, BaseException | None]
"""What becomes of a run, and what it failed with, if it did."""


def run(held: Reservation) -> Settlement:
    """Run a reserved job and say what became of it; whatever the job does, this returns."""
    try:
        job = loaded(held)
    except BaseException as error:  # noqa: BLE001 - the class of the job is its user's
        return settle_plainly(held, error)
    return run_loaded(held, job)


def run_loaded(held: Reservation, job: Facts) -> Settlement:
    """The same, for a job that is loaded already."""
    try:
        return settled(held, job, *outcome(held, job))
    except BaseException as error:  # noqa: BLE001 - the last resort: a job must not stay in hand
        return settle_plainly(held, error)


def loaded(held: Reservation) -> Facts:
    payload = Payload.decoded(held.payload)
    return facts_of(named(payload.name), payload, held.queue, held.token)


def outcome(held: Reservation, job: Facts) -> Ended:
    if held.given_up:
        return failed(held, job, lost(held))
    if expired(held, job):
        return Rejected("expired"), None
    started = time.monotonic()
    try:
        perform(job)
    except BaseException as error:  # noqa: BLE001 - SystemExit too ends the job, not the worker
        return failed(held, job, error, time.monotonic() - started)
    return DONE, None


def failed(held: Reservation, job: Facts, error: BaseException, seconds: float = 0.0) -> Ended:
    """The outcome of a run that this error has ended, and the error."""
    return decided(held, job, error, seconds), error


def perform(job: Facts) -> Any:
    """Call ``perform`` inside the plugins' wrappers; where there are none, no job pays for any."""
    hooks = job.hooks()
    if hooks is None or len(hooks.around_perform.get_hookimpls()) == 1:
        return performed(job)
    return hooks.around_perform(job=job.job())


def decided(held: Reservation, job: Facts, error: BaseException, seconds: float = 0.0) -> Outcome:
    """What becomes of a job whose run failed: what the first plugin with a view says."""
    if is_a(error, Terminated) and error.by_worker is True:
        return Released(str(error))
    try:
        job.transition.clear()
        verdict = asked(job, error)
    except BaseException as second:  # noqa: BLE001 - whatever a plugin raises; it is logged
        logger(LOG).exception("%s: a plugin failed in on_failure", job)
        return Failed(failure_of(held, error, job, also=brief(second), seconds=seconds))
    return verdict or Failed(failure_of(held, error, job, seconds=seconds))


def is_a(error: BaseException, kind: type[E]) -> TypeGuard[E]:
    """Whether it is one, and does not only say so: ``__class__`` may be anything."""
    return issubclass(type(error), kind)


def failure_of(held: Reservation, error: BaseException, job: Facts | None, **facts: Any) -> Failure:
    facts = {"worker": held.worker} | facts
    if is_a(error, DirtyExit):
        facts |= shown_of(error)
    if job is None:
        return Failure.of(error, **facts)
    attempt = known(lambda: job.attempt, int) or 1
    since = known(lambda: job.kind.perform.__code__, CodeType)
    return Failure.of(error, since, attempt=attempt, **facts)


def shown_of(death: DirtyExit) -> dict[str, Any]:
    """What the death of a process tells; jobs raise such errors, too, and subclass them."""
    peak = known(lambda: death.peak_memory, int)
    seconds = known(lambda: death.seconds, float)
    facts = {"seconds": seconds or 0.0, "peak_memory": peak} if peak else {}
    return {"cause": known(lambda: death.cause, str) or "exception"} | facts


def known(value: Callable[[], Any], kind: type[T]) -> T | None:
    """What a class of the user has under a name, if it is what it should be."""
    try:
        found = value()
    except BaseException:  # noqa: BLE001 - names may be bound to code, too
        return None
    return found if type(found) is kind else None


def asked(job: Facts, error: BaseException) -> Later | None:
    hooks = job.hooks()
    verdict = None if hooks is None else hooks.on_failure(job=job.job(), error=error)
    if verdict is None or isinstance(verdict, Later):
        return verdict
    raise PluginError(f"{job.payload.name}: on_failure: expected Later or None, got {verdict!r}")


def expired(held: Reservation, job: Facts) -> bool:
    limit = job.payload.expires_at
    return limit is not None and job.attempt == 1 and not held.lost and held.now > limit


def lost(held: Reservation) -> WorkerLost:
    return WorkerLost(
        f"the worker was lost {held.lost} times while it held this job (killed, out of memory, "
        "or cut off for longer than its lease)"
    )


def settled(
    held: Reservation, job: Facts, outcome: Outcome, error: BaseException | None = None
) -> Settlement:
    """The outcome as the broker takes it; the error is what the run failed with, if it did."""
    try:
        return packed(held, job, outcome)
    except BaseException as second:  # noqa: BLE001 - whatever the job and its plugins have left
        broken = PluginError(f"{job.payload.name}: {refusal(second)}")
        if error is None:
            return settle_plainly(held, broken)
        return settle_failure(held, failure_of(held, error, job, also=brief(broken)))
    finally:
        job.seen = None


def refusal(error: BaseException) -> str:
    """Why what a run has left cannot be kept."""
    if is_a(error, PluginError):
        return message_of(error)
    return f"job.carried: expected what JSON can hold, got: {message_of(error)}"


def packed(held: Reservation, job: Facts, outcome: Outcome) -> Settlement:
    commands = job.attached.checked() if job.attached else ()
    match outcome:
        case Done():
            log(DEBUG, held, job, "done")
            return Settlement(held.id, held.token, held.queue, "done", "", 0.0, commands)
        case Rejected(reason):
            log(WARNING, held, job, f"rejected: {reason}")
            return Settlement.of(held, "rejected", commands=commands)
        case Released(reason):
            log(INFO, held, job, f"put back: {reason}")
            return Settlement.of(held, "released")
        case Later(seconds, count):
            # Its first run has begun in time, so it expires no more.
            again = replace(job.payload, attempt=job.attempt + count, expires_at=None)
            payload = written(again)
            log(WARNING, held, job, f"again in {seconds:g} s")
            return Settlement.of(held, "delayed", payload=payload, wait=seconds, commands=commands)
        case Failed(failure):
            payload = written(replace(job.payload, failure=failure.record()))
            log(ERROR, held, job, f"failed: {failure.error}: {failure.message}")
            return Settlement.of(held, "failed", payload=payload, commands=commands)


def written(payload: Payload) -> str:
    """The payload as JSON that Redis can hold; raises UnicodeEncodeError where that is not so."""
    text = payload.encoded()
    text.encode()
    return text


def settle_death(held: Reservation, job: Facts, error: BaseException) -> Settlement:
    """What becomes of a job that an error ended from outside: its plugins are asked."""
    return settled(held, job, *failed(held, job, error))


def settle_plainly(held: Reservation, error: BaseException) -> Settlement:
    """A failure that no plugin is asked about: the job cannot be loaded, or they have died, too.

    It is kept whole, and can be retried after a deploy.
    """
    return settle_failure(held, failure_of(held, error, None, cause="not run"))


def settle_failure(held: Reservation, failure: Failure) -> Settlement:
    said = "failed: %s: %s id=%s queue=%s worker=%s"
    facts = (failure.error, failure.message, held.id, held.queue, held.worker)
    logger(LOG).error(said, *facts)
    return settle_silently(held, failure)


def settle_silently(held: Reservation, failure: Failure) -> Settlement:
    """The same, for who cannot afford what the app makes of its log."""
    record = failure.record()
    try:
        payload = replace(Payload.decoded(held.payload), failure=record).encoded()
    except (CorruptPayload, RecursionError):
        payload = shelved(held.payload, record)
    return Settlement.of(held, "failed", payload=payload)


def log(level: int, held: Reservation, job: Facts, what: str) -> None:
    if heard(LOG, level):
        logger(LOG).log(
            level,
            "%s id=%s class=%s queue=%s attempt=%d worker=%s",
            *(what, job.id, job.payload.name, held.queue, job.attempt, held.worker),
        )
