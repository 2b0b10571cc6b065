"""What became of a job, or of its enqueueing, as values: hooks decide by returning one."""

import math
from dataclasses import dataclass

from .checks import expect, number
from .failure import Failure


@dataclass(frozen=True, slots=True)
class Done:
    """The job has run to its end."""


@dataclass(frozen=True, slots=True)
class Later:
    """Run the job again after so many seconds; with ``count=False`` it is the same attempt."""

    seconds: float
    count: bool = True

    def __post_init__(self) -> None:
        seconds = number(self.seconds)
        expect(0 <= seconds < math.inf, "Later.seconds", "0 or more", self.seconds)
        expect(seconds < 10**10, "Later.seconds", "less than 10 ** 10", self.seconds)
        expect(isinstance(self.count, bool), "Later.count", "True or False", self.count)
        object.__setattr__(self, "seconds", seconds)


@dataclass(frozen=True, slots=True)
class Failed:
    """The job has failed for good; it lies in the failed set until someone looks at it."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Rejected:
    """The job is not to run: at enqueueing it stays off its queue, later it leaves it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """The job is not to be pushed now; the plugin that says so calls ``app.submit(job)`` later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """The job is put back, as if it had not begun."""

    reason: str


Outcome = Done | Later | Failed | Rejected | Released
