"""The record of a job's end, as JSON."""

import time
from typing import Any

from buoy import Job
from buoy.plugins import Log, NotJson, check_json, describe_error, encode_json
from buoy.plugins.redis import JobView

log = Log("buoy.status")

NOT_ENDED = "{}"
"""The record of a job that was enqueued and has not ended."""


def done(job: Job, started_at: float, result: Any, limit: int) -> str:
    """Returns the record of a completed run, with its result, or the reason why it is missing:
    JSON cannot hold it, or it is larger than ``limit`` bytes of JSON."""
    fields = run_fields(job, "done") | {"started_at": round(started_at, 3)}
    missing = reason_not_kept(result, limit)
    if missing:
        log.warning("%r: %s", job, missing)
    return encode_json(fields | ({"result": result} if missing is None else {"missing": missing}))


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


def reason_not_kept(result: Any, limit: int) -> str | None:
    """Returns why a result cannot be kept; None if it can."""
    if result is None:
        return None
    try:
        check_json(result, "result")
        size = len(encode_json(result).encode())
    except NotJson as refused:
        return str(refused)
    except Exception as error:  # noqa: BLE001 - no result may make a completed job fail
        return f"result: expected what JSON can hold, got {type(error).__name__}"
    if size > limit:
        return (
            f"result: expected at most {limit} bytes of JSON, got {size}; "
            "store it elsewhere and return its key, or raise max_result"
        )
    return None
