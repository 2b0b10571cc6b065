"""What is counted and timed."""

from typing import Any

from buoy import App, Job
from buoy.testing import drain
from buoy_otel import OpenTelemetry

from .conftest import Telemetry


class Pay(Job):
    plugins = [OpenTelemetry()]

    def perform(self, fail: bool = False) -> None:
        if fail:
            raise ValueError


class Unmeasured(Pay):
    plugins = [OpenTelemetry(metrics=False)]


def of_queue(telemetry: Telemetry, metric: str, queue: str) -> list[Any]:
    points = telemetry.points(metric)
    return [each for each in points if each.attributes["messaging.destination.name"] == queue]


def test_enqueueings_and_runs_are_counted_and_timed(telemetry: Telemetry, buoy_app: App) -> None:
    shop = Pay.using(queue="counted")
    for fail in (False, False, True):
        shop.enqueue(fail)
    drain(buoy_app)

    [sent] = of_queue(telemetry, "messaging.client.sent.messages", "counted")
    [timed] = of_queue(telemetry, "messaging.client.operation.duration", "counted")
    assert (sent.value, timed.count) == (3, 3)
    assert 0 < timed.sum < 60
    runs = of_queue(telemetry, "messaging.process.duration", "counted")
    counts = {run.attributes.get("error.type"): run.count for run in runs}
    assert counts == {None: 2, "ValueError": 1}
    assert runs[0].attributes["buoy.job.class"] == Pay.name
    assert 3600 in runs[0].explicit_bounds
    consumed = of_queue(telemetry, "messaging.client.consumed.messages", "counted")
    assert sum(point.value for point in consumed) == 3


def test_metrics_can_be_left_out(telemetry: Telemetry, buoy_app: App) -> None:
    Unmeasured.using(queue="unmeasured").enqueue()
    drain(buoy_app)

    assert len(telemetry.named("process unmeasured")) == 1
    assert of_queue(telemetry, "messaging.client.sent.messages", "unmeasured") == []
    assert of_queue(telemetry, "messaging.process.duration", "unmeasured") == []
