"""The metrics of jobs."""

from functools import cache
from typing import NamedTuple

from opentelemetry.metrics import Counter, Histogram, get_meter

from buoy import RunInfo

from . import conventions as names

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The upper ends of the buckets that the conventions advise."""
RUN_SECONDS = (*SECONDS, 30, 60, 300, 900, 3600)
"""Jobs may run longer than the operations that the conventions have in mind."""


class Instruments(NamedTuple):
    """What measures jobs. They go to the app's meter provider, also to one that it sets later."""

    sent: Counter
    send_duration: Histogram
    consumed: Counter
    process_duration: Histogram


@cache
def instruments() -> Instruments:
    meter = get_meter(names.SCOPE, names.VERSION, schema_url=names.SCHEMA)
    return Instruments(
        meter.create_counter(
            "messaging.client.sent.messages",
            unit="{message}",
            description="Number of messages producer attempted to send to the broker.",
        ),
        meter.create_histogram(
            "messaging.client.operation.duration",
            unit="s",
            description="Duration of messaging operation initiated by a producer or consumer.",
            explicit_bucket_boundaries_advisory=SECONDS,
        ),
        meter.create_counter(
            "messaging.client.consumed.messages",
            unit="{message}",
            description="Number of messages that were delivered to the application.",
        ),
        meter.create_histogram(
            "messaging.process.duration",
            unit="s",
            description="Duration of processing operation.",
            explicit_bucket_boundaries_advisory=RUN_SECONDS,
        ),
    )


def count_sent(queue: str, seconds: float) -> None:
    """Count a job that was enqueued, which took so long."""
    attributes = names.operation(names.SEND, queue)
    instruments().sent.add(1, attributes)
    timed = attributes | {"messaging.operation.type": names.SEND}
    instruments().send_duration.record(seconds, timed)


def count_run(run: RunInfo) -> None:
    """Count a run of a job, and its time."""
    attributes = names.operation(names.PROCESS, run.queue) | {"buoy.job.class": run.name}
    if error_type := names.error_type(run):
        attributes[names.ERROR_TYPE] = error_type
    instruments().consumed.add(1, attributes)
    instruments().process_duration.record(run.seconds, attributes)
