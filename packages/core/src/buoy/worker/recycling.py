"""Recycle limits: the numbers of jobs and bytes after which a worker ends and is replaced."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..process.system import resident_memory

MEASURE_SECONDS = 1.0
"""Seconds between two measurements of the memory."""


@dataclass
class RecycleLimits:
    """How many jobs a worker runs, and how many bytes of memory it may use, before it ends. None
    means no limit."""

    max_jobs: int | None = None
    max_memory: int | None = None
    clock: Callable[[], float] = time.monotonic
    measured_at: float = field(default=float("-inf"), init=False)

    def remaining_jobs(self, begun: int) -> int:
        """How many further jobs a worker may begin after it has begun ``begun`` jobs."""
        return sys.maxsize if self.max_jobs is None else max(0, self.max_jobs - begun)

    def reason_to_end(self, jobs: int) -> str | None:
        """Returns why a worker that has run this number of jobs should end now; None if it should
        not. Measures the memory at most once a second."""
        if self.max_jobs is not None and jobs >= self.max_jobs:
            return f"{jobs} jobs are done (--max-jobs {self.max_jobs})"
        if self.max_memory is None or self.clock() - self.measured_at < MEASURE_SECONDS:
            return None
        self.measured_at = self.clock()
        used = resident_memory(os.getpid())
        if used <= self.max_memory:
            return None
        return f"it uses {used >> 20} MiB (--max-memory {self.max_memory >> 20})"
