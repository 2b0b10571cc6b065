"""The answers for failed jobs that an operator retries (lua/retry.lua)."""

from typing import Literal, NamedTuple


class RetryAnswer(NamedTuple):
    """What became of a failed job that an operator retries.

    "queued": it is in its queue. "gone": somebody else has retried or removed it. "exists": it
    stays failed, because the job ``holder`` holds its claim. "unreadable": it stays failed, because
    no worker has seen its payload; no script returns this.
    """

    kind: Literal["queued", "gone", "exists", "unreadable"]
    holder: str = ""

    @classmethod
    def parse(cls, text: str) -> "RetryAnswer":
        """Return an answer of lua/retry.lua as a value."""
        kind, _, holder = text.partition(" ")
        return cls(kind, holder)  # type: ignore[arg-type]  # the script returns nothing else
