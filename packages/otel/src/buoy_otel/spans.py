"""Spans: one for each enqueueing, one for each run. Jobs carry their context.

``job.plugin_data["otel"]`` holds what the propagators of the app have put there, such as
``traceparent``.
"""

import time
from contextvars import ContextVar, Token
from typing import Any, cast

from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode

from buoy import Handle, Job, RunInfo
from buoy.plugins import describe_error

from . import conventions as names

FIELD = "otel"
SENDING = "_buoy_otel_sending"
"""The attribute of a job, while it is being enqueued, that holds the span of that."""


def tracer() -> trace.Tracer:
    return trace.get_tracer(names.SCOPE, names.VERSION, schema_url=names.SCHEMA)


# Enqueueing


def start_sending(job: Job) -> None:
    """Start the span of an enqueueing, and let the job carry its context."""
    span = tracer().start_span(
        f"{names.SEND} {job.queue}",
        kind=SpanKind.PRODUCER,
        attributes=names.span_attributes(names.SEND, job.queue, job.id, job.name, job.tags),
    )
    carrier: dict[str, str] = {}
    propagate.inject(carrier, trace.set_span_in_context(span))
    if carrier:
        job.plugin_data[FIELD] = cast(dict[str, Any], carrier)
    vars(job)[SENDING] = span, time.monotonic()


def end_sending(job: Job, handle: Handle[Any]) -> float | None:
    """End the span of an enqueueing. Returns the seconds that it took; None if it was not
    started."""
    found: tuple[Span, float] | None = vars(job).pop(SENDING, None)
    if found is None:
        return None
    span, started = found
    span.set_attribute("buoy.job.state", handle.state)
    span.end()
    return time.monotonic() - started


# Running


class RunSpan:
    """The span of one run."""

    def __init__(
        self, job: Job | None, run: RunInfo, *, links: bool, start: int | None = None
    ) -> None:
        self.key = run.id, run.attempt
        self.tokens: tuple[Token[Context], Token[RunSpan | None]] | None = None
        sent = carried_context(job)
        producer = trace.get_current_span(sent).get_span_context()
        self.span: Span = tracer().start_span(
            f"{names.PROCESS} {run.queue}",
            context=Context() if links else sent,
            kind=SpanKind.CONSUMER,
            attributes=names.run_attributes(run),
            links=[Link(producer)] if links and producer.is_valid else None,
            start_time=start,
        )
        self.context = trace.set_span_in_context(self.span, sent)

    def enter(self) -> None:
        """Make it the span in which the present code runs."""
        self.tokens = attach(self.context), current.set(self)

    def end(self, run: RunInfo) -> None:
        """Leave it, and note how the run has ended."""
        if self.tokens is not None:
            outer, before = self.tokens
            detach(outer)
            current.reset(before)
        self.span.set_attribute("buoy.job.outcome", names.outcome_name(run))
        if names.is_error(run):
            note_error(self.span, run)
        self.span.end()


def note_error(span: Span, run: RunInfo) -> None:
    """Put the error of a run into its span."""
    span.set_attribute(names.ERROR_TYPE, names.error_type(run))
    message = ""
    if run.error is not None:
        message = ": ".join(describe_error(run.error))
        try:
            span.record_exception(cast(Exception, run.error))
        except Exception as odd:  # noqa: BLE001 - from the class of the error, which is the user's
            span.add_event(
                "exception", {"exception.message": f"{message} (and {type(odd).__name__})"}
            )
    span.set_status(Status(StatusCode.ERROR, message))


def carried_context(job: Job | None) -> Context:
    """Returns the present context, with what the job carries of the one in which it was
    enqueued."""
    found = None if job is None else job.plugin_data.get(FIELD)
    fields = found.items() if isinstance(found, dict) else ()
    return propagate.extract({key: value for key, value in fields if isinstance(value, str)})


current: ContextVar[RunSpan | None] = ContextVar("buoy_otel_run", default=None)
"""The span of the run that this thread or task is in."""


def entered_span(run: RunInfo) -> RunSpan | None:
    """Returns the span of a run that this thread or task has begun; None if it has not: the process
    of the run has died, for example."""
    found = current.get()
    return found if found is not None and found.key == (run.id, run.attempt) else None
