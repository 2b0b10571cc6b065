"""Daemons that a test steps through, on the clock of the test."""

import pytest

from buoy import App
from buoy.testing import Clock
from buoy_scheduler.daemon.daemon import Daemon
from buoy_scheduler.entry_format import entry_of
from buoy_scheduler.schedule import Schedule


class Days:
    """Moves the clock and steps daemons. It is a minute past a full hour at the start.

    So an hourly entry that a test does not speak of never fires in its first minutes.
    """

    def __init__(self, app: App, clock: Clock) -> None:
        self.app, self.clock = app, clock
        self.pass_until(3600)
        self.pass_until(60)

    def now(self) -> float:
        second, micro = self.app.command("TIME")
        return int(second) + int(micro) / 1e6 + self.app.broker.clock_offset_ms / 1000

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
            daemon.step()

    def pass_with(self, *daemons: Daemon, seconds: int, each: float = 1.0) -> None:
        """Moves the clock on, and steps all daemons each second."""
        for _ in range(round(seconds / each)):
            self.clock.advance(each)
            self.step(*daemons)


@pytest.fixture
def days(buoy_app: App, buoy_clock: Clock) -> Days:
    return Days(buoy_app, buoy_clock)
