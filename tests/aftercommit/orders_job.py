"""A job that waits for commits, and a look into its queue."""

from typing import Any

from buoy import App, Job
from buoy_aftercommit import AfterCommit


class Charge(Job):
    queue = "orders"
    plugins = [AfterCommit()]

    def perform(self, order_id: int) -> None: ...


def queued(app: App, queue: str = "orders") -> list[Any]:
    return [view.args[0] for view in app.monitor.peek(queue, 0, 5000)]
