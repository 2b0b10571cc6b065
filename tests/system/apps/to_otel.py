"""Jobs of an app whose traces and metrics go to a collector: OTLP_ENDPOINT says where. OTEL_OPTIONS
are options of the plugin, as JSON."""

import asyncio
import json
import logging
import os
import signal
import time

from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from buoy import App, Job
from buoy_otel import OpenTelemetry
from buoy_retry import Constant, Retry

from .patience import FLUSH_SECONDS
from .record import note, wait_for


def set_up(endpoint: str) -> None:
    """As an app does it in production: spans leave in batches, metrics each minute."""
    resource = Resource.create({"service.name": "shop"})
    tracers = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
    tracers.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(tracers)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics"))
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))


def set_up_logs(endpoint: str) -> None:
    provider = LoggerProvider()
    exporter = OTLPLogExporter(endpoint=f"{endpoint}/v1/logs")
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    set_logger_provider(provider)
    logging.getLogger("shop").addHandler(LoggingHandler(logger_provider=provider))


if "OTLP_ENDPOINT" in os.environ:  # in a worker, not in the process of the tests
    set_up(os.environ["OTLP_ENDPOINT"])
    set_up_logs(os.environ["OTLP_ENDPOINT"])
    given = {"flush_seconds": FLUSH_SECONDS} | json.loads(os.environ.get("OTEL_OPTIONS", "{}"))
    Job.app = App(plugins=[OpenTelemetry(**given)])
    if "OTEL_EARLY" in os.environ:
        with trace.get_tracer("app").start_as_current_span("the app is loaded"):
            pass
        trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]

tracer = trace.get_tracer("app")


class Pay(Job):
    tags = ["shop"]

    def perform(self, word: str) -> None:
        with tracer.start_as_current_span(f"pay {word}"):
            logging.getLogger("shop").warning("paying %s", word)
            note("ran", word)


class PaySoon(Job):
    async def perform(self, word: str) -> None:
        with tracer.start_as_current_span(f"pay {word}"):
            await asyncio.sleep(0.01)
            logging.getLogger("shop").warning("paying %s", word)
            note("ran", word)


class Charge(Job):
    def perform(self, word: str) -> None:
        raise ValueError(f"declined: {word}")


class PayOften(Job):
    plugins = [Retry(1, Constant(0))]

    def perform(self, word: str) -> None:
        if self.attempt == 1:
            raise ValueError(f"declined: {word}")


class Die(Job):
    def perform(self, word: str) -> None:
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)


class Wait(Job):
    def perform(self, word: str, gate: str) -> None:
        note("began", word)
        wait_for(gate)


class Chain(Job):
    """Enqueues another job."""

    def perform(self, word: str) -> None:
        Pay.enqueue(word)
