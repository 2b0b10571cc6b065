"""What is kept with a job from attempt to attempt: its last failures, and how often it was put
off. All of it is plain JSON, and bounded."""

from dataclasses import asdict, dataclass
from traceback import format_exception_only
from typing import Any, Protocol

LENGTH = 20
"""How many failures are kept, the last ones."""

MESSAGE_LIMIT = 500
"""Characters of each message."""


FIELDS: dict[str, Any] = {
    "attempt": int,
    "at": int | float,
    "error": str,
    "message": str,
    "worker": str,
    "wait": int | float | None,
}
"""What a record in Redis must have to be one."""


class Carrier(Protocol):
    """A job, or the view of one."""

    @property
    def carried(self) -> dict[str, dict[str, Any]]: ...


@dataclass(frozen=True)
class Attempt:
    """One run that has failed. ``at`` is epoch seconds; ``wait`` the seconds until the next
    attempt, None when the job was given up."""

    attempt: int
    at: float
    error: str
    message: str
    worker: str
    wait: float | None

    @classmethod
    def of(cls, job: Any, error: BaseException, at: float, wait: float | None) -> "Attempt":
        """The record of a failure that has just been."""
        name, message = described(error)
        # A token is NUMBER:WORKER:CALL.
        worker = [*job.token.split(":"), "", ""][1]
        return cls(job.attempt, round(at, 3), name, message[:MESSAGE_LIMIT], worker, wait)


def described(error: BaseException) -> tuple[str, str]:
    """Class and message, whatever the error's own ``__str__`` does; UTF-8 can hold them."""
    kind = type(error)
    plain = kind.__module__ in ("builtins", "__main__")
    name = kind.__qualname__ if plain else f"{kind.__module__}.{kind.__qualname__}"
    text = "".join(format_exception_only(error)).strip()
    message = text.removeprefix(name).removeprefix(": ")
    return name, message.encode(errors="backslashreplace").decode()


def kept(carrier: Carrier) -> dict[str, Any]:
    """What this package keeps with a job; what others have put there is no matter."""
    found = carrier.carried.get("retry")
    return found if isinstance(found, dict) else {}


def history(job: Carrier) -> list[Attempt]:
    """The last failed attempts of a job, the oldest first."""
    found = kept(job).get("history")
    records = found if isinstance(found, list) else []
    return [Attempt(**record) for record in records if fits(record)]


def fits(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and record.keys() == FIELDS.keys()
        and all(isinstance(record[name], kind) for name, kind in FIELDS.items())
    )


def remember(job: Carrier, attempt: Attempt) -> None:
    """Add an attempt to the history of a job."""
    records = [asdict(each) for each in [*history(job), attempt]][-LENGTH:]
    job.carried["retry"] = {**kept(job), "history": records}


def snoozes(job: Carrier) -> int:
    """How often the job was put off since it was enqueued, or put back."""
    found = kept(job).get("snoozes")
    return found if isinstance(found, int) else 0


def count_snooze(job: Carrier) -> None:
    job.carried["retry"] = {**kept(job), "snoozes": snoozes(job) + 1}


def forget_snoozes(job: Carrier) -> None:
    job.carried["retry"] = {name: value for name, value in kept(job).items() if name != "snoozes"}
