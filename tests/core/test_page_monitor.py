"""The monitor of pages, which parses the payload of a job once."""

import pytest

from buoy import App, Job
from buoy.operations.page_monitor import LARGEST
from buoy.plugins.operators import JobFilter, PageMonitor, page_monitor, read_state_sizes, read_walk
from buoy.plugins.redis import JobView


class Charge(Job):
    queue = "payments"

    def perform(self, text: str) -> None: ...


@pytest.fixture
def monitor(buoy_app: App) -> PageMonitor:
    return page_monitor(buoy_app)


def shown(monitor: PageMonitor) -> JobView:
    """Returns the one job that a page shows."""
    sizes, _ = monitor.run_steps(read_state_sizes(monitor, ["payments"]))
    [view] = monitor.run_steps(read_walk(monitor, sizes, JobFilter(), 25, 25)).views
    return view


def test_a_job_that_has_not_changed_is_parsed_once(buoy_app: App, monitor: PageMonitor) -> None:
    id = Charge.enqueue("a").id

    assert shown(monitor) is shown(monitor)
    assert shown(monitor) == buoy_app.find(id)


def test_a_job_that_has_changed_is_shown_as_it_is(buoy_app: App, monitor: PageMonitor) -> None:
    id = Charge.using(delay=60).enqueue("a").id
    before = shown(monitor)

    buoy_app.reschedule(id)
    assert (before.state, shown(monitor).state) == ("delayed", "queued")

    payload = buoy_app.command("HGET", "buoy:{payments}:jobs", id).replace(b'"a"', b'"b"')
    buoy_app.command("HSET", "buoy:{payments}:jobs", id, payload)
    assert shown(monitor).args == ["b"]


def test_a_large_payload_is_not_kept(monitor: PageMonitor) -> None:
    Charge.enqueue("x" * LARGEST)

    assert shown(monitor) is not shown(monitor)
    assert shown(monitor) == shown(monitor)
