"""How many workers serve a queue."""

import pytest

from buoy import App
from buoy.operations.worker_reader import Serving
from buoy.plugins.operators import read_serving


@pytest.mark.parametrize(
    ("lists", "queue", "workers"),
    [
        ({}, "mail", 0),
        ({"mail": 2, "mail,orders": 3, "orders": 5}, "mail", 5),
        ({"mail,mail": 1}, "mail", 1),
        ({"mail,ma*": 2}, "mail", 2),
        ({"*": 7, "mail": 1}, "mail", 8),
        ({"*,!mail": 7}, "mail", 0),
        ({"m*,!mail_*": 7}, "mail_bulk", 0),
        ({"mail:5,orders:1": 4}, "orders", 4),
        ({"!": 9, "": 9, "mail:x": 9, "{": 9}, "mail", 0),
    ],
)
def test_lists_tell_who_serves_a_queue(lists: dict[str, int], queue: str, workers: int) -> None:
    assert Serving(lists).count(queue) == workers


def test_only_live_workers_serve(buoy_app: App) -> None:
    for id, queues in (("a", "mail"), ("b", "mail"), ("c", "m*"), ("gone", "")):
        if queues:
            buoy_app.command("HSET", f"buoy:worker:{id}", "queues", queues)
        buoy_app.command("ZADD", "buoy:workers", 1000, id)
    buoy_app.command("SET", "buoy:worker:odd", "a text")
    buoy_app.command("ZADD", "buoy:workers", 1000, "odd")

    serving = buoy_app.run_steps(read_serving(buoy_app.monitor))

    assert [serving.count(queue) for queue in ("mail", "mobile", "orders")] == [3, 1, 0]
