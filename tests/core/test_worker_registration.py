"""What a worker writes about itself."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter

import pytest

from buoy.broker.broker import Broker
from buoy.errors import Unavailable
from buoy.process.system import resident_memory, tree_memory
from buoy.settings import Settings
from buoy.worker.registration import WorkerRegistration, worker_id
from tests.support.world import World


def registration_at(broker: Broker, states: list[str]) -> WorkerRegistration:
    return WorkerRegistration(
        broker, worker_id(), queues="mail,pdf", executor="fork", slots=3, state=lambda: states[-1]
    )


def test_an_id_names_host_and_process_and_is_new_each_time() -> None:
    first, second = worker_id(), worker_id()

    assert first != second
    assert re.fullmatch(rf"[\w.-]+-{os.getpid()}-[0-9a-f]{{6}}", first)


def test_it_is_listed_with_its_present_state_until_it_is_withdrawn(world: World) -> None:
    states = ["running"]
    registration = registration_at(world.broker, states)
    assert not registration.published

    registration.publish()
    states.append("stopping")
    command = registration.publish()[-1]

    [view] = world.monitor.workers()
    assert (view.id, view.state, view.slots) == (registration.id, "stopping", 3)
    assert (view.queues, view.executor, view.pid) == ("mail,pdf", "fork", os.getpid())
    assert registration.published
    assert command is None
    registration.withdraw()
    assert world.monitor.workers() == []


def test_it_tells_its_memory_and_its_counts(world: World) -> None:
    counts = Counter({"done": 7, "failed": 1})
    shown = {"queues": "mail", "executor": "fork", "slots": 3}
    registration = WorkerRegistration(world.broker, "w-1", counts=lambda: counts, **shown)  # type: ignore[arg-type]
    world.enqueue("a", "b")
    world.take_one(worker="w-1")
    registration.publish()

    [view] = world.monitor.workers()

    assert view.counts == {"done": 7, "failed": 1}
    assert (view.busy, view.free, view.running) == (1, 2, ["a"])
    assert resident_memory(os.getpid()) / 2 < view.memory < 64 * resident_memory(os.getpid())


@pytest.mark.parametrize("text", ["", "x", "[]", '{"done":"x"}', '{"done":true}', "\xff"])
def test_counts_that_cannot_be_read_are_none(world: World, text: str) -> None:
    registration_at(world.broker, ["running"]).publish()
    [view] = world.monitor.workers()
    world.broker.client.call("HSET", world.broker.keys.worker(view.id), "counts", text)

    [view] = world.monitor.workers()

    assert view.counts == {}


def test_a_worker_that_is_gone_has_no_free_slot(world: World) -> None:
    registration_at(world.broker, ["running"]).publish()
    [view] = world.monitor.workers()
    assert (view.busy, view.free) == (0, 3)
    world.broker.client.call("DEL", world.broker.keys.worker(view.id))

    [view] = world.monitor.workers()

    assert (view.gone, view.busy, view.free) == (True, 0, 0)


def test_memory_is_that_of_all_descendants() -> None:
    holds = "import time; held = bytearray(64 << 20); print(flush=True); time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {holds!r}])"
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout is not None
        child.stdout.readline()

        assert tree_memory(child.pid) - resident_memory(child.pid) > 64 << 20

        os.killpg(child.pid, signal.SIGKILL)


def test_the_entry_lasts_for_one_lease(world: World) -> None:
    registration = registration_at(world.broker, ["running"])
    registration.publish()

    key = world.broker.keys.worker(registration.id)
    left = world.broker.client.call("PTTL", key) / 1000

    assert left == pytest.approx(world.broker.settings.lease, abs=15.0)


def test_without_redis_it_is_not_published() -> None:
    registration = registration_at(Broker(Settings(url="redis://127.0.0.1:1")), ["running"])

    with pytest.raises(Unavailable):
        registration.publish()

    assert not registration.published
