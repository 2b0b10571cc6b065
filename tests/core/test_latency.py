"""The latency of a queue, and since when the jobs run that workers hold."""

import time

import pytest

from buoy import App, Job
from buoy.model.reservation import since_in, worker_in
from buoy.testing import Clock, FakeWorker
from tests.support.world import World


class Charge(Job):
    queue = "purchasing"
    tags = ("money",)

    def perform(self, n: int) -> None: ...


def latency(world: World) -> float:
    [view] = world.monitor.queues([world.queue])
    return view.latency


def payload(enqueued_at: float) -> bytes:
    return b'{"class":"Job","args":[],"id":"a","enqueued_at":%.3f}' % enqueued_at


class TestLatency:
    def test_is_the_age_of_the_oldest_queued_job(self, any_world: World) -> None:
        now = any_world.now() / 1000
        assert latency(any_world) == 0.0
        any_world.enqueue("a", payload=payload(now - 500))
        any_world.enqueue("b", payload=payload(now - 100))

        assert 499.9 < latency(any_world) < 590
        any_world.take_one()
        assert 99.9 < latency(any_world) < 190

    def test_of_a_delayed_job_begins_when_it_is_due(self, any_world: World) -> None:
        world = any_world
        now = world.now() / 1000
        world.enqueue("a", payload=payload(now), due="+600000")
        world.wait(500_000)
        assert latency(world) == 0.0

        world.wait(200_000)
        assert 99.9 < latency(world) < 190  # no worker has looked yet
        world.beat()
        assert 99.9 < latency(world) < 190

    def test_of_a_retried_job_begins_when_it_is_due_again(self, any_world: World) -> None:
        world = any_world
        world.enqueue("a", payload=payload(world.now() / 1000))
        world.wait(100_000)
        world.settle(world.take_one(), "delayed", wait=50.0)
        world.wait(80_000)
        world.beat()

        assert 29.9 < latency(world) < 79

    def test_does_not_count_jobs_that_run(self, any_world: World) -> None:
        world = any_world
        ids = [f"late {n}" for n in range(150)]
        world.enqueue(*ids, payload=payload(world.now() / 1000), due="+1000")
        world.enqueue("later", payload=payload(world.now() / 1000), due="+31000")
        world.wait(32_000)
        for _ in range(3):
            world.beat()
            world.wait(400)
        assert len(world.take(150)) == 150

        assert 1 < latency(world) < 31

    def test_a_lost_job_hides_no_older_one(self, any_world: World) -> None:
        world = any_world
        world.enqueue("lost", "old", payload=payload(world.now() / 1000 - 50))
        world.settle(world.take_one(), "crashed")

        assert world.queued == ["lost", "old"]
        assert 49.9 < latency(world) < 500

    @pytest.mark.parametrize("text", [b"?", b'{"class":"Job","enqueued_at":"x","id":"a"}'])
    def test_of_what_cannot_be_read_is_none(self, world: World, text: bytes) -> None:
        world.enqueue("a", payload=text)

        assert latency(world) == 0.0

    def test_of_a_time_in_the_future_is_none(self, world: World) -> None:
        world.enqueue("a", payload=payload(world.now() / 1000 + 1000))

        assert latency(world) == 0.0

    @pytest.mark.parametrize("part", ["due", "jobs", "tokens"])
    def test_a_key_of_a_wrong_type_is_skipped(
        self, world: World, part: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.enqueue("a", payload=payload(world.now() / 1000 - 50))
        world.broker.client.call("DEL", world.key(part))
        world.broker.client.call("SET", world.key(part), "x")

        assert latency(world) == 0.0
        assert f"{world.key(part)}: expected a" in caplog.text


class TestRunning:
    def test_each_job_tells_its_worker_and_since_when_it_runs(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        Charge.enqueue_many([(1,), (2,)])
        before = time.time()
        FakeWorker(buoy_app, "purchasing", name="one").take()
        buoy_clock.advance(60.0)
        FakeWorker(buoy_app, "purchasing", name="two").take()

        first, second = buoy_app.monitor.running_jobs()

        assert (first.worker, second.worker) == ("one", "two")
        assert (first.name, first.args, first.state, first.tags) == (
            Charge.name,
            [1],
            "running",
            ("money",),
        )
        assert first.since is not None
        assert second.since is not None
        assert before - 1 <= first.since <= time.time()
        assert 59.9 < second.since - first.since < 119
        found = buoy_app.find(first.id)
        assert found is not None
        assert (found.since, found.worker) == (first.since, "one")
        assert buoy_app.monitor.running_jobs(["mail"]) == []

    def test_a_queued_job_has_neither(self, buoy_app: App) -> None:
        found = buoy_app.find(Charge.enqueue(1).id)

        assert found is not None
        assert (found.since, found.worker) == (None, "")

    @pytest.mark.parametrize(
        ("token", "since", "worker"),
        [
            ("7@1500:w:1", 1.5, "w"),
            ("7:w:1", None, "w"),
            ("7@:w:1", None, "w"),
            ("7@x:w:1", None, "w"),
            ("7@²:w:1", None, "w"),
            (f"7@{'9' * 5000}:w:1", None, "w"),
            ("7@1500", 1.5, ""),
            ("", None, ""),
        ],
    )
    def test_a_token_of_another_form_tells_nothing(
        self, token: str, since: float | None, worker: str
    ) -> None:
        assert (since_in(token), worker_in(token)) == (since, worker)


@pytest.mark.parametrize("to", ["purchasing", "slow"])
def test_a_failed_job_that_is_retried_waits_from_then_and_is_counted_once(
    buoy_app: App, buoy_clock: Clock, to: str
) -> None:
    id = Charge.enqueue(1).id
    worker = FakeWorker(buoy_app, "purchasing")
    worker.kill(worker.take())
    buoy_clock.advance(1000.0)

    buoy_app.failures.retry([id], to=to)
    buoy_clock.advance(5.0)

    [view] = buoy_app.monitor.queues([to])
    assert 4.9 < view.latency < 60.0
    assert 4.9 < FakeWorker(buoy_app, to).take().waited(0.0) < 60.0
    assert [(each.queue, each.enqueued) for each in buoy_app.monitor.counts()] == [
        ("purchasing", 1)
    ]
