"""A clock that only the test moves."""

import pytest

from buoy.connection.backoff import Backoff


class ManualClock:
    """Returns ``now`` (seconds), which the test changes."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def pauses_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses after the failures of queues last until the test clears them: they are so short that
    a busy machine may have one end between two lines of a test."""

    class Standing(Backoff):
        left = 0.0

        def fail(self) -> None:
            super().fail()
            self.left = self.longest

        def clear(self) -> None:
            super().clear()
            self.left = 0.0

        def seconds_left(self) -> float:
            return self.left

    monkeypatch.setattr("buoy.worker.outages.Backoff", Standing)
