"""Outcomes of a run or of an enqueueing. A hook returns one to decide."""

import math
from dataclasses import dataclass

from .checks import as_float, expect
from .failure import Failure


@dataclass(frozen=True, slots=True)
class Done:
    """The job has succeeded."""


@dataclass(frozen=True, slots=True)
class Later:
    """Run the job again after ``seconds``. ``count=False`` keeps the number of the attempt.

    Raises ConfigurationError unless 0 <= seconds < 10 ** 10.
    """

    seconds: float
    count: bool = True

    def __post_init__(self) -> None:
        seconds = as_float(self.seconds)
        expect(0 <= seconds < math.inf, "Later.seconds", "0 or more", self.seconds)
        expect(seconds < 10**10, "Later.seconds", "less than 10 ** 10", self.seconds)
        expect(isinstance(self.count, bool), "Later.count", "True or False", self.count)
        object.__setattr__(self, "seconds", seconds)


@dataclass(frozen=True, slots=True)
class Failed:
    """The job has failed for good: it is in the failed set until somebody retries or removes it."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Rejected:
    """The job is not to run: it is not enqueued, or it is removed from its queue."""

    reason: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """The job is not enqueued now: the plugin that returns this calls ``app.submit(job)`` later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """The job goes back to its queue, as if it had not begun."""

    reason: str


Outcome = Done | Later | Failed | Rejected | Released
