"""One run of one job: from what was reserved to what becomes of it."""

import time
from dataclasses import replace
from typing import Any

from .errors import BuoyError, CorruptPayload, DirtyExit, PluginError, Terminated, WorkerLost
from .facts import Facts
from .failure import Failure, brief
from .job import facts_of
from .logs import DEBUG, ERROR, INFO, WARNING, heard, logger
from .outcome import Done, Failed, Later, Outcome, Rejected, Released
from .payload import Payload, shelved
from .plugin import performed
from .registry import named
from .reservation import Reservation, Settlement

LOG = "buoy.job"
DONE = Done()


def run(held: Reservation) -> Settlement:
    """Run a reserved job and say what became of it; whatever the job does, this returns."""
    try:
        job = loaded(held)
    except BuoyError as error:
        return settle_plainly(held, error)
    return run_loaded(held, job)


def run_loaded(held: Reservation, job: Facts) -> Settlement:
    """The same, for a job that is loaded already."""
    return settled(held, job, outcome(held, job))


def loaded(held: Reservation) -> Facts:
    payload = Payload.decoded(held.payload)
    return facts_of(named(payload.name), payload, held.queue, held.token)


def outcome(held: Reservation, job: Facts) -> Outcome:
    if held.given_up:
        return decided(held, job, lost(held))
    if expired(held, job):
        return Rejected("expired")
    started = time.monotonic()
    try:
        perform(job)
    except BaseException as error:  # noqa: BLE001 - SystemExit too ends the job, not the worker
        return decided(held, job, error, time.monotonic() - started)
    return DONE


def perform(job: Facts) -> Any:
    """Call ``perform`` inside the plugins' wrappers; where there are none, no job pays for any."""
    hooks = job.hooks()
    if hooks is None or len(hooks.around_perform.get_hookimpls()) == 1:
        return performed(job)
    return hooks.around_perform(job=job.job())


def decided(held: Reservation, job: Facts, error: BaseException, seconds: float = 0.0) -> Outcome:
    """What becomes of a job whose run failed: what the first plugin with a view says."""
    job.transition.clear()
    if isinstance(error, Terminated) and error.by_worker:
        return Released(str(error))
    also = ""
    try:
        verdict = asked(job, error)
    except Exception as second:  # noqa: BLE001 - whatever a plugin raises; it is logged
        verdict, also = None, brief(second)
        logger(LOG).exception("%s: a plugin failed in on_failure", job)
    if verdict is not None:
        return verdict
    return Failed(failure_of(held, error, job, also=also, seconds=seconds))


def failure_of(held: Reservation, error: BaseException, job: Facts | None, **facts: Any) -> Failure:
    if isinstance(error, DirtyExit):
        facts["cause"] = error.cause
        if error.peak_memory:
            facts |= {"seconds": error.seconds, "peak_memory": error.peak_memory}
    if job is None:
        return Failure.of(error, worker=held.worker, **facts)
    since = getattr(job.kind.perform, "__code__", None)
    return Failure.of(error, since, worker=held.worker, attempt=job.attempt, **facts)


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


def settled(held: Reservation, job: Facts, outcome: Outcome) -> Settlement:
    """The outcome as the broker takes it."""
    try:
        return packed(held, job, outcome)
    except (TypeError, ValueError, RecursionError) as error:
        text = f"{job.payload.name}: job.carried: expected what JSON can hold, got: {error}"
        return settle_plainly(held, PluginError(text))
    finally:
        job.seen = None


def packed(held: Reservation, job: Facts, outcome: Outcome) -> Settlement:
    commands = job.transition.commands
    match outcome:
        case Done():
            log(DEBUG, held, job, "done")
            return Settlement(held.id, held.token, held.queue, "done", "", 0.0, commands)
        case Rejected(reason):
            log(WARNING, held, job, f"rejected: {reason}")
            return Settlement.of(held, "rejected", commands=commands)
        case Released(reason):
            log(INFO, held, job, f"put back: {reason}")
            return Settlement.of(held, "release")
        case Later(seconds, count):
            log(WARNING, held, job, f"again in {seconds:g} s")
            # Its first run has begun in time, so it expires no more.
            again = replace(job.payload, attempt=job.attempt + count, expires_at=None)
            payload = again.encoded()
            return Settlement.of(held, "later", payload=payload, wait=seconds, commands=commands)
        case Failed(failure):
            log(ERROR, held, job, f"failed: {failure.error}: {failure.message}")
            payload = replace(job.payload, failure=failure.record()).encoded()
            return Settlement.of(held, "failed", payload=payload, commands=commands)


def settle_death(held: Reservation, job: Facts, error: Exception) -> Settlement:
    """What becomes of a job that an error ended from outside: its plugins are asked."""
    return settled(held, job, decided(held, job, error))


def settle_plainly(held: Reservation, error: BuoyError) -> Settlement:
    """A failure that no plugin is asked about: the job cannot be loaded, or they have died, too.

    It is kept whole, and can be retried after a deploy.
    """
    cause = "not run" if not isinstance(error, DirtyExit) else error.cause
    failure = failure_of(held, error, None, cause=cause).record()
    logger(LOG).error(
        "failed: %s id=%s queue=%s worker=%s", error, held.id, held.queue, held.worker
    )
    try:
        payload = replace(Payload.decoded(held.payload), failure=failure).encoded()
    except CorruptPayload:
        payload = shelved(held.payload, failure)
    return Settlement.of(held, "failed", payload=payload)


def log(level: int, held: Reservation, job: Facts, what: str) -> None:
    if heard(LOG, level):
        logger(LOG).log(
            level,
            "%s id=%s class=%s queue=%s attempt=%d worker=%s",
            *(what, job.id, job.payload.name, held.queue, job.attempt, held.worker),
        )
