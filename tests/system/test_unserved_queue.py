"""Story S12: another team enqueues, on the same Redis, into a queue that no worker serves."""

import json

import pytest

from buoy import App, Job, QueueFull
from tests.support.processes import Site, wait_until

from .apps.jobs import Note


class Analysis(Job):
    """The other team's job, in the other team's app."""

    queue = "analytics"
    max_length = 1000

    def perform(self, row: int) -> None: ...


def test_a_queue_without_workers_is_bounded_and_warned_of_and_the_shop_goes_on(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    analytics = App(site.server.url, namespace="analytics")
    monkeypatch.setattr(Analysis, "app", analytics)
    worker = site.worker()

    Analysis.enqueue_many([(row,) for row in range(900)])
    with pytest.raises(QueueFull) as full:
        Analysis.enqueue_many([(row,) for row in range(300)])
    assert str(full.value) == (
        "queue 'analytics' is full: expected fewer than 1000 queued and delayed jobs, got 1000; "
        "100 of 300 jobs were enqueued; start a worker for it, or raise max_length"
    )

    # The producers are warned, and so is who looks.
    analytics.broker.registered.clear()  # as after a minute
    with pytest.raises(QueueFull):
        Analysis.enqueue(1)
    assert (
        "queue 'analytics': 1000 jobs are queued, but no worker has ever looked at it"
        in caplog.text
    )
    code, findings = site.run("--namespace", "analytics", "doctor", "--json")
    assert code == 1
    [wrong] = [each for each in json.loads(findings) if each["subject"] == "queue analytics"]
    assert wrong["advice"] == "start one: buoy worker -a MODULE -q analytics"

    # The shop does not notice.
    Note.enqueue("an order")
    site.note("ran", "an order")
    wait_until(lambda: site.view().done == 1)
    assert [view.name for view in site.app.monitor.queues()] == ["default"]
    assert site.app.monitor.find("x") is None
    worker.stop()
    assert analytics.monitor.queues()[0].queued == 1000
