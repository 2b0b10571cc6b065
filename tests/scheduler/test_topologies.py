"""The scheduler on a cluster, and on a Redis that is full."""

import pytest

from buoy import App, BrokerError, Job
from buoy_scheduler import Delayed, enqueue_in, get_schedule, remove_schedule, set_schedule
from tests.support.cluster import Cluster

from .conftest import Days


class Report(Job):
    queue = "reports"

    def perform(self) -> None: ...


def test_the_scheduler_runs_on_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    with Cluster() as cluster:
        app = App(cluster.url)
        monkeypatch.setattr(Job, "app", app)
        days = Days(app)
        set_schedule("a", Report, every="1m")
        daemon = days.daemon(b={"every": "1m", "class": Report.name, "queue": "other"})

        days.pass_with(daemon, seconds=125)
        enqueue_in(60, Report)

        waiting = {view.name: view.queued for view in app.monitor.queues(["reports", "other"])}
        assert waiting == {"reports": 2, "other": 2}
        assert len(Delayed(Report).now()) == 1
        assert list(get_schedule()) == ["a"]
        assert remove_schedule("a")


def test_the_scheduler_waits_while_redis_is_full(
    days: Days, buoy_app: App, caplog: pytest.LogCaptureFixture
) -> None:
    fields: dict[str, object] = {"every": "1m", "class": Report.name}
    daemon = days.daemon(report=fields)
    buoy_app.command("CONFIG", "SET", "maxmemory", 1)
    try:
        days.pass_with(daemon, seconds=61)
        fresh = days.daemon(other=fields)
        with pytest.raises(BrokerError, match="Redis is full"):
            set_schedule("a", Report, every="1m")
    finally:
        buoy_app.command("CONFIG", "SET", "maxmemory", 0)
    assert buoy_app.monitor.queues(["reports"])[0].queued == 0

    days.pass_with(daemon, fresh, seconds=1)

    assert buoy_app.monitor.queues(["reports"])[0].queued == 1
    assert list(fresh.progress) == ["other"]
    assert [text.partition(": ")[0] for text in caplog.messages] == ["report", "queue 'reports'"]
