"""What buoy-retry keeps in the payload of a job between its attempts: the last failures, and how
often the job was snoozed. All of it is plain JSON, and limited in size."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from buoy.plugins import describe_error

LENGTH = 20
"""How many failures are kept: the last ones."""

MESSAGE_LIMIT = 500
"""Characters that are kept of each message."""


FIELDS: dict[str, Any] = {
    "attempt": int,
    "at": int | float,
    "error": str,
    "message": str,
    "worker": str,
    "wait": int | float | None,
}
"""The fields of a valid record in Redis, with their types."""


class Carrier(Protocol):
    """A job, or the view of a job."""

    @property
    def plugin_data(self) -> dict[str, dict[str, Any]]: ...


@dataclass(frozen=True)
class Attempt:
    """One failed run of a job.

    ``attempt`` is the number of the run, from 1; ``at`` is when it failed, in epoch seconds;
    ``wait`` is the number of seconds until the next attempt, None when the job was given up.
    """

    attempt: int
    at: float
    error: str
    message: str
    worker: str
    wait: float | None

    @classmethod
    def of(cls, job: Any, error: BaseException, at: float, wait: float | None) -> "Attempt":
        """Returns the record of a failure. Never raises, whatever the error's ``__str__`` does."""
        name, message = describe_error(error)
        return cls(job.attempt, round(at, 3), name, message[:MESSAGE_LIMIT], job.worker, wait)


def retry_data(job: Carrier) -> dict[str, Any]:
    """Returns what this package keeps with a job; empty when there is nothing, or no mapping."""
    found = job.plugin_data.get("retry")
    return found if isinstance(found, dict) else {}


def history(job: Carrier) -> list[Attempt]:
    """Returns the last failed attempts of a job (at most 20), the oldest first. Skips records that
    are not valid."""
    found = retry_data(job).get("history")
    records = found if isinstance(found, list) else []
    return [Attempt(**record) for record in records if is_record(record)]


def is_record(value: Any) -> bool:
    """Whether a value is a mapping with the fields of an Attempt, of the right types."""
    return (
        isinstance(value, dict)
        and value.keys() == FIELDS.keys()
        and all(isinstance(value[name], kind) for name, kind in FIELDS.items())
    )


def add_attempt(job: Carrier, attempt: Attempt) -> None:
    """Adds an attempt to the history of a job."""
    records = [asdict(each) for each in [*history(job), attempt]][-LENGTH:]
    job.plugin_data["retry"] = {**retry_data(job), "history": records}


def snooze_count(job: Carrier) -> int:
    """Returns how often the job was snoozed since it was enqueued or put back."""
    found = retry_data(job).get("snoozes")
    return found if isinstance(found, int) else 0


def count_snooze(job: Carrier) -> None:
    job.plugin_data["retry"] = {**retry_data(job), "snoozes": snooze_count(job) + 1}


def reset_snoozes(job: Carrier) -> None:
    kept = {name: value for name, value in retry_data(job).items() if name != "snoozes"}
    job.plugin_data["retry"] = kept
