"""A child as its nursery sees it, and the error with which its job fails when it dies."""

import math
import os
import signal
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from ...errors import DirtyExit, JobTimeout, MemoryExceeded
from ...jobs.facts import Facts
from ...model.checks import expect
from ...model.failure import maxrss_to_bytes
from ...model.reservation import Reservation
from ...process.system import exit_cause, resident_memory, signal_group
from ...text.units import mebibytes
from .frames import Frames

MARK = os.urandom(16)
"""Stands before each answer, so that nothing that a job writes into the pipe looks like one."""

NEVER = math.inf
"""A deadline that never comes."""


class Limits(NamedTuple):
    """What a job may use: ``timeout`` in seconds, ``max_memory`` in bytes; None for no limit."""

    timeout: float | None = None
    max_memory: int | None = None

    @classmethod
    def of(cls, job: Facts) -> Self:
        """The limits of a job's class as they are now. Raises ConfigurationError when one is no
        positive number: code may have changed it since the class was made and checked."""
        for name in cls._fields:
            value = getattr(job, name)
            right = value is None or (type(value) in (int, float) and value > 0)
            expect(right, f"{job.payload.name}.{name}", "a number, more than 0", value)
        return cls(job.timeout, job.max_memory)


NO_LIMITS = Limits()


@dataclass(slots=True)
class Child:
    """A process that runs a job; or that settles a job which cannot run or whose process died."""

    pid: int
    pipe: int
    """The file to read its answer from; -1 once it is closed."""
    reservation: Reservation
    job: Facts | None
    """None when the job could not be loaded."""
    row: int
    """Its row in the process table."""
    started: float
    """When it was forked, by time.monotonic()."""
    limits: Limits
    error: BaseException | None = None
    """Why the job does not run: the child only settles it for this error."""
    ended_for: str = ""
    """Why the nursery ends it: timeout, memory, killed, lost or terminated."""
    answered: bool = False
    deadline: float = NEVER
    """When the nursery ends it, by time.monotonic()."""
    has_memory_limit: bool = False
    frames: Frames = field(default_factory=lambda: Frames(MARK))

    def __post_init__(self) -> None:
        if self.limits.timeout is not None:
            self.deadline = self.started + self.limits.timeout
        self.has_memory_limit = self.limits.max_memory is not None

    def counted(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer for a run of this child, with what is counted of it: the class of the job, and
        the seconds that it has waited, and run until now."""
        if self.job is None:
            return answer
        payload = self.job.payload
        waited = self.reservation.waited(payload.enqueued_at)
        seconds = time.monotonic() - self.started
        return {**answer, "name": payload.name, "waited": waited, "seconds": seconds}

    def is_too_large(self) -> bool:
        """Whether it uses more memory than its class allows, and is not being ended yet."""
        if self.answered or self.ended_for:
            return False
        return resident_memory(self.pid) > (self.limits.max_memory or NEVER)

    def terminate(self, why: str, seconds: float) -> None:
        """Send TERM to its process group. When the time is over, the nursery kills it."""
        self.ended_for, self.deadline = why, time.monotonic() + seconds
        signal_group(self.pid, signal.SIGTERM)

    def kill(self, why: str) -> None:
        """Kill its process group."""
        self.ended_for = why
        signal_group(self.pid, signal.SIGKILL)

    def kill_late(self) -> None:
        """Kill its process group at its deadline: it has answered, or TERM did not end it."""
        self.deadline = NEVER
        signal_group(self.pid, signal.SIGKILL)


def death_of(child: Child, status: int | None, maxrss: int) -> DirtyExit:
    """Returns the error with which a job fails when its child dies.

    ``status`` and ``maxrss`` are what wait4 returns; the status is None when another part of the
    app has waited for the child.
    """
    seconds, memory = time.monotonic() - child.started, maxrss_to_bytes(maxrss)
    cause = describe_status(status)
    death: DirtyExit
    if child.ended_for == "timeout":
        death = JobTimeout(
            f"the job ran longer than its timeout of {child.limits.timeout:g} s, "
            "and was killed since TERM did not end it"
        )
    elif child.ended_for == "memory":
        death = MemoryExceeded(
            "the process of the job held more than its max_memory of "
            f"{mebibytes(child.limits.max_memory or 0)}, and was killed; "
            f"{mebibytes(memory)} at its peak"
        )
    else:
        was_killed = child.ended_for == "killed"
        reason = ", because its worker was told to kill it (USR1)" if was_killed else ""
        death = DirtyExit(
            f"the process of the job ended by {cause} after {seconds:.1f} s, "
            f"with {mebibytes(memory)} of memory at its peak{reason}"
        )
        death.cause = cause
    death.seconds, death.peak_memory = seconds, memory
    return death


def describe_status(status: int | None) -> str:
    """How a process has ended, by its wait status."""
    if status is None:
        return "an unknown cause (the app reaps all children: gevent, or a handler of SIGCHLD)"
    return exit_cause(status)
