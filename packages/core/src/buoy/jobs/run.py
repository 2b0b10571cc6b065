"""One run of one job: from its reservation to its settlement."""

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic  # by its name: a job may replace that in the module
from typing import Any

from ..errors import (
    BuoyError,
    CorruptPayload,
    DirtyExit,
    InvalidArguments,
    PluginError,
    SealError,
    Terminated,
)
from ..model.failure import Failure
from ..model.handover import Child
from ..model.outcome import Done, Failed, Later, Outcome, Rejected, Released
from ..model.payload import OTHER, Payload, corrupt_envelope
from ..model.reservation import OutcomeWord, Reservation, Settlement
from ..process.logs import DEBUG, is_logged
from ..text.safe import summarize_error
from .children import words_of
from .facts import Facts
from .job import facts_of
from .plugin import call_perform
from .registry import find_class
from .relay import Relay
from .run_events import Ended, settle_told, tell_begun, tell_ended, tell_reserved
from .run_failures import attribute_or_none, code_of, failure_of, is_a, refusal_reason, worker_lost
from .run_log import LOG, log_error, log_failed, log_outcome, readable_payload
from .sealing import sealer_of

DONE = Done()


def run(
    reservation: Reservation, app_hooks: Relay | None = None, endings: list[Ended] | None = None
) -> Settlement:
    """Run a reserved job and return its settlement. Never raises, whatever the job does.

    ``app_hooks`` calls the hooks of the app-wide plugins, for a job that cannot be loaded.
    ``endings`` gets the outcome and the error of the run.
    """
    try:
        job = load_run(reservation)
    except BaseException as error:  # noqa: BLE001 - code of users runs in it
        tell_reserved(reservation, None, app_hooks)
        return settle_unloaded(reservation, error, app_hooks, endings)
    if job.watched:
        tell_reserved(reservation, job, None)
    return run_loaded(reservation, job, endings)


def run_loaded(
    reservation: Reservation, job: Facts, endings: list[Ended] | None = None
) -> Settlement:
    """Run a reserved job that is loaded, and return its settlement. Never raises."""
    try:
        return settlement_of(reservation, job, *outcome_of(reservation, job), endings)
    except BaseException as error:  # noqa: BLE001 - the last resort: each job must be settled
        return settle_without_plugins(reservation, error)


def load_run(reservation: Reservation) -> Facts:
    """Returns the facts of the run. Raises CorruptPayload, UnknownJob, ConfigurationError,
    SealError, or PluginError for plugins whose hooks cannot be called."""
    payload = Payload.decoded(reservation.payload)
    job = facts_of(find_class(payload.name), payload, reservation.queue, reservation.token)
    hooks = job.hooks()
    job.watched = hooks is not None and hooks.has_events
    if payload.sealed is not None:
        sealer_of(job.kind)  # what that loads, children of this process have then
    return job


def outcome_of(reservation: Reservation, job: Facts) -> Ended:
    """Run the job, unless it has expired or has been lost too often, and return its outcome."""
    if reservation.crash_limit_reached:
        return failed_outcome(reservation, job, worker_lost(reservation))
    if has_expired(reservation, job):
        return Rejected("expired"), None, None
    if job.is_typed and (refused := refused_arguments(reservation, job)) is not None:
        return refused
    started = monotonic()
    try:
        if job.watched:
            tell_begun(reservation, job)
        perform(job)
    except BaseException as error:  # noqa: BLE001 - SystemExit, too, ends only the job
        return failed_outcome(reservation, job, error, monotonic() - started)
    return DONE, None, monotonic() - started


def refused_arguments(reservation: Reservation, job: Facts) -> Ended | None:
    """Returns the outcome of a job whose arguments cannot become what ``perform`` declares, or
    cannot be opened: it fails, and no plugin is asked whether to try again. None if they can."""
    try:
        job.declare_arguments()
    except (InvalidArguments, SealError) as error:
        return Failed(failure_of(reservation, error, job, cause="not run")), error, None
    except BaseException as error:  # noqa: BLE001 - of the worker, which ends the job
        return failed_outcome(reservation, job, error)
    return None


def failed_outcome(
    reservation: Reservation, job: Facts, error: BaseException, seconds: float | None = None
) -> Ended:
    """Returns the outcome of a run that has raised this error after ``seconds``."""
    return decide_outcome(reservation, job, error, seconds or 0.0), error, seconds


def perform(job: Facts) -> Any:
    """Call ``perform`` inside the wrappers of the plugins. Without wrappers it is called directly,
    which is faster."""
    hooks = job.hooks()
    if hooks is None or hooks.around_perform is None:
        return call_perform(job)
    return hooks.around_perform(job=job.job())


def run_inline(reservation: Reservation, job: Facts) -> Any:
    """Run a job where it was enqueued, tell its plugins, and return what ``perform`` returns.
    Raises the error of the run.

    This is the program of a user: what ends the program is no failure that plugins decide on.
    """
    job.open_arguments()
    started = monotonic()
    try:
        tell_begun(reservation, job, Exception)
        result = perform(job)
    except BaseException as error:
        seconds = monotonic() - started
        if isinstance(error, Exception):
            ended = failed_outcome(reservation, job, error, seconds)
        else:
            ended = Failed(failure_of(reservation, error, job, seconds=seconds)), error, seconds
        tell_ended(reservation, job, ended, catch=Exception)
        raise
    tell_ended(reservation, job, (DONE, None, monotonic() - started), catch=Exception)
    return result


def decide_outcome(
    reservation: Reservation, job: Facts, error: BaseException, seconds: float = 0.0
) -> Outcome:
    """Returns the outcome of a run that has raised an error: the decision of the first plugin that
    decides, else Failed; Released if the worker stops, and takes the run back."""
    job.children = ()  # it has not ended well
    if type(job.ended_by) is Terminated:
        return Released(str(job.ended_by))
    try:
        job.transition.clear()
        verdict = ask_on_failure(job, error)
    except BaseException as second:  # noqa: BLE001 - a plugin may raise anything; it is logged
        log_error(reservation, job.payload, "has a plugin that failed in on_failure", second)
        return Failed(
            failure_of(reservation, error, job, also=summarize_error(second), seconds=seconds)
        )
    return verdict or Failed(failure_of(reservation, error, job, seconds=seconds))


def ask_on_failure(job: Facts, error: BaseException) -> Later | None:
    """Returns the decision of the ``on_failure`` hooks; raises PluginError for any other value."""
    hooks = job.hooks()
    if hooks is None or hooks.on_failure is None:
        return None
    job.open_arguments()
    verdict = hooks.on_failure(job=job.job(), error=error)
    if verdict is None or isinstance(verdict, Later):
        return verdict
    raise PluginError(f"{job.payload.name}: on_failure: expected Later or None, got {verdict!r}")


def has_expired(reservation: Reservation, job: Facts) -> bool:
    """Whether the first run of the job begins too late. A job of which a run had begun, and was
    lost or released, does not expire."""
    limit = job.payload.expires_at
    return (
        limit is not None and job.attempt == 1 and not reservation.begun and reservation.now > limit
    )


def settlement_of(
    reservation: Reservation,
    job: Facts,
    outcome: Outcome,
    error: BaseException | None = None,
    seconds: float | None = None,
    endings: list[Ended] | None = None,
) -> Settlement:
    """Returns the settlement for an outcome; ``error`` is the error that the run has raised after
    ``seconds``.

    Tells the plugins, and ``endings``, of the outcome. If data of the job or its plugins cannot be
    stored, the job fails.
    """
    try:
        try:
            settlement = build_settlement(reservation, job, outcome, seconds)
            if outcome is not DONE or is_logged(LOG, DEBUG):
                since = None if error is None else code_of(job)
                log_outcome(reservation, job.payload, outcome, error, since)
        except BaseException as second:  # noqa: BLE001 - values of users and plugins are read
            job.attached = None
            broken = PluginError(f"{job.payload.name}: {refusal_reason(second)}")
            failure = unstorable_failure(reservation, job, error, broken)
            outcome, settlement = Failed(failure), settle_failure(reservation, failure, seconds)
            error = broken if error is None else error
        if endings is not None:
            endings.append((outcome, error, seconds))
        if job.watched:
            return settle_told(reservation, job, settlement, (outcome, error, seconds))
        return settlement
    finally:
        job.seen, job.children = None, ()


def unstorable_failure(
    reservation: Reservation, job: Facts, error: BaseException | None, broken: PluginError
) -> Failure:
    """Returns the failure of a run that has left what cannot be stored, and logs it. ``error`` is
    that of the run, if it has raised one; ``broken`` says what cannot be stored."""
    if error is None:
        return failure_without_plugins(reservation, broken)
    failure = failure_of(reservation, error, job, also=summarize_error(broken))
    log_failed(reservation, job.payload, failure, error, code_of(job))
    return failure


def build_settlement(
    reservation: Reservation, job: Facts, outcome: Outcome, seconds: float | None
) -> Settlement:
    """Returns the settlement for an outcome. Raises PluginError or UnicodeEncodeError
    for data that cannot be stored."""
    commands = job.attached.checked() if job.attached else ()
    word: OutcomeWord = "done"
    children: Sequence[Child] = ()
    payload, wait = "", 0.0
    match outcome:
        case Done():
            children = words_of(job) if job.children else ()
        case Rejected():
            word = "rejected"
        case Released():
            word, commands = "released", ()
        case Later(wait, count):
            word = "delayed"
            # Its first run has begun in time, so it cannot expire.
            again = replace(job.payload, attempt=job.attempt + count, expires_at=None)
            payload = encode_payload(again)
        case Failed(failure):
            word = "failed"
            payload = encode_payload(replace(job.payload, failure=failure.record()))
    id, token, queue = reservation.id, reservation.token, reservation.queue
    name, waited = job.payload.name, reservation.waited(job.payload.enqueued_at)
    return Settlement(
        id, token, queue, word, payload, wait, name, waited, seconds, children, commands
    )


def encode_payload(payload: Payload) -> str:
    """Returns the payload as JSON; raises UnicodeEncodeError for text that UTF-8 cannot hold."""
    text = payload.encoded()
    text.encode()
    return text


def settle_death(reservation: Reservation, job: Facts, error: BaseException) -> Settlement:
    """Returns the settlement of a job whose run was ended from outside; its plugins are asked."""
    seconds = attribute_or_none(lambda: error.seconds, float) if is_a(error, DirtyExit) else None
    return settlement_of(reservation, job, *failed_outcome(reservation, job, error, seconds))


def settle_unloaded(
    reservation: Reservation,
    error: BaseException,
    app_hooks: Relay | None,
    endings: list[Ended] | None = None,
) -> Settlement:
    """Returns the settlement of a job that cannot be loaded, and tells the app-wide plugins.

    The job fails; its payload is kept whole, so that it can be retried after a deploy.
    """
    failure = failure_without_plugins(reservation, error)
    ended = (Failed(failure), error, None)
    if endings is not None:
        endings.append(ended)
    tell_ended(reservation, None, ended, app_hooks)
    return settle_failure(reservation, failure)


def settle_without_plugins(
    reservation: Reservation, error: BaseException, seconds: float | None = None
) -> Settlement:
    """Returns the settlement of a job whose plugins have died with it: it fails, and its payload is
    kept whole."""
    return settle_failure(reservation, failure_without_plugins(reservation, error), seconds)


def failure_without_plugins(reservation: Reservation, error: BaseException) -> Failure:
    """Returns the failure of a job whose plugins are not asked, and logs it."""
    failure = failure_of(reservation, error, None, cause="not run")
    shown = None if is_a(error, BuoyError) else error  # the messages of buoy's own say it all
    log_failed(reservation, readable_payload(reservation), failure, shown)
    return failure


def settle_failure(
    reservation: Reservation, failure: Failure, seconds: float | None = None
) -> Settlement:
    """Returns the settlement of a job that has failed after ``seconds``. Logs nothing."""
    record = failure.record()
    try:
        payload = Payload.decoded(reservation.payload)
        text, name = replace(payload, failure=record).encoded(), payload.name
        waited = reservation.waited(payload.enqueued_at)
    except (CorruptPayload, RecursionError):
        text, name, waited = corrupt_envelope(reservation.payload, record), OTHER, 0.0
    return Settlement.of(
        reservation, "failed", payload=text, name=name, waited=waited, seconds=seconds
    )
