"""The record of a job's end, as JSON."""

import time
from typing import Any

from buoy import Job, SealError
from buoy.plugins import (
    SEALED,
    Log,
    NotJson,
    check_json,
    describe_error,
    encode_json,
    is_sealed,
    log_fields,
    seal_text,
)
from buoy.plugins.redis import JobView

log = Log("buoy.status")

RESULT = "result"
"""What a sealed result is to those who open it."""
NOT_ENDED = "{}"
"""The record of a job that was enqueued and has not ended."""


def done(job: Job, started_at: float, result: Any, limit: int) -> str:
    """Returns the record of a completed run, with its result, or the reason why it is missing:
    JSON cannot hold it, or it is larger than ``limit`` bytes of JSON."""
    fields = run_fields(job, "done") | {"started_at": round(started_at, 3)}
    missing = reason_not_kept(result, limit, job)
    if missing is None:
        kept, missing = kept_result(job, result)
        fields |= kept
    if missing is not None:
        log.warning("%r: %s", job, missing, extra=log_fields(job))
        fields["missing"] = missing
    return encode_json(fields)


def kept_result(job: Job, result: Any) -> tuple[dict[str, Any], str | None]:
    """Returns the fields that keep a result, sealed if the class of the job seals results; or why
    it is missing."""
    if result is None or not is_sealed(job):
        return {"result": result}, None
    try:
        sealed = seal_text(job.name, job.id, encode_json(result), RESULT)
    except SealError as error:
        return {}, f"result: not kept, since it cannot be sealed: {error}"
    return {"sealed": sealed, "class": job.name}, None


def failed(job: Job, error: BaseException) -> str:
    """Returns the record of a job that has failed and is not retried."""
    return encode_json(run_fields(job, "failed") | error_fields(error))


def cancelled(view: JobView) -> str:
    """Returns the record of a job that was cancelled."""
    fields = {"attempt": view.attempt, "enqueued_at": view.enqueued_at}
    return encode_json({"state": "cancelled", **fields, "ended_at": now()})


def error_fields(error: BaseException) -> dict[str, str]:
    """Returns the name and message of an error, as the failed set shows them."""
    kind, message = describe_error(error)
    return {"error": kind, "message": message}


def run_fields(job: Job, state: str) -> dict[str, Any]:
    fields = {"attempt": job.attempt, "enqueued_at": job.payload.enqueued_at}
    return {"state": state, **fields, "ended_at": now()}


def now() -> float:
    """Returns epoch seconds, with milliseconds."""
    return round(time.time(), 3)


def reason_not_kept(result: Any, limit: int, job: Job) -> str | None:
    """Returns why a result cannot be kept; None if it can. It shows nothing of a sealed one."""
    if result is None:
        return None
    try:
        check_json(result, "result")
        size = len(encode_json(result).encode())
    except NotJson as refused:
        told = f"result: expected what JSON can hold, got {SEALED}"
        return told if is_sealed(job) else str(refused)
    except Exception as error:  # noqa: BLE001 - no result may make a completed job fail
        return f"result: expected what JSON can hold, got {type(error).__name__}"
    if size > limit:
        return (
            f"result: expected at most {limit} bytes of JSON, got {size}; "
            "store it elsewhere and return its key, or raise max_result"
        )
    return None
