"""A forked child, as its nursery sees it, and what its death means."""

import math
import os
import time
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from ...errors import DirtyExit, JobTimeout, MemoryExceeded
from ...jobs.facts import Facts
from ...model.checks import expect
from ...model.failure import peak_bytes
from ...model.reservation import Reservation
from ...process.system import cause_of, memory_of
from .frames import Frames

MARK = os.urandom(16)
"""What a job may write into the pipe of its answer does not look like one."""

FAR = math.inf
"""A deadline that never comes."""


class Limits(NamedTuple):
    """What a job may use: seconds, and bytes."""

    timeout: float | None = None
    max_memory: int | None = None

    @classmethod
    def of(cls, job: Facts) -> Self:
        """As its class says now, which was checked when it was made."""
        for name in cls._fields:
            value = getattr(job, name)
            right = value is None or (type(value) in (int, float) and value > 0)
            expect(right, f"{job.payload.name}.{name}", "a number, more than 0", value)
        return cls(job.timeout, job.max_memory)


NO_LIMITS = Limits()


@dataclass(slots=True)
class Child:
    """A process that runs a job, or settles one that cannot run or whose process has died.

    ``job`` is None when it could not be loaded; ``error`` says why it does not run.
    """

    pid: int
    pipe: int
    held: Reservation
    job: Facts | None
    number: int
    started: float
    limits: Limits
    error: BaseException | None = None
    why: str = ""
    answered: bool = False
    deadline: float = FAR
    weighed: bool = False
    frames: Frames = field(default_factory=lambda: Frames(MARK))

    def __post_init__(self) -> None:
        if self.limits.timeout is not None:
            self.deadline = self.started + self.limits.timeout
        self.weighed = self.limits.max_memory is not None

    def is_too_large(self) -> bool:
        """Whether it holds more memory than its class allows, and nothing was done about it."""
        if self.answered or self.why:
            return False
        return memory_of(self.pid) > (self.limits.max_memory or FAR)


def death_of(child: Child, status: int | None, peak: int) -> DirtyExit:
    """Why it died, as an error; ``peak`` as wait4 tells it. Without a status: nobody knows."""
    seconds, memory, cause = time.monotonic() - child.started, peak_bytes(peak), known_cause(status)
    death: DirtyExit
    if child.why == "timeout":
        death = JobTimeout(
            f"the job ran longer than its timeout of {child.limits.timeout:g} s, "
            "and was killed since TERM did not end it"
        )
    elif child.why == "memory":
        death = MemoryExceeded(
            "the process of the job held more than its max_memory of "
            f"{mib(child.limits.max_memory)}, and was killed; {mib(memory)} at its peak"
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


def known_cause(status: int | None) -> str:
    if status is None:
        return "an unknown cause (the app buries all children: gevent, or a handler of SIGCHLD)"
    return cause_of(status)


def mib(size: int | None) -> str:
    return f"{(size or 0) >> 20} MiB"
