"""What reaches a collector of OpenTelemetry from real workers, whatever becomes of their jobs and
processes."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_otlp import FakeCollector
from tests.support.processes import EXECUTORS, Site

from .apps import to_otel as jobs
from .apps.to_otel_limited import Hang

APP = "to_otel"
PROCESS = "process default"


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with FakeCollector() as collector:
        yield collector


@pytest.fixture
def shop(site: Site, collector: FakeCollector) -> Site:
    """A site whose workers export to the local collector. On a busy machine, too, each run is
    exported once: no lease ends, and no exporter takes the collector for silent and tries again."""
    site.lease = 10.0
    site.environ |= {"OTLP_ENDPOINT": collector.endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "120"}
    return site


def options(site: Site, **options: object) -> None:
    """Set options of the plugin."""
    site.environ["OTEL_OPTIONS"] = json.dumps(options)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_each_run_is_a_span_around_what_the_job_does(
    shop: Site, collector: FakeCollector, executor: str
) -> None:
    kind: Any = jobs.PaySoon if executor == "async" else jobs.Pay
    handles = {word: kind.enqueue(word) for word in ("a", "b", "c")}

    shop.burst("--executor", executor, app=APP)

    spans = collector.named(PROCESS)
    ids = sorted(span.attributes["messaging.message.id"] for span in spans)
    assert ids == sorted(handle.id for handle in handles.values())
    for span in spans:
        assert (span.kind, span.status[0]) == ("consumer", "unset")
        assert span.attributes["buoy.job.class"] == kind.name
        assert span.attributes["buoy.job.outcome"] == "done"
        [inner] = [each for each in collector.spans if each.parent == span.id]
        assert inner.name.startswith("pay ")
    traces = {span.name: span.trace for span in collector.spans}
    said = [(traces[f"pay {word}"], f"paying {word}") for word in handles]
    assert sorted(collector.records) == sorted(said)
    assert collector.total("messaging.client.consumed.messages") >= 3
    assert collector.total("messaging.process.duration") >= 3


@pytest.mark.parametrize("links", [False, True])
def test_a_trace_leads_from_one_job_to_the_next(
    shop: Site, collector: FakeCollector, links: bool
) -> None:
    options(shop, links=links)
    jobs.Chain.enqueue("a")

    shop.burst(app=APP)

    [sent] = collector.named("send default")
    first, second = sorted(collector.named(PROCESS), key=lambda span: span.id != sent.parent)
    assert (sent.kind, sent.parent, sent.trace) == ("producer", first.id, first.trace)
    assert sent.attributes["messaging.message.id"] == second.attributes["messaging.message.id"]
    if links:
        assert (second.parent, second.links) == ("", [(sent.trace, sent.id)])
        assert second.trace != first.trace
    else:
        assert (second.parent, second.trace, second.links) == (sent.id, first.trace, [])
    assert collector.total("messaging.client.sent.messages") == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (jobs.Charge, "ValueError"),
        (jobs.Die, "buoy.errors.DirtyExit"),
        (Hang, "buoy.errors.JobTimeout"),
    ],
)
def test_a_failed_job_is_a_span_with_its_error(
    shop: Site, collector: FakeCollector, kind: Any, error: str
) -> None:
    kind.enqueue("a")

    shop.burst(app="to_otel_limited")

    [span] = collector.named(PROCESS)
    assert (span.status[0], span.attributes["error.type"]) == ("error", error)
    assert span.attributes["buoy.job.outcome"] == "failed"
    assert span.status[1].startswith(f"{error}: ")
    [(name, attributes)] = span.events
    assert (name, attributes["exception.type"]) == ("exception", error)
    assert collector.total("messaging.process.duration", error__type=error) == 1
    if kind is not jobs.Charge:
        assert 0.05 < span.seconds < 60


def test_each_attempt_is_a_span(shop: Site, collector: FakeCollector) -> None:
    jobs.PayOften.enqueue("a")

    shop.burst(app=APP)

    spans = sorted(collector.named(PROCESS), key=lambda span: span.attributes["buoy.job.attempt"])
    said = [(span.attributes["buoy.job.outcome"], span.status[0]) for span in spans]
    assert said == [("delayed", "error"), ("done", "unset")]


@pytest.mark.parametrize("executor", ["fork", "thread"])
def test_a_worker_that_stops_exports_what_it_has(
    shop: Site, collector: FakeCollector, executor: str
) -> None:
    jobs.Pay.enqueue("a")
    jobs.Wait.enqueue("b", "gate")

    worker = shop.worker("--executor", executor, "-c", "1", app=APP)
    shop.note("began")
    worker.signal(signal.SIGTERM)
    shop.open("gate")
    assert worker.wait() == 0, worker.log

    assert [span.name for span in collector.spans].count("pay a") == 1
    assert [span.attributes["buoy.job.outcome"] for span in collector.named(PROCESS)] == [
        "done"
    ] * 2


def test_a_run_that_is_put_back_is_a_span_without_an_error(
    shop: Site, collector: FakeCollector
) -> None:
    jobs.Wait.enqueue("a", "never")

    worker = shop.worker("--grace", "0.2", app=APP)
    shop.note("began")
    worker.stop()

    [span] = collector.named(PROCESS)
    assert (span.attributes["buoy.job.outcome"], span.status[0]) == ("released", "unset")


def test_a_worker_that_ends_with_a_job_in_it_exports_what_it_has(
    shop: Site, collector: FakeCollector
) -> None:
    jobs.Pay.enqueue("a")
    jobs.Wait.enqueue("b", "never")

    worker = shop.worker("--executor", "thread", "--grace", "0.2", "-c", "1", app=APP)
    shop.note("began")
    worker.stop()

    assert "grace time over: 1 unfinished jobs are released" in worker.log
    assert [span.name for span in collector.spans].count("pay a") == 1


def test_a_collector_that_hangs_holds_no_worker_back(shop: Site, collector: FakeCollector) -> None:
    options(shop, flush_seconds=0.5)
    del shop.environ["OTEL_EXPORTER_OTLP_TIMEOUT"]
    collector.gate.clear()
    jobs.Pay.enqueue("a")

    shop.burst(app=APP)

    assert collector.spans == []


def test_children_lose_nothing_when_their_nursery_has_exported_before(
    shop: Site, collector: FakeCollector
) -> None:
    """It has left an open connection, which they inherit."""
    shop.environ["OTEL_EARLY"] = "1"
    for number in range(12):
        jobs.Pay.enqueue(str(number))

    shop.burst("-c", "4", app=APP)

    assert len(collector.named("the app is loaded")) == 1
    found = sorted(int(span.name.split()[1]) for span in collector.spans if "pay" in span.name)
    assert found == list(range(12))
