"""A job that waits for a transaction, and for the good end of the run in which it is enqueued."""

from typing import Any

import pytest

from buoy import App, Job
from buoy.testing import drain
from buoy_aftercommit import AfterCommit, deferring


class Pack(Job):
    queue = "warehouse"
    plugins = [AfterCommit()]

    def perform(self, order: int) -> None: ...


class Charge(Job):
    def perform(self, order: int, fails: str) -> None:
        try:
            with deferring():
                handle = self.enqueue_after_success(Pack, order)
                assert handle.reason == "until the transaction commits"
                if fails == "transaction":
                    raise LookupError
        except LookupError:
            return
        if fails == "run":
            raise ValueError


@pytest.mark.parametrize(
    ("fails", "runs"), [("", {"done": 2}), ("transaction", {"done": 1}), ("run", {"failed": 1})]
)
def test_it_waits_for_both(buoy_app: App, fails: str, runs: dict[str, Any]) -> None:
    Charge.enqueue(1, fails)

    assert drain(buoy_app) == runs
