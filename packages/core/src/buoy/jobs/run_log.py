"""The lines of the log about single jobs, and their fields."""

from collections.abc import Mapping
from types import CodeType
from typing import TYPE_CHECKING, Any

from ..errors import CorruptPayload
from ..model.failure import (
    Failure,
    has_traceback,
    limited_traceback,
    traceback_since,
)
from ..model.outcome import Done, Failed, Later, Outcome, Rejected, Released
from ..model.payload import Payload
from ..model.reservation import Reservation, Settlement, worker_in
from ..process.logs import DEBUG, ERROR, INFO, WARNING, ExcInfo, is_logged, logger
from ..text.printable import one_line
from ..text.safe import error_message, type_name
from .facts import facts

if TYPE_CHECKING:
    from .job import Job

LOG = "buoy.job"
NAMES_IN_TEXT = {
    "job_id": "id",
    "job_class": "class",
    "queue": "queue",
    "attempt": "attempt",
    "worker": "worker",
}
"""Field of a record -> its name in the text of the message."""


def log_outcome(
    reservation: Reservation,
    payload: Payload,
    outcome: Outcome,
    error: BaseException | None,
    since: CodeType | None,
) -> None:
    """Log how a run has ended. Tracebacks of ``error`` begin at the frame of ``since``."""
    match outcome:
        case Done():
            log_run(DEBUG, "done", reservation, payload, "done")
        case Rejected(reason):
            log_run(WARNING, "rejected", reservation, payload, "rejected: %s", reason)
        case Released(reason):
            log_run(INFO, "released", reservation, payload, "released: %s", reason)
        case Later():
            log_later(reservation, payload, outcome, error, since)
        case Failed(failure):
            log_failed(reservation, payload, failure, error, since)


def log_run(
    level: int, state: str, reservation: Reservation, payload: Payload, text: str, *args: object
) -> None:
    """Log a line about a run. ``state``: an outcome, or "running"; ``text``: what follows the name
    of the class, a format of ``args``."""
    if is_logged(LOG, level):
        write(level, fields_of(reservation, payload, state), text, args)


def log_failed(
    reservation: Reservation,
    payload: Payload,
    failure: Failure,
    error: BaseException | None = None,
    since: CodeType | None = None,
) -> None:
    """Log a run that has failed for good. The traceback of ``error`` is that of the failure, and
    begins at the frame of ``since``."""
    if not is_logged(LOG, ERROR):
        return
    text, args = f"failed: {in_format(failure.error)}: %s", [failure.message]
    if failure.also:
        text, args = f"{text}; then %s", [*args, failure.also]
    exc_info = None
    if error is not None and has_traceback(error):
        exc_info = exc_info_since(error, since)
    fields = fields_of(reservation, payload, "failed")
    write(ERROR, fields, text, args, exc_info=exc_info, trace=failure.traceback)


def log_later(
    reservation: Reservation,
    payload: Payload,
    again: Later,
    error: BaseException | None,
    since: CodeType | None,
) -> None:
    """Log a run that has raised an error after which the job runs again: one line, and the
    traceback for those who read debug messages. If it counts as an attempt, the run has failed."""
    level, failed = (WARNING, "failed and ") if again.count else (INFO, "")
    if not is_logged(LOG, level) or error is None:
        return
    fields = fields_of(reservation, payload, "delayed")
    kind, message = in_format(type_name(type(error))), error_message(error)
    write(level, fields, f"{failed}runs again in %g s: {kind}: %s", [again.seconds, message])
    if is_logged(LOG, DEBUG) and again.count and has_traceback(error):
        exc_info = exc_info_since(error, since)
        trace = limited_traceback(error, exc_info[2])
        write(DEBUG, fields, f"failed: {kind}: %s", [message], exc_info=exc_info, trace=trace)


def log_error(reservation: Reservation, payload: Payload, text: str, error: BaseException) -> None:
    """Log an error beside the outcome of a run, with its traceback. ``text`` has no ``%``."""
    if is_logged(LOG, ERROR):
        exc_info = exc_info_since(error, None)
        trace = limited_traceback(error, exc_info[2])
        fields = fields_of(reservation, payload, "running")
        write(ERROR, fields, text, [], exc_info=exc_info, trace=trace)


def write(
    level: int,
    fields: Mapping[str, Any],
    text: str,
    args: Any,
    *,
    exc_info: ExcInfo | None = None,
    trace: str = "",
) -> None:
    """Log a line: name of the class, text, fields."""
    told = {name: fields[name] for name in NAMES_IN_TEXT if fields.get(name)}
    facts = "".join(f" {NAMES_IN_TEXT[name]}=%s" for name in told)
    values = list(told.values())
    if fields["tags"]:
        facts, values = f"{facts} tags=%s", [*values, ",".join(fields["tags"])]
    subject = in_format(fields["job_class"]) or "a job"
    logger(LOG).log(
        level,
        f"{subject} {text}{facts}",
        *args,
        *values,
        exc_info=exc_info,
        trace=trace,
        extra=fields,
    )


def exc_info_since(error: BaseException, since: CodeType | None) -> ExcInfo:
    return type(error), error, traceback_since(error, since)


def in_format(text: str) -> str:
    """A text as a part of a format for ``%``, on one line."""
    return one_line(text).replace("%", "%%")


def fields_of(reservation: Reservation, payload: Payload, state: str) -> dict[str, Any]:
    """The fields of a log record about a run."""
    return {
        "job_id": reservation.id,
        "job_class": payload.name,
        "queue": reservation.queue,
        "attempt": payload.attempt,
        "worker": reservation.worker,
        "state": state,
        "tags": list(payload.tags),
    }


def log_fields(job: "Job") -> dict[str, Any]:
    """The fields of a log record about this job, for ``extra`` of a log call; none for an object
    that was made by hand. ``state`` is "running", or "" before the job is enqueued."""
    try:
        known = facts(job)
    except AttributeError:
        return {}
    return {
        "job_id": known.id,
        "job_class": known.payload.name,
        "queue": known.queue,
        "attempt": known.attempt,
        "worker": known.worker,
        "state": "running" if known.token else "",
        "tags": list(known.payload.tags),
    }


def readable_payload(reservation: Reservation) -> Payload:
    """The payload of a reservation; one without a name if it cannot be read."""
    try:
        return Payload.decoded(reservation.payload)
    except (CorruptPayload, RecursionError):
        return Payload("", [], {}, reservation.id, attempt=0)


def reservation_fields(reservation: Reservation, state: str) -> dict[str, Any]:
    """The fields of a log record about a reserved job whose payload was not read yet."""
    return fields_of(reservation, readable_payload(reservation), state)


def settlement_fields(settlement: Settlement) -> dict[str, Any]:
    """The fields of a log record about a run whose outcome is refused, since its lease is lost."""
    return {
        "job_id": settlement.id,
        "job_class": settlement.name,
        "queue": settlement.queue,
        "worker": worker_in(settlement.token),
        "state": "lost",
    }
