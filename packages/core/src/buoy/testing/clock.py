"""The clock of an app, which tests move."""

from datetime import timedelta

from ..app import App


class Clock:
    """The clock by which jobs of one app become due, and leases run out."""

    def __init__(self, app: App) -> None:
        self.app = app

    def advance(self, seconds: float | timedelta) -> None:
        """Let time pass."""
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        self.app.broker.clock_offset_ms += round(seconds * 1000)
