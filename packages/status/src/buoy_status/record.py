"""The record that is kept of a job's end."""

import time
from typing import Any

from buoy import Job
from buoy.model.failure import Failure
from buoy.model.strict_json import NotPlain, check_plain, encode
from buoy.operations.views import JobView
from buoy.process.logs import logger

LOG = "buoy.status"

UNKNOWN = "{}"
"""The record of a job of which only that it was enqueued is known."""


def done(job: Job, started_at: float, result: Any, limit: int) -> str:
    """The record of a run that has done its work, with its result if that can be kept."""
    facts = of_run(job, "done") | {"started_at": round(started_at, 3)}
    missing = why_not(result, limit)
    if missing:
        logger(LOG).warning("%r: %s", job, missing)
    return encode(facts | ({"result": result} if missing is None else {"missing": missing}))


def failed(job: Job, error: BaseException) -> str:
    """The record of a job that has failed for good."""
    return encode(of_run(job, "failed") | told(error))


def cancelled(view: JobView) -> str:
    """The record of a job that was ended from outside."""
    facts = {"attempt": view.attempt, "enqueued_at": view.enqueued_at}
    return encode({"state": "cancelled", **facts, "ended_at": now()})


def told(error: BaseException) -> dict[str, str]:
    """An error as it is listed among the failed."""
    failure = Failure.of(error)
    return {"error": failure.error, "message": failure.message}


def of_run(job: Job, state: str) -> dict[str, Any]:
    facts = {"attempt": job.attempt, "enqueued_at": job.payload.enqueued_at}
    return {"state": state, **facts, "ended_at": now()}


def now() -> float:
    return round(time.time(), 3)


def why_not(result: Any, limit: int) -> str | None:
    """Why a result cannot be kept; None if it can."""
    if result is None:
        return None
    try:
        check_plain(result, "result")
        size = len(encode(result).encode())
    except NotPlain as refused:
        return str(refused)
    except Exception as error:  # noqa: BLE001 - the job has done its work, whatever it returned
        return f"result: expected what JSON can hold, got {type(error).__name__}"
    if size > limit:
        return (
            f"result: expected at most {limit} bytes of JSON, got {size}; "
            "store it elsewhere and return its key, or raise max_result"
        )
    return None
