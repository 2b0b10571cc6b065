"""The names of OpenTelemetry's semantic conventions for messaging, and the attributes of a job.

https://opentelemetry.io/docs/specs/semconv/messaging/ has their meaning. buoy's own attributes
begin with ``buoy.job``.
"""

from collections.abc import Sequence
from importlib.metadata import version

from opentelemetry.util.types import AttributeValue

from buoy import Done, Failed, Later, Rejected, Released, RunInfo

SCOPE = "buoy_otel"
VERSION = version("buoy-otel")
SCHEMA = "https://opentelemetry.io/schemas/1.30.0"

Attributes = dict[str, AttributeValue]

SEND, PROCESS = "send", "process"
ERROR_TYPE = "error.type"


def operation(name: str, queue: str) -> Attributes:
    """Returns the attributes that the spans and the metrics of an operation on a queue have in
    common."""
    return {
        "messaging.system": "buoy",
        "messaging.operation.name": name,
        "messaging.destination.name": queue,
    }


def span_attributes(
    name: str, queue: str, id: str, job_class: str, tags: Sequence[str]
) -> Attributes:
    """Returns the attributes of the span of an operation on one job."""
    attributes = operation(name, queue) | {
        "messaging.operation.type": name,
        "messaging.message.id": id,
        "buoy.job.class": job_class,
    }
    return attributes | {"buoy.job.tags": tuple(tags)} if tags else attributes


def run_attributes(run: RunInfo) -> Attributes:
    """Returns the attributes of the span of a run, as far as they are known when it begins."""
    attributes = span_attributes(PROCESS, run.queue, run.id, run.name, run.tags)
    attributes |= {"buoy.job.attempt": run.attempt, "buoy.job.waited": run.waited}
    if run.worker:
        attributes["messaging.client.id"] = run.worker
    if run.lost:
        attributes["buoy.job.lost"] = run.lost
    return attributes


def outcome_name(run: RunInfo) -> str:
    """Returns the outcome of a run, as the glossary names it."""
    match run.outcome:
        case Done():
            return "done"
        case Later():
            return "delayed"
        case Failed():
            return "failed"
        case Rejected():
            return "rejected"
        case Released():
            return "released"
    return ""


def is_error(run: RunInfo) -> bool:
    """Whether the run went wrong. A run that its worker has ended, or that had nothing to do yet,
    did not."""
    match run.outcome:
        case Failed():
            return True
        case Later(count=counts):
            return counts and run.error is not None
    return False


def error_type(run: RunInfo) -> str:
    """Returns the class of the error of a run, with its module; "" if it did not go wrong."""
    if not is_error(run):
        return ""
    if run.error is None:
        return "_OTHER"
    kind = type(run.error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
