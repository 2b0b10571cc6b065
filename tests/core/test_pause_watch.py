"""How a worker learns that everything is paused."""

from buoy.broker.broker import Broker
from buoy.operations.control import Control
from buoy.worker.pause_watch import LOOK_SECONDS, RETRY_SECONDS, PauseWatch
from tests.support.heartbeat import nowhere
from tests.support.world import World


class Watched:
    """A watch on a clock that stands still, and what it has told."""

    def __init__(self, broker: Broker) -> None:
        self.now = 100.0
        self.told: list[bool] = []
        self.watch = PauseWatch(broker, self.told.append, clock=lambda: self.now)

    def look(self) -> bool:
        self.now += max(0.0, self.watch.seconds_to_next())
        return self.watch.look_if_due()


def test_a_change_is_told_once(any_world: World) -> None:
    watched, control = Watched(any_world.broker), Control(any_world.broker)
    assert (watched.look(), watched.told) == (False, [])

    assert (control.pause_all(), control.pause_all()) == (True, False)
    assert (watched.look(), watched.look(), watched.told) == (True, False, [True])

    assert (control.resume_all(), control.resume_all()) == (True, False)
    assert (watched.look(), watched.look(), watched.told) == (True, False, [True, False])


def test_it_looks_once_a_second(world: World) -> None:
    watched = Watched(world.broker)
    watched.look()
    Control(world.broker).pause_all()

    assert watched.watch.seconds_to_next() == LOOK_SECONDS
    assert not watched.watch.look_if_due()


def test_while_redis_is_away_the_last_look_counts() -> None:
    watched = Watched(nowhere())
    watched.watch.paused = True

    assert (watched.look(), watched.watch.paused, watched.told) == (False, True, [])
    assert watched.watch.seconds_to_next() == RETRY_SECONDS


def test_a_mark_of_a_wrong_type_is_no_pause(world: World) -> None:
    world.broker.client.call("HSET", "buoy:paused", "a", "b")
    watched = Watched(world.broker)

    assert (watched.look(), watched.watch.paused) == (False, False)
