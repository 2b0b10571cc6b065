"""Test support: an app on a private server, its clock, and jobs that run without a worker.

pytest has its fixtures: ``def test_it(buoy_app): ...`` gives the app that ``Job.app`` is during the
test. For unittest there is ``BuoyTestCase``, for others ``with isolated_app() as app:``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..embedded.server import Server
    from .clock import Clock
    from .contract import plugin_contract
    from .enqueued import all_enqueued, assert_enqueued, refute_enqueued
    from .fake_worker import FakeWorker
    from .isolation import isolated_app
    from .running import adrain, drain, perform_job
    from .unittest_case import AsyncBuoyTestCase, BuoyTestCase

__all__ = [
    "AsyncBuoyTestCase",
    "BuoyTestCase",
    "Clock",
    "FakeWorker",
    "Server",
    "adrain",
    "all_enqueued",
    "assert_enqueued",
    "drain",
    "isolated_app",
    "perform_job",
    "plugin_contract",
    "refute_enqueued",
]
PLACES = {
    "..embedded.server": ["Server"],
    ".clock": ["Clock"],
    ".contract": ["plugin_contract"],
    ".enqueued": ["all_enqueued", "assert_enqueued", "refute_enqueued"],
    ".fake_worker": ["FakeWorker"],
    ".isolation": ["isolated_app"],
    ".running": ["adrain", "drain", "perform_job"],
    ".unittest_case": ["AsyncBuoyTestCase", "BuoyTestCase"],
}
"""Which module has which names. It is imported when one of them is used: every pytest of an
environment that has buoy imports this package."""


def __getattr__(name: str) -> Any:
    for module, names in PLACES.items():
        if name in names:
            return getattr(import_module(module, __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
