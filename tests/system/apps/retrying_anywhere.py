"""Jobs that are run again, and have no limits, which not every executor can keep."""

from buoy import Job
from buoy_retry import Retry, Snooze

from .record import note


class Fetch(Job):
    """Fails as often as it is told; puts itself off once before."""

    plugins = [Retry(limit=2, delay=0.2, on=ConnectionError)]

    def perform(self, failures: int) -> None:
        note("began", str(self.attempt))
        if not self.plugin_data:
            raise Snooze(0.1)
        if self.attempt <= failures:
            raise ConnectionError("refused")
        note("ran", str(self.attempt))


class FetchSoon(Fetch):
    """The same, as a coroutine."""

    async def perform(self, failures: int) -> None:  # type: ignore[override]
        Fetch.perform(self, failures)
