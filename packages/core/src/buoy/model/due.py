"""When a job is to run."""

import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Due:
    """When a job is to run: ``in_ms`` milliseconds after it was enqueued, by the clock of Redis, or
    at ``at_ms``, milliseconds since the epoch. With neither it is due at once, see ``NOW``."""

    in_ms: int | None = None
    at_ms: int | None = None

    @property
    def is_now(self) -> bool:
        """Whether the job is due at once."""
        return not self.in_ms and self.at_ms is None

    @property
    def argument(self) -> str:
        """The argument that lua/enqueue.lua reads: "" for now, "+MS" from now, "MS" for a time."""
        if self.at_ms is not None:
            return str(self.at_ms)
        return "" if self.in_ms is None else f"+{self.in_ms}"

    @classmethod
    def parse(cls, argument: str) -> Self:
        """The due time that is written as ``argument``."""
        if argument.startswith("+"):
            return cls(in_ms=int(argument))
        return cls(at_ms=int(argument)) if argument else cls()

    def wait_ms(self, enqueued_at: float | None = None) -> int:
        """The milliseconds from ``enqueued_at`` (epoch seconds; None for the time of the call)
        until the job is due; 0 if it is due already."""
        if self.at_ms is None:
            return self.in_ms or 0
        start = time.time() if enqueued_at is None else enqueued_at
        return max(0, self.at_ms - round(start * 1000))


NOW = Due()
"""At once."""
