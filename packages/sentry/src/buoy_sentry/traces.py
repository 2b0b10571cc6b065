"""Traces: what a job carries of the trace in which it was enqueued, and the span of a run.

``job.plugin_data["sentry"]`` holds the headers by which Sentry continues a trace. Sentry has two
kinds of spans: those of transactions, and those that are sent one by one (``trace_lifecycle`` of
its client is "stream").
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import sentry_sdk

from buoy import Job, RunInfo

from .failures import is_reported

FIELD = "sentry"
ORIGIN = "auto.queue.buoy"


def attach_trace(job: Job, in_run: bool) -> None:
    """Let a job carry the trace of the code that enqueues it, if there is one. ``in_run``: whether
    that code is a job, which has a trace, too, where spans are not recorded."""
    has_span = current_span() is not None
    if not (has_span or in_run):
        return
    data = {"messaging.message.id": job.id, "messaging.destination.name": job.queue}
    with ExitStack() as stack:
        if has_span:
            start_span(stack, "queue.publish", job.name, data)
        headers = {
            "sentry-trace": sentry_sdk.get_traceparent(),
            "baggage": sentry_sdk.get_baggage(),
        }
    job.plugin_data[FIELD] = {key: value for key, value in headers.items() if value}


def carried_trace(job: Job | None) -> dict[str, str]:
    """Returns the headers of the trace that a job carries; none if it carries no trace."""
    found = None if job is None else job.plugin_data.get(FIELD)
    fields = found.items() if isinstance(found, dict) else ()
    return {key: value for key, value in fields if isinstance(value, str)}


class RunSpan:
    """The span of one run: a trace of its own, or the continuation of the enqueuer's."""

    def __init__(self, stack: ExitStack, job: Job | None, run: RunInfo) -> None:
        headers, data = carried_trace(job), data_of(run)
        if is_streaming():
            sentry_sdk.traces.continue_trace(headers)
            attributes = {"sentry.op": "queue.process", "sentry.origin": ORIGIN, **data}
            span = sentry_sdk.traces.start_span(run.name, attributes, parent_span=None)
            self.span: Any = stack.enter_context(span)
        else:
            transaction = sentry_sdk.continue_trace(
                headers, op="queue.process", name=run.name, source="task", origin=ORIGIN
            )
            self.span = stack.enter_context(sentry_sdk.start_transaction(transaction))
            for key, value in data.items():
                self.span.set_data(key, value)

    def set_outcome(self, run: RunInfo) -> None:
        """Note how the run has ended; the stack that the span is on finishes it."""
        wrong = is_reported(run, retried=True)
        if is_streaming():
            self.span.status = "error" if wrong else "ok"
        else:
            self.span.set_status("internal_error" if wrong else "ok")


def continue_trace(job: Job | None) -> None:
    """Let what is captured next be part of the trace that a job carries."""
    if is_streaming():
        sentry_sdk.traces.continue_trace(carried_trace(job))
    else:
        sentry_sdk.continue_trace(carried_trace(job))


def data_of(run: RunInfo) -> dict[str, Any]:
    """Returns what Sentry's page of queues shows of a run."""
    return {
        "messaging.system": "buoy",
        "messaging.message.id": run.id,
        "messaging.destination.name": run.queue,
        "messaging.message.receive.latency": run.waited * 1000,  # milliseconds
        "messaging.message.retry.count": run.attempt - 1,
    }


def start_span(stack: ExitStack, op: str, name: str, data: Mapping[str, Any]) -> None:
    """Start a span that ends with the stack, in the present one."""
    if is_streaming():
        attributes = {"sentry.op": op, "sentry.origin": ORIGIN, **data}
        stack.enter_context(sentry_sdk.traces.start_span(name, attributes))
        return
    span = stack.enter_context(sentry_sdk.start_span(op=op, name=name, origin=ORIGIN))
    for key, value in data.items():
        span.set_data(key, value)


def current_span() -> Any:
    """Returns the span in which the present code runs; None if there is none."""
    return sentry_sdk.traces.get_current_span() if is_streaming() else sentry_sdk.get_current_span()


def has_tracing() -> bool:
    """Whether the client records spans."""
    options = sentry_sdk.get_client().options
    wanted = (options.get(name) for name in ("traces_sample_rate", "traces_sampler"))
    return any(each is not None for each in wanted)


def is_streaming() -> bool:
    """Whether the client sends spans one by one."""
    return sentry_sdk.get_client().options.get("trace_lifecycle") == "stream"
