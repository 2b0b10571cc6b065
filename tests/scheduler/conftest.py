"""Daemons that a test steps through, on the clock of the test."""

import time
from datetime import timedelta

import pytest

from buoy import App
from buoy.testing import Clock
from buoy_scheduler.daemon import daemon as daemon_module
from buoy_scheduler.daemon.daemon import Daemon
from buoy_scheduler.entry_format import entry_of
from buoy_scheduler.schedule import Schedule


class StandingClock(Clock):
    """Stands still between two moves, however long the test takes: a tick is due where the test
    says so, and not a second later on a slow machine."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.now = self.shown()

    def shown(self) -> float:
        """What Redis takes for the time, in epoch seconds."""
        second, micro = self.app.command("TIME")
        return int(second) + int(micro) / 1e6 + self.app.broker.clock_offset_ms / 1000

    def advance(self, seconds: float | timedelta) -> None:
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        self.now += seconds
        self.stand()

    def stand(self) -> None:
        """Takes back the time that has passed since the last move."""
        super().advance(self.now - self.shown())


class StandingTime:
    """Stands for the module ``time`` in a daemon during one step."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        return self.now


class Days:
    """Moves the clock and steps daemons. It is a minute past a full hour at the start.

    So an hourly entry that a test does not speak of never fires in its first minutes.
    """

    def __init__(self, app: App) -> None:
        self.app, self.clock = app, StandingClock(app)
        self.pass_until(3600)
        self.pass_until(60)

    def now(self) -> float:
        return self.clock.now

    def pass_until(self, multiple: int) -> None:
        """Moves the clock to 0.1 seconds after the next multiple of these seconds."""
        self.clock.advance(multiple - self.now() % multiple + 0.1)

    def daemon(self, **entries: dict[str, object]) -> Daemon:
        """Returns a daemon with these entries that has polled once."""

        def read_schedule() -> Schedule:
            schedule = Schedule()
            schedule.add("file", [entry_of(name, fields) for name, fields in entries.items()])
            return schedule

        daemon = Daemon(self.app, read_schedule)
        self.step(daemon)
        return daemon

    def step(self, *daemons: Daemon) -> None:
        for daemon in daemons:
            daemon.polled_at = float("-inf")
            self.clock.stand()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(daemon_module, "time", StandingTime())
                daemon.step()

    def pass_with(self, *daemons: Daemon, seconds: int, each: float = 1.0) -> None:
        """Moves the clock on, and steps all daemons each second."""
        for _ in range(round(seconds / each)):
            self.clock.advance(each)
            self.step(*daemons)


@pytest.fixture
def days(buoy_app: App) -> Days:
    return Days(buoy_app)
