"""Traces lead from the code that enqueues a job to its run."""

from typing import Any

import pytest
import sentry_sdk

from buoy import App, Job, Later, Plugin, hookimpl
from buoy.testing import drain
from buoy_sentry import Sentry

from .conftest import Client, Kept

STREAMS = hasattr(sentry_sdk, "traces")
"""Whether this version of Sentry can send spans one by one."""


class Pay(Job):
    plugins = [Sentry()]

    def perform(self, amount: int) -> None:
        carried.append(dict(self.plugin_data))
        if amount < 0:
            raise ValueError(amount)


class Apart(Pay):
    plugins = [Sentry(traces=False)]


carried: list[dict[str, Any]] = []
"""What the jobs have brought along."""


@pytest.fixture(autouse=True)
def nothing_carried() -> None:
    carried.clear()


@pytest.fixture
def traced(client: Client) -> Kept:
    return client.start(traces_sample_rate=1.0)


def trace_of(item: Any) -> Any:
    return item["contexts"]["trace"]


def test_a_run_continues_the_trace_of_its_enqueueing(traced: Kept, buoy_app: App) -> None:
    with sentry_sdk.start_transaction(name="POST /pay"):
        handle = Pay.enqueue(-1)
    drain(buoy_app)

    request, run = traced.transactions
    [publish] = request["spans"]
    assert (publish["op"], publish["description"]) == ("queue.publish", Pay.name)
    assert publish["data"]["messaging.message.id"] == handle.id
    assert trace_of(run)["trace_id"] == trace_of(request)["trace_id"]
    assert trace_of(run)["parent_span_id"] == publish["span_id"]
    assert (trace_of(run)["op"], trace_of(run)["status"]) == ("queue.process", "internal_error")
    assert run["transaction"] == Pay.name
    data = trace_of(run)["data"]
    assert data["messaging.destination.name"] == "default"
    assert data["messaging.message.retry.count"] == 0
    assert data["messaging.message.receive.latency"] >= 0
    [event] = traced.events
    assert trace_of(event)["trace_id"] == trace_of(request)["trace_id"]
    assert trace_of(event)["span_id"] == trace_of(run)["span_id"]


def test_a_job_that_is_enqueued_outside_of_all_traces_has_its_own(
    traced: Kept, buoy_app: App
) -> None:
    for _ in range(2):
        Pay.enqueue(1)
    drain(buoy_app)

    first, second = traced.transactions
    assert trace_of(first)["trace_id"] != trace_of(second)["trace_id"]
    assert trace_of(first)["status"] == "ok"
    assert carried == [{}, {}]


@pytest.mark.parametrize(("counts", "status"), [(True, "internal_error"), (False, "ok")])
def test_a_run_that_had_nothing_to_do_yet_is_no_error(
    traced: Kept, buoy_app: App, counts: bool, status: str
) -> None:
    class Postponing(Plugin):
        @hookimpl
        def on_failure(self, job: Job, error: BaseException) -> Later:
            return Later(60, count=counts)

    class Postponed(Pay):
        plugins = [Postponing()]

    Postponed.enqueue(-1)
    assert drain(buoy_app) == {"delayed": 1}

    [run] = traced.transactions
    assert trace_of(run)["status"] == status


def test_a_trace_that_is_not_sampled_is_not_sampled_in_the_job(
    client: Client, buoy_app: App
) -> None:
    sent = client.start(traces_sample_rate=0.0)
    with sentry_sdk.start_transaction(name="POST /pay"), buoy_app.inline():
        Pay.enqueue(1)

    assert sent.items == []
    assert carried[0]["sentry"]["sentry-trace"].endswith("-0")


def test_errors_join_the_trace_without_tracing_too(sent: Kept, buoy_app: App) -> None:
    with sentry_sdk.start_transaction(name="POST /pay"):
        sentry_sdk.capture_message("slow")
        Pay.enqueue(-1)
    drain(buoy_app)

    assert sent.transactions == []
    slow, failed = sent.events
    assert trace_of(failed)["trace_id"] == trace_of(slow)["trace_id"]


def test_jobs_of_jobs_join_the_trace_without_tracing_too(sent: Kept, buoy_app: App) -> None:
    class Chain(Pay):
        def perform(self, amount: int) -> None:
            Pay.enqueue(amount)
            raise ValueError(amount)

    for _ in range(2):
        Chain.enqueue(-1)
    drain(buoy_app)

    traces = [trace_of(event)["trace_id"] for event in sent.events]
    assert len(traces) == 4
    assert len(set(traces)) == 2


def test_traces_can_be_left_out(traced: Kept, buoy_app: App) -> None:
    with sentry_sdk.start_transaction(name="POST /pay"):
        Apart.enqueue(1)
    drain(buoy_app)

    [request] = traced.transactions
    assert (request["spans"], carried) == ([], [{}])


def test_carried_data_that_is_none_of_sentrys_is_no_trace(traced: Kept, buoy_app: App) -> None:
    for odd in (["odd"], {"sentry-trace": 7, "baggage": ["x"]}, {"sentry-trace": "x-y-z"}):
        job = buoy_app.build(Pay, 1)
        job.plugin_data["sentry"] = odd  # type: ignore[assignment]
        buoy_app.submit(job)

    assert drain(buoy_app) == {"done": 3}
    assert len(traced.transactions) == 3


@pytest.mark.skipif(not STREAMS, reason="this version of Sentry sends transactions only")
def test_spans_that_are_sent_one_by_one_lead_on_too(client: Client, buoy_app: App) -> None:
    sent = client.start(traces_sample_rate=1.0, trace_lifecycle="stream")
    with sentry_sdk.traces.start_span("POST /pay"):
        Pay.enqueue(-1)
    drain(buoy_app)
    sentry_sdk.flush(60)

    spans = [span for batch in sent.of("span") for span in batch["items"]]
    segments = {span["name"]: span for span in spans if span["is_segment"]}
    [publish] = [span for span in spans if not span["is_segment"]]
    request, run = segments["POST /pay"], segments[Pay.name]
    assert run["trace_id"] == publish["trace_id"] == request["trace_id"]
    assert (publish["parent_span_id"], run["parent_span_id"]) == (
        request["span_id"],
        publish["span_id"],
    )
    assert (run["status"], publish["status"]) == ("error", "ok")
    [event] = sent.events
    assert trace_of(event)["span_id"] == run["span_id"]
