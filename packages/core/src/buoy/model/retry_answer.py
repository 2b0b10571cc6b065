"""Failed jobs that an operator retries, and the answers for them (lua/retry.lua)."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Waiting = Literal["queued", "blocked", "delayed"]
"""Where a job is that will run: in its queue, blocked by a limit, or delayed by a rate."""


class Retry(NamedTuple):
    """A failed job: when it failed (ms, as Redis has it), payload of a first attempt, claims.

    ``seen``: SHA-1 of the payload that was seen, or empty to retry the job whatever it is by now.
    """

    id: str
    failed_at: str | int
    payload: str
    claims: Sequence[Sequence[str]]
    seen: str = ""


class RetryAnswer(NamedTuple):
    """What became of a failed job that an operator retries.

    "queued": it is in its queue. "blocked": a limit is full. "delayed": a rate gives it a later
    time. "gone": somebody else has retried, removed or edited it. The others stay failed.
    "exists": the job ``holder`` holds its claim, or is the job of its id in the other queue.
    "ended": a job of its id has ended in the other queue moments ago. "unreadable": no worker has
    seen its payload. No script returns the last two.
    """

    kind: Literal["queued", "blocked", "delayed", "gone", "exists", "ended", "unreadable"]
    holder: str = ""

    @property
    def retried(self) -> bool:
        """Whether the job will run."""
        return self.kind in ("queued", "blocked", "delayed")

    @classmethod
    def parse(cls, text: str) -> "RetryAnswer":
        """Returns an answer of lua/retry.lua as a value."""
        kind, _, holder = text.partition(" ")
        return cls(kind, holder)  # type: ignore[arg-type]  # the script returns nothing else
