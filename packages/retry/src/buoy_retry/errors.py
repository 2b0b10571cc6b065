"""What a job raises to say itself when it is to run again."""

from buoy import BuoyError

from .delay import Seconds, bounded


class RetryAfter(BuoyError):
    """Raised by a job: this run has failed; run it again after so many seconds, if there is a
    retry left."""

    def __init__(self, seconds: Seconds, reason: str = "") -> None:
        self.seconds = bounded(seconds, "RetryAfter")
        super().__init__(reason or f"to be run again in {self.seconds:g} s")


class Again(BuoyError):
    """Raised by a job: there is nothing to do yet; run it again after so many seconds. That is
    no failure, and takes no retry."""

    def __init__(self, seconds: Seconds, reason: str = "") -> None:
        self.seconds = bounded(seconds, "Again")
        super().__init__(reason or f"to be run again in {self.seconds:g} s")
