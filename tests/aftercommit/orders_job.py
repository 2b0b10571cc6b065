"""A job that waits for commits, and looks into its queue and the log."""

from typing import Any

import pytest

from buoy import App, Job
from buoy_aftercommit import AfterCommit


class Charge(Job):
    queue = "orders"
    plugins = [AfterCommit()]

    def perform(self, order_id: int) -> None: ...


def queued(app: App, queue: str = "orders") -> list[Any]:
    return [view.args[0] for view in app.monitor.peek(queue, 0, 5000)]


def said(caplog: pytest.LogCaptureFixture, level: str = "") -> list[str]:
    """What AfterCommit has logged, at this level if one is given. Others may log at any time what
    they find in the garbage of tests before."""
    return [
        each.getMessage()
        for each in caplog.records
        if each.name == "buoy.aftercommit" and level in ("", each.levelname)
    ]
