"""Pauses between tries of what has failed: short at first, longer at last."""

import random
import time

FIRST, LONGEST = 0.05, 1.0


class Backoff:
    """Counts failures in a row, and says how long to leave it be after the last of them."""

    def __init__(self, longest: float = LONGEST) -> None:
        self.longest = longest
        self.failures = 0
        self.until = 0.0

    def fail(self) -> None:
        """It has failed, once more."""
        pause = min(self.longest, FIRST * 2.0 ** min(self.failures, 10))
        self.until = time.monotonic() + pause * random.uniform(0.5, 1.0)
        self.failures += 1

    def clear(self) -> None:
        """It has worked."""
        self.failures, self.until = 0, 0.0

    def seconds(self) -> float:
        """How long to wait still; 0 when it may be tried."""
        return max(0.0, self.until - time.monotonic())
