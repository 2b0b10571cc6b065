"""Read by type checkers, never run: see tests/core/typing_cases.py."""

from typing import assert_type

from prometheus_client import REGISTRY

from buoy import App, Job
from buoy_metrics import BuoyCollector, asgi_app, wsgi_app


def collectors() -> None:
    REGISTRY.register(BuoyCollector())
    REGISTRY.register(BuoyCollector(App("redis://127.0.0.1"), timeout=2))
    assert_type(BuoyCollector(Job.app, timeout=2.5), BuoyCollector)
    BuoyCollector("redis://127.0.0.1")  # type: ignore[arg-type]
    BuoyCollector(Job)  # type: ignore[arg-type]
    BuoyCollector(Job.app, 5)  # type: ignore[call-arg]
    BuoyCollector(timeout="5")  # type: ignore[arg-type]
    BuoyCollector(port=9394)  # type: ignore[call-arg]


def mounted() -> None:
    asgi_app()
    wsgi_app()
    asgi_app(App(), timeout=1)
    wsgi_app(App(), timeout=1)
    asgi_app(App(), 1)  # type: ignore[call-arg]
    wsgi_app(App(), 1)  # type: ignore[call-arg]
    asgi_app(timeout=None)  # type: ignore[arg-type]
    wsgi_app("app")  # type: ignore[arg-type]
