"""Pauses between tries: short after the first failure, longer after each further one."""

import random
import time

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds."""


class Backoff:
    """Counts failures in a row, and tells how long to wait after the last one.

    ``longest``: seconds. Pauses are random by half, so that many processes do not try at once.
    """

    def __init__(self, longest: float = LONGEST_PAUSE) -> None:
        self.longest = longest
        self.failures = 0
        self.until = 0.0

    def fail(self) -> None:
        """Note a failure."""
        pause = min(self.longest, FIRST_PAUSE * 2.0 ** min(self.failures, 10))
        self.until = time.monotonic() + pause * random.uniform(0.5, 1.0)
        self.failures += 1

    def clear(self) -> None:
        """Note a success: the next pause is short again."""
        self.failures, self.until = 0, 0.0

    def seconds_left(self) -> float:
        """Seconds until the next try; 0 when it may be made now."""
        return max(0.0, self.until - time.monotonic())
