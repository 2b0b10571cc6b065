"""What the benchmarks write into Redis is what buoy would write."""

from typing import Any

import redis

from benchmarks import buoy_rows, fill
from buoy import App

COUNT = 1_500


def client_of(app: App) -> Any:
    return redis.Redis.from_url(app.settings.url)


def test_filled_jobs_are_where_buoy_looks_for_them(buoy_app: App) -> None:
    client = client_of(buoy_app)

    fill.queued(client, COUNT)
    fill.delayed(client, COUNT - 1)
    fill.failed(client, COUNT - 2)

    [view] = buoy_app.monitor.queues([buoy_rows.QUEUE])
    assert (view.queued, view.delayed, view.failed) == (COUNT, COUNT - 1, COUNT - 2)
    [first] = buoy_app.monitor.peek(buoy_rows.QUEUE, 0, 1)
    assert (first.name, first.args) == (f"{buoy_rows.APP}.Spare", [0])


def test_filled_workers_are_listed_by_the_monitor(buoy_app: App) -> None:
    fill.workers(client_of(buoy_app), 3)

    seen = buoy_app.monitor.workers()
    assert [(worker.id, worker.state) for worker in seen] == [
        ("worker-0", "running"),
        ("worker-1", "running"),
        ("worker-2", "running"),
    ]
