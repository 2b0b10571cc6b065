"""What a worker writes about itself."""

import os
import re

import pytest

from buoy.broker.broker import Broker
from buoy.errors import Unavailable
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


def test_the_entry_lasts_for_one_lease(world: World) -> None:
    registration = registration_at(world.broker, ["running"])
    registration.publish()

    key = world.broker.keys.worker(registration.id)
    left = world.broker.client.call("PTTL", key) / 1000

    assert left == pytest.approx(world.broker.settings.lease, abs=2.0)


def test_without_redis_it_is_not_published() -> None:
    registration = registration_at(Broker(Settings(url="redis://127.0.0.1:1")), ["running"])

    with pytest.raises(Unavailable):
        registration.publish()

    assert not registration.published
