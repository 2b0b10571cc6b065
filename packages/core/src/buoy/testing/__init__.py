"""Test support, and a pytest plugin: an app on a server of its own, run without a worker.

``def test_it(buoy_app): ...`` gives the app that ``Job.app`` is during the test.
"""

from .fake_worker import FakeWorker
from .fixtures import (
    Clock,
    assert_enqueued,
    buoy_app,
    buoy_clock,
    buoy_registry,
    buoy_server,
    drain,
)
from .plugin_contract import plugin_contract

__all__ = [
    "Clock",
    "FakeWorker",
    "assert_enqueued",
    "buoy_app",
    "buoy_clock",
    "buoy_registry",
    "buoy_server",
    "drain",
    "plugin_contract",
]
