"""The spans of enqueueings and of runs, and how they hang together."""

import asyncio
import re
from typing import Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

from buoy import App, ConfigurationError, Job, Later, Plugin, QueueFull, Rejected, hookimpl
from buoy.testing import drain, plugin_contract
from buoy_otel import OpenTelemetry

from .conftest import Telemetry

SEND, PROCESS = "send shop", "process shop"
tracer = trace.get_tracer("tests")


class Odd(Exception):
    """An error of which nothing can be read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Again(Plugin):
    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        match error:
            case ValueError() if job.attempt == 1:
                return Later(0)
            case BlockingIOError() if not job.plugin_data.get("again"):
                job.plugin_data["again"] = {"once": True}
                return Later(0, count=False)
        return None


class Pay(Job):
    queue = "shop"
    plugins = [OpenTelemetry(), Again()]

    def perform(self, error: str = "") -> None:
        seen.append({**self.plugin_data, "tenant": baggage.get_baggage("tenant")})
        with tracer.start_as_current_span("pay"):
            if error and error != "odd":
                raise ERRORS[error]
        if error:
            raise ERRORS[error]


class PaySoon(Pay):
    async def perform(self, error: str = "") -> None:  # type: ignore[override]
        with tracer.start_as_current_span("pay"):
            await asyncio.sleep(0)


class Tagged(Pay):
    tags = ["shop", "eu"]


class Linked(Pay):
    plugins = [OpenTelemetry(links=True)]


class Single(Pay):
    max_length = 1


class KeptOut(Pay):
    plugins = [
        type("Door", (Plugin,), {"before_enqueue": hookimpl(lambda self, job: Rejected("no"))})()
    ]


ERRORS: dict[str, BaseException] = {
    "once": ValueError("once"),
    "always": KeyError("always"),
    "busy": BlockingIOError("busy"),
    "odd": Odd(),
}
seen: list[dict[str, Any]] = []
"""What runs have found."""


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    seen.clear()


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def id_of(span: ReadableSpan) -> int:
    return context_of(span).span_id


def trace_of(span: ReadableSpan) -> int:
    return context_of(span).trace_id


def context_of(span: ReadableSpan) -> SpanContext:
    found = span.get_span_context()
    assert found is not None
    return found


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_trace_leads_from_the_enqueueing_into_the_job(
    telemetry: Telemetry, buoy_app: App
) -> None:
    with tracer.start_as_current_span("POST /pay") as request:
        handle = Pay.enqueue()
    drain(buoy_app)

    [send], [process], [inner] = map(telemetry.named, (SEND, PROCESS, "pay"))
    assert parent_of(send) == request.get_span_context().span_id
    assert (parent_of(process), parent_of(inner)) == (id_of(send), id_of(process))
    assert len({trace_of(each) for each in (send, process, inner)}) == 1
    assert (send.kind, process.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert send.status.status_code is process.status.status_code is StatusCode.UNSET
    assert attributes_of(send) == {
        "messaging.system": "buoy",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "shop",
        "messaging.message.id": handle.id,
        "buoy.job.class": Pay.name,
        "buoy.job.state": "queued",
    }
    found = attributes_of(process)
    assert 0 <= found.pop("buoy.job.waited") < 60
    assert found == {
        "messaging.system": "buoy",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "shop",
        "messaging.message.id": handle.id,
        "messaging.client.id": "drain",
        "buoy.job.class": Pay.name,
        "buoy.job.attempt": 1,
        "buoy.job.outcome": "done",
    }
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_both_spans_have_the_tags_of_the_job(telemetry: Telemetry, buoy_app: App) -> None:
    Tagged.using(tags=["vip"]).enqueue()
    drain(buoy_app)

    for name in (SEND, PROCESS):
        [span] = telemetry.named(name)
        assert attributes_of(span)["buoy.job.tags"] == ("shop", "eu", "vip")


def test_with_links_a_run_begins_a_trace_of_its_own(telemetry: Telemetry, buoy_app: App) -> None:
    with tracer.start_as_current_span("POST /pay"):
        Linked.enqueue()
    drain(buoy_app)

    [send], [process], [inner] = map(telemetry.named, (SEND, PROCESS, "pay"))
    assert process.parent is None
    assert [link.context.span_id for link in process.links] == [id_of(send)]
    assert trace_of(inner) == trace_of(process) != trace_of(send)


def test_baggage_travels_along(telemetry: Telemetry, buoy_app: App) -> None:
    token = context.attach(baggage.set_baggage("tenant", "acme"))
    Pay.enqueue()
    context.detach(token)
    drain(buoy_app)

    [found] = seen
    assert found["tenant"] == "acme"
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", found["otel"]["traceparent"])


def test_a_failed_run_has_its_error(telemetry: Telemetry, buoy_app: App) -> None:
    Pay.enqueue("always")
    drain(buoy_app)

    [process] = telemetry.named(PROCESS)
    found = attributes_of(process)
    assert (found["buoy.job.outcome"], found["error.type"]) == ("failed", "KeyError")
    assert process.status.status_code is StatusCode.ERROR
    assert process.status.description == "KeyError: 'always'"
    [event] = process.events
    recorded = dict(event.attributes or {})
    assert recorded["exception.type"] == "KeyError"
    assert "in perform" in str(recorded["exception.stacktrace"])


def test_each_attempt_is_a_span_of_the_trace(telemetry: Telemetry, buoy_app: App) -> None:
    Pay.enqueue("once")
    drain(buoy_app)

    [send] = telemetry.named(SEND)
    first, second = telemetry.named(PROCESS)
    assert parent_of(first) == parent_of(second) == id_of(send)
    assert attributes_of(first)["buoy.job.outcome"] == "delayed"
    assert attributes_of(first)["error.type"] == "ValueError"
    assert attributes_of(second)["buoy.job.attempt"] == 2


def test_a_job_that_had_nothing_to_do_yet_has_not_failed(
    telemetry: Telemetry, buoy_app: App
) -> None:
    Pay.enqueue("busy")
    drain(buoy_app)

    first, second = telemetry.named(PROCESS)
    assert first.status.status_code is StatusCode.UNSET
    assert "error.type" not in attributes_of(first)
    assert second.status.status_code is StatusCode.ERROR


def test_an_error_of_which_nothing_can_be_read_ends_the_span_too(
    telemetry: Telemetry, buoy_app: App
) -> None:
    Pay.enqueue("odd")
    drain(buoy_app)

    [process] = telemetry.named(PROCESS)
    assert attributes_of(process)["error.type"] == f"{__name__}.Odd"
    assert process.status.status_code is StatusCode.ERROR


def test_coroutines_run_within_their_span(telemetry: Telemetry, buoy_app: App) -> None:
    PaySoon.enqueue()
    drain(buoy_app)

    [process], [inner] = map(telemetry.named, (PROCESS, "pay"))
    assert parent_of(inner) == id_of(process)


def test_inline_jobs_are_part_of_the_code_that_enqueues_them(
    telemetry: Telemetry, buoy_app: App
) -> None:
    with buoy_app.inline(), tracer.start_as_current_span("POST /pay") as request:
        Pay.enqueue()
        assert trace.get_current_span() is request

    [send], [process] = map(telemetry.named, (SEND, PROCESS))
    assert parent_of(process) == id_of(send)


def test_each_job_of_many_has_its_span(telemetry: Telemetry, buoy_app: App) -> None:
    Pay.enqueue_many([("",), ("",), ("",)])
    drain(buoy_app)

    parents = {parent_of(span) for span in telemetry.named(PROCESS)}
    assert parents == {id_of(span) for span in telemetry.named(SEND)}
    assert len(parents) == 3


def test_a_job_that_is_kept_out_says_so(telemetry: Telemetry, buoy_app: App) -> None:
    KeptOut.enqueue()

    [send] = telemetry.named(SEND)
    assert attributes_of(send)["buoy.job.state"] == "rejected"


def test_an_enqueueing_that_fails_leaves_nothing_behind(
    telemetry: Telemetry, buoy_app: App
) -> None:
    Single.enqueue()
    with pytest.raises(QueueFull):
        Single.enqueue()

    assert len(telemetry.named(SEND)) == 1


class Forged(Plugin):
    """Replaces what jobs carry, as a program of another kind may do it."""

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.plugin_data["otel"] = forged[-1]


class Foreign(Pay):
    plugins = [OpenTelemetry(), Forged()]


forged: list[Any] = []


@pytest.mark.parametrize(
    "carried", [["odd"], {"traceparent": 7, "baggage": ["x"]}, {"traceparent": "00-x-y-z"}]
)
def test_a_job_that_carries_odd_data_has_its_own_trace(
    telemetry: Telemetry, buoy_app: App, carried: Any
) -> None:
    forged.append(carried)
    Foreign.enqueue()

    assert drain(buoy_app) == {"done": 1}
    [process] = telemetry.named(PROCESS)
    assert process.parent is None


def test_a_job_that_is_pushed_by_its_name_has_its_own_trace(
    telemetry: Telemetry, buoy_app: App
) -> None:
    buoy_app.push(Pay.name, queue="shop")

    assert drain(buoy_app) == {"done": 1}
    [process] = telemetry.named(PROCESS)
    assert process.parent is None


def test_it_keeps_the_contract_of_plugins(buoy_app: App) -> None:
    plugin_contract(OpenTelemetry(links=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"links": 1}, "OpenTelemetry.links: expected True or False, got 1"),
        ({"metrics": None}, "OpenTelemetry.metrics: expected True or False, got None"),
        ({"flush_seconds": 99}, "OpenTelemetry.flush_seconds: expected 0 to 60 seconds, got 99"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        OpenTelemetry(**options)

    assert str(raised.value) == message
