"""A forked child, as its nursery sees it, and what its death means."""

import math
import time
from dataclasses import dataclass, field

from ..errors import DirtyExit, JobTimeout, MemoryExceeded
from ..facts import Facts
from ..failure import peak_bytes
from ..process import cause_of, memory_of
from ..reservation import Reservation
from .frames import Frames

FAR = math.inf
"""A deadline that never comes."""


@dataclass(slots=True)
class Child:
    """A process that runs a job, or decides about a job whose process has died."""

    pid: int
    pipe: int
    held: Reservation
    job: Facts
    number: int
    started: float
    death: DirtyExit | None = None
    why: str = ""
    answered: bool = False
    deadline: float = FAR
    weighed: bool = False
    frames: Frames = field(default_factory=Frames)

    def __post_init__(self) -> None:
        if self.job.timeout is not None:
            self.deadline = self.started + self.job.timeout
        self.weighed = self.job.max_memory is not None

    def is_too_large(self) -> bool:
        """Whether it holds more memory than its class allows, and nothing was done about it."""
        if self.answered or self.why:
            return False
        return memory_of(self.pid) > (self.job.max_memory or FAR)


def death_of(child: Child, status: int, peak: int) -> DirtyExit:
    """Why it died, as an error; ``peak`` as wait4 tells it."""
    seconds, memory, cause = time.monotonic() - child.started, peak_bytes(peak), cause_of(status)
    death: DirtyExit
    if child.why == "timeout":
        death = JobTimeout(
            f"the job ran longer than its timeout of {child.job.timeout:g} s, "
            "and was killed since TERM did not end it"
        )
    elif child.why == "memory":
        death = MemoryExceeded(
            f"the process of the job held more than its max_memory of {mib(child.job.max_memory)}, "
            f"and was killed; {mib(memory)} at its peak"
        )
    else:
        told = ", because its worker was told to kill it (USR1)" if child.why == "killed" else ""
        death = DirtyExit(
            f"the process of the job ended by {cause} after {seconds:.1f} s, "
            f"with {mib(memory)} of memory at its peak{told}"
        )
        death.cause = cause
    death.seconds, death.peak_memory = seconds, memory
    return death


def mib(size: int | None) -> str:
    return f"{(size or 0) >> 20} MiB"
