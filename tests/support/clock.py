"""A clock that only the test moves."""


class ManualClock:
    """Returns ``now`` (seconds), which the test changes."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
