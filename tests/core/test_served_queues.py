"""Which queues a worker serves, as they come into being."""

from collections.abc import Callable

import pytest

from buoy.errors import Unavailable
from buoy.model.queue_list import QueueList
from buoy.worker.queue_selection import POLL_SECONDS, QueueSelector
from buoy.worker.served_queues import ServedQueues
from tests.support.clock import ManualClock
from tests.support.world import World

Make = Callable[[str], ServedQueues]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def reads() -> list[tuple[str, ...]]:
    return []


@pytest.fixture
def served(world: World, clock: ManualClock, reads: list[tuple[str, ...]]) -> Make:
    def make(queues: str) -> ServedQueues:
        wanted, selector = QueueList.parse(queues), QueueSelector()
        return ServedQueues(world.broker, wanted, selector, on_read=reads.append, clock=clock)

    return make


def test_a_glob_serves_a_new_queue_from_the_next_reading_on(
    world: World, clock: ManualClock, served: Make, reads: list[tuple[str, ...]]
) -> None:
    queues = served("ma*")
    queues.refresh()
    world.enqueue("a")
    queues.refresh()
    assert reads == [()]

    clock.now += POLL_SECONDS
    queues.refresh()

    assert reads == [(), ("mail",)]
    assert list(queues.selector.queues) == ["mail"]


def test_a_fixed_list_is_read_once_and_asks_redis_nothing(
    clock: ManualClock,
    served: Make,
    reads: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queues = served("mail,bulk")
    monkeypatch.setattr(queues, "broker", None)
    queues.refresh()
    clock.now += POLL_SECONDS
    queues.refresh()

    assert reads == [("mail", "bulk")]


def test_a_refresh_without_redis_keeps_the_queues_and_a_reading_says_why(
    world: World, clock: ManualClock, served: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.enqueue("a")
    queues = served("*")
    queues.refresh()

    def away(*_: object, **__: object) -> None:
        raise Unavailable("Redis is away", sent=False)

    monkeypatch.setattr("buoy.worker.served_queues.Monitor", away)
    clock.now += POLL_SECONDS
    queues.refresh()
    assert list(queues.selector.queues) == ["mail"]
    with pytest.raises(Unavailable, match="Redis is away"):
        queues.read()
