"""When a worker has done enough: after so many jobs, or with so much memory, it ends."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..process.system import memory_of

WEIGH_SECONDS = 1.0


@dataclass
class RecycleLimits:
    """How many jobs a worker does, and how many bytes it may hold, before it ends."""

    max_jobs: int | None = None
    max_memory: int | None = None
    clock: Callable[[], float] = time.monotonic
    weighed_at: float = float("-inf")

    def room(self, begun: int) -> int:
        """How many more jobs it may begin."""
        return sys.maxsize if self.max_jobs is None else max(0, self.max_jobs - begun)

    def reached(self, jobs: int) -> str | None:
        """Why it is time to end, if it is."""
        if self.max_jobs is not None and jobs >= self.max_jobs:
            return f"{jobs} jobs are done (--max-jobs {self.max_jobs})"
        if self.max_memory is None or self.clock() - self.weighed_at < WEIGH_SECONDS:
            return None
        self.weighed_at = self.clock()
        held = memory_of(os.getpid())
        if held <= self.max_memory:
            return None
        return f"it holds {held >> 20} MiB (--max-memory {self.max_memory >> 20})"
