"""The answers of the scripts that enqueue jobs (lua/enqueue.lua, lua/push_new.lua)."""

from typing import Literal, NamedTuple

from .due import Due

Stored = Literal["queued", "delayed", "blocked"]
NotStored = Literal[
    "exists", "throttled", "replaced", "running", "ended", "older", "full", "received"
]
Kind = Stored | NotStored


class EnqueueAnswer(NamedTuple):
    """The answer for one job. Its other fields depend on its kind.

    "exists": ``holder`` is the id of the job that holds the claim, "" if it is the job itself.
    "throttled": ``holder`` is the id of the job that was enqueued too short a time ago.
    "replaced": ``holder`` is the id of the waiting job that has got the payload.
    "running": the job with this id runs, so it was not replaced.
    "older": ``field`` names the number that is not newer. "full": ``length`` is the number of jobs
    in the queue. "received": another queue has handed the job over before.
    """

    kind: Kind
    holder: str = ""
    field: str = ""
    length: int = 0

    @classmethod
    def parse(cls, text: str) -> "EnqueueAnswer":
        """The answer that a script has written as ``text``."""
        if text == "queued":
            return QUEUED
        kind, _, detail = text.partition(" ")
        match kind:
            case "exists":
                return cls("exists", holder=detail)
            case "throttled" | "replaced":
                return cls(kind, holder=detail)
            case "older":
                return cls("older", field=detail)
            case "full":
                return cls("full", length=int(detail))
        return cls(kind)  # type: ignore[arg-type]  # the scripts answer nothing else

    def of_repeated(self, due: Due) -> "EnqueueAnswer":
        """The answer for a job that was sent a second time, since no answer came to the first.

        A job whose id is known by now was stored by the first try.
        """
        if self.kind == "ended" or (self.kind == "exists" and not self.holder):
            return QUEUED if due.is_now else DELAYED
        return self

    def __str__(self) -> str:
        """The text that the script has written."""
        detail = self.holder or self.field or (str(self.length) if self.kind == "full" else "")
        return f"{self.kind} {detail}".rstrip()


QUEUED, DELAYED = EnqueueAnswer("queued"), EnqueueAnswer("delayed")
