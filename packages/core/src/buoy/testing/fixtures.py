"""Test support, and a pytest plugin: an app on a server of its own, run without a worker.

``def test_it(buoy_app): ...`` gives the app that ``Job.app`` is during the test.
"""

from collections import Counter
from collections.abc import Iterator
from contextvars import copy_context
from datetime import timedelta
from typing import Any

import pytest

from ..app import App
from ..embedded.server import Server
from ..executor.in_process import run_isolated
from ..jobs.building import build_job
from ..jobs.job import Job
from ..jobs.registry import not_served, registry
from ..jobs.run import run
from ..model.options import Options
from ..model.reservation import RoundTripRequest

WORKER = "drain"


def drain(app: App, *queues: str) -> Counter[str]:
    """Run all jobs that are due, those that they enqueue too, in this process.

    Returns the number of runs by outcome: "done", "failed", "delayed", "rejected". Without queues,
    it runs the jobs of all queues.
    """
    counts: Counter[str] = Counter()
    number, idle = 0, False
    while not idle:
        idle = True
        for queue in queues or app.monitor.queue_names():
            number += 1
            trip = RoundTripRequest(queue, number, wanted=1)
            for reservation in app.broker.advance_queue(WORKER, trip).reservations:
                idle = False
                settlement = run_isolated(copy_context(), run, reservation)
                counts[settlement.outcome] += 1
                app.broker.advance_queue(
                    WORKER, RoundTripRequest(queue, 0, settlements=[settlement])
                )
    return counts


def assert_enqueued(job: type[Job], *args: Any, queue: str | None = None, **kwargs: Any) -> None:
    """Fail unless a job of this class with these arguments is queued or delayed.

    Without arguments, any job of the class counts.
    """
    monitor = job.app.monitor
    wanted = build_job(job, (list(args), kwargs), Options()).identifier if args or kwargs else None
    queues = monitor.queue_names() if queue is None else [queue]
    there = [
        view
        for name in queues
        for view in [*monitor.peek(name, 0, 1000), *monitor.delayed(name, 0, 1000)]
    ]
    if not any(v.name == job.name and wanted in (None, v.identifier) for v in there):
        call = ", ".join([*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())])
        found = "".join(f"\n  {v.name} {v.args} {v.kwargs or ''} in {v.queue}" for v in there)
        pytest.fail(f"expected {job.name}({call}) to be enqueued, got:{found or ' nothing'}")


class Clock:
    """The clock by which jobs of one app become due, and leases run out."""

    def __init__(self, app: App) -> None:
        self.app = app

    def advance(self, seconds: float | timedelta) -> None:
        """Let time pass."""
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        self.app.broker.clock_offset_ms += round(seconds * 1000)


@pytest.fixture(scope="session")
def buoy_server() -> Iterator[Server]:
    """A private Redis server, one for all tests of a session."""
    with Server() as server:
        yield server


@pytest.fixture
def buoy_app(buoy_server: Server, monkeypatch: pytest.MonkeyPatch) -> App:
    """An app on the empty private server; during the test it is the app of all job classes that
    have no app of their own. Other apps of job classes that are loaded use that server, too, each
    with its own namespace."""
    app = App(buoy_server.url)
    app.broker.client.call("FLUSHALL")
    for other in {job.app for job in registry.values()} - {Job.app}:
        redirect(other, buoy_server.url, monkeypatch)
    monkeypatch.setattr(Job, "app", app)
    return app


def redirect(app: App, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an app use another Redis during a test: replace the objects that it has cached."""
    here = App(**(app._given | {"url": url}))
    for name in ("settings", "broker", "control", "monitor", "_async_client"):
        monkeypatch.setitem(vars(app), name, getattr(here, name))


@pytest.fixture
def buoy_clock(buoy_app: App) -> Clock:
    """The clock of ``buoy_app``."""
    return Clock(buoy_app)


@pytest.fixture
def buoy_registry() -> Iterator[None]:
    """Job classes that are declared during the test are forgotten after it, so that two tests may
    declare classes of the same name."""
    before, not_served_before = dict(registry), dict(not_served)
    yield
    registry.clear()
    registry.update(before)
    not_served.clear()
    not_served.update(not_served_before)
