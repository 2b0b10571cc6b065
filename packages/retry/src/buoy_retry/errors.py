"""Errors that a job raises to choose the time of its next run."""

from buoy import BuoyError

from .delay import Seconds, bounded_seconds


class RetryAfter(BuoyError):
    """Raised by a job: this run has failed; run the job again after this many seconds, if it has
    a retry left. Seconds below 0 count as 0, more than a year as a year."""

    def __init__(self, seconds: Seconds, reason: str = "") -> None:
        self.seconds = bounded_seconds(seconds, "RetryAfter")
        super().__init__(reason or f"run again in {self.seconds:g} s")


class Snooze(BuoyError):
    """Raised by a job: there is nothing to do yet; run the job again after this many seconds. A
    snooze is no failure and uses no retry. Seconds below 0 count as 0, more than a year as a
    year."""

    def __init__(self, seconds: Seconds, reason: str = "") -> None:
        self.seconds = bounded_seconds(seconds, "Snooze")
        super().__init__(reason or f"run again in {self.seconds:g} s")
