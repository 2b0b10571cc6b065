"""What the hooks that observe a run are told of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from .outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """One run of a job, as its hooks are told of it. All times are in seconds."""

    id: str
    """The id of the job; "" if what is stored is no payload."""
    name: str
    """The wire name of its class; "" if what is stored is no payload."""
    queue: str
    attempt: int
    """The number of this attempt, from 1."""
    worker: str
    """The id of the worker; "inline" if the process that enqueues the job runs it."""
    tags: Sequence[str] = ()
    waited: float = 0.0
    """The time between the moment when the job was due and its reservation."""
    lost: int = 0
    """How many runs of this job before this one were lost with their workers, in a row. Nobody was
    told how these ended."""
    seconds: float = 0.0
    """How long the job ran; 0.0 before its end, and for a job that was not begun."""
    outcome: Outcome | None = None
    """What became of the run; None before its end."""
    error: BaseException | None = None
    """The error with which the run ended; None if there is none."""
