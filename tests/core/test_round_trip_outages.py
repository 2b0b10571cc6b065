"""A worker's round trips where Redis does not answer, or says no."""

from collections.abc import Iterator

import pytest

from buoy.broker.broker import Broker
from buoy.executor import limits
from buoy.executor.inline import Inline
from buoy.model.queue_list import QueueList
from buoy.model.reservation import Reservation, Settlement
from buoy.settings import Settings
from buoy.worker.worker import Worker
from tests.support.clock import pauses_stand_still
from tests.support.proxy import Proxy, When
from tests.support.world import World, done


@pytest.fixture
def worker(world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker of two queues, in the middle of its work, on the far side of the proxy."""
    monkeypatch.setattr(limits, "registry", {})  # classes of other tests have limits
    pauses_stand_still(monkeypatch)
    worker = Worker(Broker(Settings(url=proxy.url)), Inline(), QueueList.parse("odd,mail"))
    with worker.signals:
        worker.served_queues.refresh()
        yield worker
    worker.wakeup.close()
    worker.broker.client.close()


def fetch(worker: Worker, room: int = 5) -> list[Reservation]:
    """Go until something is taken, or all queues have been visited."""
    for _ in range(4):
        if taken := worker.round_trips.run_once(room):
            return taken
    return []


def test_a_stop_waits_for_a_reply_that_may_bring_jobs(
    world: World, proxy: Proxy, worker: Worker
) -> None:
    world.enqueue("a", "b", "c")
    world.trip(0)  # Redis knows the script
    worker.selector.expect_jobs("mail")
    worker.selector.update({}, all_seen=True)
    proxy.cut(1, "after")
    assert fetch(worker, room=2) == []
    assert world.running == ["a", "b"]

    worker.lifecycle.recycle()

    assert worker.round_trips.must_finish
    assert not worker.is_over()
    for pause in worker.round_trips.outages.backoffs.values():
        pause.clear()
    worker.work()
    assert not worker.round_trips.must_finish
    assert (world.queued, world.running) == (["a", "b", "c"], [])


def test_a_stop_does_not_wait_for_a_reply_that_brings_nothing(
    world: World, proxy: Proxy, worker: Worker
) -> None:
    world.enqueue("a")
    worker.selector.expect_jobs("mail")
    [job] = fetch(worker)
    worker.round_trips.settlements.append(done(job))
    proxy.cut(1, "after")
    worker.round_trips.run_once(0)

    assert not worker.round_trips.must_finish
    assert world.jobs == {}


def test_a_queue_that_stands_still_is_told_once_and_tried_again(
    world: World, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    world.enqueue("a")
    odd = World(world.broker, world.nodes, queue="odd")
    odd.enqueue("b")
    job = next(each for each in fetch(worker) if each.queue == "odd")
    odd.call("SET", "failed", "x")
    worker.round_trips.settlements.append(Settlement.of(job, "failed", payload="why"))

    assert [each.id for each in fetch(worker)] == ["a"]
    assert worker.round_trips.outages.with_wakeups(worker.selector.queues) == ["mail"]
    worker.round_trips.outages.backoffs["odd"].clear()
    fetch(worker)
    [told] = [each.getMessage() for each in caplog.records]
    assert told == (
        "queue=odd is blocked: buoy:{odd}:failed: expected a zset, got a string; nothing was "
        "changed; RENAME it to a name of its own, and find out what writes there; trying again"
    )
    assert odd.running == ["b"]

    odd.call("DEL", "failed")
    worker.round_trips.outages.backoffs["odd"].clear()
    fetch(worker)

    assert odd.failed == ["b"]
    assert worker.round_trips.outages.with_wakeups(worker.selector.queues) == ["odd", "mail"]
    assert caplog.records[-1].getMessage() == "queue=odd works again"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_job_that_has_ended_is_not_put_back_by_what_ends_the_process(
    world: World, proxy: Proxy, worker: Worker, when: When, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis was away for a moment while a job was settled, and a long job of the other queue runs
    until the grace time is over."""
    odd = World(world.broker, world.nodes, queue="odd")
    odd.enqueue("ended")
    world.enqueue("long")
    taken: dict[str, Reservation] = {}
    while len(taken) < 2:
        taken |= {each.id: each for each in fetch(worker)}
    worker.round_trips.settle([done(taken["ended"])])
    proxy.cut(1, when)
    worker.round_trips.run_once(0)
    assert worker.round_trips.unanswered.keys() == {"odd"}

    worker.heartbeat.release_all()

    assert (odd.jobs, odd.call("HGET", "meta", "done")) == ({}, b"1")
    assert world.queued == ["long"]
    assert len(worker.in_flight) == 0
    assert "grace time over: 1 unfinished jobs are released" in caplog.messages
    assert "refused" not in caplog.text


def test_a_look_at_several_queues_sees_the_others_of_one_that_is_wrong(world: World) -> None:
    for queue in ("a", "b", "c"):
        World(world.broker, world.nodes, queue=queue).enqueue("1", "2")
    for part, command in (("queued", "SET"), ("delayed", "SET"), ("meta", "SET")):
        key = world.broker.keys.part("b", part)
        world.broker.client.calls([["DEL", key], [command, key, "x"]])

        _, looks = world.broker.advance("one", [], ["a", "b", "c"])

        assert looks == {"a": (2, None), "b": (1, None), "c": (2, None)}
        world.broker.client.call("DEL", key)
