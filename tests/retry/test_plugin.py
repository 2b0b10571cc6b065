"""Retry on job classes, as a user meets it."""

from buoy import App, Job
from buoy.testing import Clock, drain, plugin_contract
from buoy_retry import Retry


class Mail(Job):
    queue = "mail"
    plugins = [Retry(limit=3, delay=60)]

    def perform(self, succeeds_at: int) -> None:
        if self.attempt < succeeds_at:
            raise TimeoutError(f"attempt {self.attempt}")


def test_it_runs_again_after_the_delay(buoy_app: App, buoy_clock: Clock) -> None:
    handle = Mail.enqueue(2)
    assert drain(buoy_app) == {"later": 1}
    view = buoy_app.find(handle.id)
    assert view is not None
    assert view.state == "retrying"
    buoy_clock.advance(61)
    assert drain(buoy_app) == {"done": 1}


def test_it_keeps_to_the_contract(buoy_app: App) -> None:
    plugin_contract(Retry(3, 60))
