"""A local collector of OpenTelemetry: takes what the OTLP exporters send over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from .ingest import Ingest


@dataclass(frozen=True)
class SpanSeen:
    """A span as it was exported."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: list[tuple[str, str]]
    """Trace and span."""
    attributes: dict[str, Any]
    status: tuple[str, str]
    events: list[tuple[str, dict[str, Any]]]
    seconds: float


@dataclass(frozen=True)
class PointSeen:
    """A value of a metric as it was exported."""

    name: str
    unit: str
    value: float
    """The sum; the count of a histogram."""
    attributes: dict[str, Any]
    sum: float = 0.0
    bounds: list[float] = field(default_factory=list)


class FakeCollector(Ingest):
    """Keeps all spans, all points of metrics, and all log records: their traces and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[SpanSeen] = []
        self.points: list[PointSeen] = []
        self.records: list[tuple[str, str]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def named(self, name: str) -> list[SpanSeen]:
        return [span for span in list(self.spans) if span.name == name]

    def total(self, metric: str, **attributes: object) -> float:
        """The sum of the values of all points of a metric with these attributes (``__`` for a
        dot)."""
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}
        found = [point for point in list(self.points) if point.name == metric]
        return sum(point.value for point in found if wanted.items() <= point.attributes.items())

    def take(self, path: str, body: bytes) -> None:
        match path:
            case "/v1/traces":
                self.spans += spans_in(ExportTraceServiceRequest.FromString(body))
            case "/v1/metrics":
                self.points += points_in(ExportMetricsServiceRequest.FromString(body))
            case "/v1/logs":
                self.records += records_in(ExportLogsServiceRequest.FromString(body))
            case _:
                raise AssertionError(path)


KINDS = ["", "internal", "server", "client", "producer", "consumer"]
STATUSES = ["unset", "ok", "error"]


def spans_in(request: ExportTraceServiceRequest) -> Iterator[SpanSeen]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield SpanSeen(
                    name=span.name,
                    kind=KINDS[span.kind],
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
                    attributes=dict_of(span.attributes),
                    status=(STATUSES[span.status.code], span.status.message),
                    events=[(event.name, dict_of(event.attributes)) for event in span.events],
                    seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                )


def points_in(request: ExportMetricsServiceRequest) -> Iterator[PointSeen]:
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.sum.data_points:
                    value = point.as_int or point.as_double
                    yield PointSeen(metric.name, metric.unit, value, dict_of(point.attributes))
                for bar in metric.histogram.data_points:
                    yield PointSeen(
                        *(metric.name, metric.unit, bar.count, dict_of(bar.attributes)),
                        sum=bar.sum,
                        bounds=list(bar.explicit_bounds),
                    )


def records_in(request: ExportLogsServiceRequest) -> Iterator[tuple[str, str]]:
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield record.trace_id.hex(), record.body.string_value


def dict_of(attributes: Any) -> dict[str, Any]:
    return {each.key: value_of(each.value) for each in attributes if isinstance(each, KeyValue)}


def value_of(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(each) for each in value.array_value.values]
    return None if kind is None else getattr(value, kind)
