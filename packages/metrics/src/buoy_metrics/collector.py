"""The metrics of an app, for any page of Prometheus' library."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from buoy import App, Job
from buoy.plugins import expect

from .definitions import SERIES
from .reader import Reader
from .reading import Reading

TIMEOUT = 5.0
"""Seconds. Prometheus itself waits for 10 seconds, unless it is told otherwise."""


class BuoyCollector(Collector):
    """Adds the metrics of an app to a page: ``REGISTRY.register(BuoyCollector())``.

    ``app``: by default that of all job classes which have none of their own. ``timeout``: when
    Redis is silent for so many seconds, the page goes without its numbers, and says so by
    ``buoy_redis_up``. Raises ConfigurationError for a timeout that is not valid.
    """

    def __init__(self, app: App | None = None, *, timeout: float = TIMEOUT) -> None:
        fits = type(timeout) in (int, float) and 0 < timeout < 3600
        expect(fits, "BuoyCollector(timeout)", "more than 0 seconds, below 3600", timeout)
        expect(app is None or isinstance(app, App), "BuoyCollector(app)", "an App", app)
        self._reader = Reader(lambda: app or Job.app, timeout)

    def describe(self) -> Iterator[Metric]:
        """Returns the metrics without numbers; asks nobody."""
        return (series.family(Reading()) for series in SERIES)

    def collect(self) -> Iterator[Metric]:
        """Reads Redis, and returns the metrics with their numbers."""
        reading = self._reader.read()
        return (series.family(reading) for series in SERIES)
