"""What the page tells of queues and workers."""

from collections.abc import Callable

import pytest

from buoy import App, Job
from buoy.testing import Clock, FakeWorker

from .conftest import Page

Scrape = Callable[[], Page]
Register = Callable[..., None]


@pytest.fixture
def register(buoy_app: App) -> Register:
    """Returns a function that registers a worker."""

    def make(id: str, queues: str, state: str = "running", slots: int = 1) -> None:
        key = buoy_app.global_key("worker", id)
        [seconds, _] = buoy_app.command("TIME")
        buoy_app.command("HSET", key, "queues", queues, "state", state, "slots", slots)
        buoy_app.command("ZADD", buoy_app.global_key("workers"), int(seconds) * 1000, id)

    return make


class Charge(Job):
    queue = "purchasing"

    def perform(self, number: int) -> None:
        if number < 0:
            raise ValueError(number)


def test_jobs_are_counted_in_each_state(buoy_app: App, page: Scrape) -> None:
    worker = FakeWorker(buoy_app, "purchasing")
    Charge.enqueue(-1)
    worker.run(worker.take())
    Charge.enqueue_many([(1,), (2,), (3,)])
    Charge.using(delay=60).enqueue(4)
    worker.take()

    found = page()

    states = ("queued", "delayed", "running", "failed")
    counts = {state: found["buoy_queue_jobs", "purchasing", state] for state in states}
    assert counts == {"queued": 2, "delayed": 1, "running": 1, "failed": 1}


def test_a_paused_queue_is_marked(buoy_app: App, page: Scrape) -> None:
    Charge.enqueue(1)
    assert page()["buoy_queue_paused", "purchasing"] == 0

    buoy_app.control.pause("purchasing")

    assert page()["buoy_queue_paused", "purchasing"] == 1


def test_workers_count_for_each_queue_that_they_serve(page: Scrape, register: Register) -> None:
    Charge.enqueue(1)
    for queue in ("mail", "mail_bulk", "audit"):
        Charge.using(queue=queue).enqueue(1)
    register("one", "purchasing")
    register("two", "mail*:5,purchasing:1,!mail_bulk")

    found = page()

    names = ("purchasing", "mail", "mail_bulk", "audit")
    assert [found["buoy_queue_workers", name] for name in names] == [2, 1, 0, 0]


@pytest.mark.parametrize("state", ["starting", "paused", "stopping", "grace over"])
def test_only_workers_that_take_jobs_serve_a_queue(
    page: Scrape, register: Register, state: str
) -> None:
    Charge.enqueue(1)
    register("one", "purchasing", state)

    found = page()

    assert found["buoy_queue_workers", "purchasing"] == 0
    assert found["buoy_workers", state] == 1


def test_a_worker_that_was_killed_serves_nothing(
    buoy_app: App, page: Scrape, register: Register
) -> None:
    Charge.enqueue(1)
    register("one", "purchasing")
    buoy_app.command("DEL", buoy_app.global_key("worker", "one"))

    found = page()

    assert found["buoy_queue_workers", "purchasing"] == 0
    assert found["buoy_workers", "gone"] == 1


def test_a_registration_that_no_worker_has_written_serves_nothing(
    page: Scrape, register: Register
) -> None:
    Charge.enqueue(1)
    register("odd", "!")

    assert page()["buoy_queue_workers", "purchasing"] == 0


def test_slots_are_told_of_each_worker(page: Scrape, register: Register) -> None:
    register("one", "purchasing", slots=4)
    register("two", "purchasing", slots=10)

    found = page()

    assert found["buoy_worker_slots", "one"] == 4
    assert found["buoy_worker_slots", "two"] == 10


def test_busy_slots_and_memory_are_told_of_each_worker(
    buoy_app: App, page: Scrape, register: Register
) -> None:
    register("fake", "purchasing", slots=4)
    buoy_app.command("HSET", buoy_app.global_key("worker", "fake"), "memory", 50_000_000)
    Charge.enqueue_many([(1,), (2,)])
    worker = FakeWorker(buoy_app, "purchasing")
    worker.take()
    worker.take()

    found = page()

    assert found["buoy_worker_busy_slots", "fake"] == 2
    assert found["buoy_worker_memory_bytes", "fake"] == 50_000_000


def test_latency_is_the_age_of_the_oldest_job_that_is_due(page: Scrape, buoy_clock: Clock) -> None:
    Charge.using(delay=60).enqueue(1)
    assert page()["buoy_queue_latency_seconds", "purchasing"] == 0
    buoy_clock.advance(100)

    assert page()["buoy_queue_latency_seconds", "purchasing"] == pytest.approx(40, abs=20)


def test_while_everything_is_paused_so_is_each_queue(buoy_app: App, page: Scrape) -> None:
    Charge.enqueue(1)
    buoy_app.control.pause_all()

    assert page()["buoy_queue_paused", "purchasing"] == 1


def test_an_empty_redis_has_a_page(page: Scrape) -> None:
    found = page()

    assert found.pop(("buoy_scrape_duration_seconds",)) > 0
    assert found == {("buoy_redis_up",): 1, ("buoy_scrape_errors_total",): 0}
