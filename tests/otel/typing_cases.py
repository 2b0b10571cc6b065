"""Read by type checkers, never run; see test_typing.py and that of the core."""

from typing import assert_type

from buoy import App, Job
from buoy_otel import OpenTelemetry

app = App(plugins=[OpenTelemetry(links=True, metrics=False)])


class Charge(Job):
    plugins = [OpenTelemetry(flush_seconds=1)]

    def perform(self, amount: int) -> None: ...


assert_type(OpenTelemetry().links, bool)
OpenTelemetry(links=1)  # type: ignore[arg-type]
OpenTelemetry(flush_seconds="2")  # type: ignore[arg-type]
OpenTelemetry(endpoint="https://")  # type: ignore[call-arg]
OpenTelemetry().links = True  # type: ignore[misc]
