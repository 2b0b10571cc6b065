"""The heartbeat of a worker, and what it tells the main thread, without any process."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from math import inf

import pytest

from buoy.broker.broker import Broker
from buoy.errors import BrokerError, Unavailable
from buoy.model.entry import Entry
from buoy.model.handover import Handover
from buoy.model.reservation import HeartbeatReply, Reservation, Settlement
from buoy.settings import Settings
from buoy.worker.heartbeat import COMMAND_SECONDS
from tests.support.heartbeat import heartbeat_of, nowhere
from tests.support.processes import wait_until
from tests.support.world import LEASE, World, payload_of

SECONDS = LEASE / 1000


@pytest.fixture
def lost(world: World) -> Reservation:
    """What a worker holds that has just died."""
    world.enqueue("a")
    return world.take_one(worker="dying")


def test_the_heartbeat_goes_on_whatever_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without this thread all leases would be lost, and nobody would know."""
    broker = Broker(Settings(url=world.broker.settings.url, lease=0.1))
    heartbeat = heartbeat_of(broker)
    rounds: list[int] = []

    def run_once() -> None:
        rounds.append(1)
        heartbeat.ending = len(rounds) == 3
        raise ValueError("the executor")

    monkeypatch.setattr(heartbeat, "run_once", run_once)
    heartbeat.run()

    assert len(rounds) == 3
    assert set(caplog.messages) == {"the heartbeat failed, and is tried again"}


def test_it_hands_over_at_once_what_the_jobs_that_it_settles_have_enqueued(world: World) -> None:
    """The main thread is in a long job then, and would do it only after that."""
    world.enqueue("a")
    held = world.take_one()
    heartbeat = heartbeat_of(world.broker)
    heartbeat.in_flight.add([held])
    follower = Handover("to-b", "a", "shop", Entry("b", payload_of("b"), "Pack"))
    heartbeat.unsettled = [Settlement.of(held, "done", children=[(follower.encoded(),)])]

    heartbeat.settle()

    assert World(world.broker, world.nodes, "shop").queued == ["b"]
    assert [heartbeat.has_handed_over(), heartbeat.has_handed_over()] == [True, False]


class TestBeats:
    @pytest.mark.parametrize(("lease", "soon"), [(30.0, 0.5), (5.0, 0.5), (1.0, 0.1)])
    def test_a_heartbeat_that_fails_is_tried_again_soon(self, lease: float, soon: float) -> None:
        assert heartbeat_of(nowhere(lease)).beat() == soon

    def test_a_heartbeat_is_due_each_third_of_a_lease_and_no_look_between(
        self, world: World
    ) -> None:
        heartbeat = heartbeat_of(world.broker)
        assert heartbeat.beat() == SECONDS / 3
        assert (heartbeat.late_queues, heartbeat.next_look) == ([], inf)

    def test_a_queue_with_a_late_holder_is_watched_closely(
        self, world: World, lost: Reservation
    ) -> None:
        heartbeat = heartbeat_of(world.broker)
        world.wait(LEASE)

        before = time.monotonic()
        assert heartbeat.beat() == SECONDS / 3

        assert heartbeat.late_queues == ["mail"]
        assert before <= heartbeat.next_look - SECONDS / 30 <= time.monotonic()

    def test_the_main_thread_hears_when_a_holder_begins_and_ceases_to_be_late(
        self, world: World, lost: Reservation
    ) -> None:
        told: list[object] = []
        heartbeat = heartbeat_of(world.broker, told.append)
        heartbeat.beat()
        world.wait(LEASE)
        for _ in range(3):
            heartbeat.renew({"mail": []})
        world.beat(lost)
        heartbeat.renew({"mail": []})
        assert told == [[], [], []]
        assert heartbeat.late_queues == []

    def test_lost_jobs_are_awaited_for_two_leases_at_most(
        self, world: World, lost: Reservation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heartbeat = heartbeat_of(world.broker)
        assert heartbeat.expects_lost_jobs()
        heartbeat.beat()
        assert not heartbeat.expects_lost_jobs()
        world.wait(LEASE)
        heartbeat.beat()
        assert heartbeat.expects_lost_jobs()
        heartbeat.late_since -= 2 * SECONDS
        assert not heartbeat.expects_lost_jobs()

    def test_without_redis_no_lost_jobs_are_awaited(self) -> None:
        heartbeat = heartbeat_of(nowhere())
        heartbeat.beat()
        assert not heartbeat.expects_lost_jobs()

    def test_other_queues_are_looked_at_without_a_pause(
        self, world: World, lost: Reservation
    ) -> None:
        heartbeat = heartbeat_of(world.broker)
        heartbeat.serve(())
        world.wait(LEASE)
        heartbeat.beat()
        assert heartbeat.late_queues == []

        heartbeat.serve(("mail",))

        assert (heartbeat.expects_lost_jobs(), heartbeat.next_beat) == (True, 0.0)
        heartbeat.beat()
        assert heartbeat.late_queues == ["mail"]


class TestThread:
    def test_what_is_due_is_done(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        heartbeat = heartbeat_of(world.broker)
        done: list[str] = []

        def note(what: str, result: object) -> Callable[..., object]:
            def noted(*_: object) -> object:
                done.append(what)
                return result

            return noted

        for name, result in {"beat": 600.0, "renew": True, "housekeep": None}.items():
            monkeypatch.setattr(heartbeat, name, note(name, result))

        heartbeat.run_once()
        assert done == ["beat"]
        assert heartbeat.seconds_to_next() == 0.0  # to look at the queues
        heartbeat.run_once()
        heartbeat.next_look = inf
        heartbeat.set_busy(True)
        heartbeat.run_once()

        assert done == ["beat", "renew", "housekeep"]
        assert 1.0 < heartbeat.seconds_to_next() <= 600.0

    def test_after_a_look_that_fails_a_whole_heartbeat_follows_soon(self) -> None:
        heartbeat = heartbeat_of(nowhere())
        before = time.monotonic()
        heartbeat.late_queues, heartbeat.next_beat = ["mail"], before + 600.0

        heartbeat.run_once()

        assert before <= heartbeat.next_beat - 0.5 <= time.monotonic()
        assert heartbeat.late_queues == ["mail"]

    def test_it_is_woken_by_other_queues_and_by_jobs_to_look_after(self, world: World) -> None:
        heartbeat = heartbeat_of(world.broker)
        heartbeat.woken.clear()
        heartbeat.serve(("mail",))
        heartbeat.set_busy(False)
        assert not heartbeat.woken.is_set()

        heartbeat.set_busy(True)
        assert heartbeat.woken.is_set()
        heartbeat.woken.clear()
        heartbeat.set_busy(True)
        assert not heartbeat.woken.is_set()

        heartbeat.serve(("pdf",))
        assert heartbeat.woken.is_set()

    def test_it_renews_leases_until_it_ends_and_is_gone_from_the_list(self, world: World) -> None:
        heartbeat = heartbeat_of(world.broker)
        world.enqueue("a")
        heartbeat.in_flight.add([world.take_one()])
        world.wait(LEASE // 2)
        heartbeat.start()
        wait_until(world.monitor.workers)

        heartbeat.end()

        assert not heartbeat.is_alive()
        assert world.monitor.workers() == []
        assert world.left() > LEASE * 0.6  # there was half of it

    @pytest.mark.parametrize("published", [True, False])
    def test_a_thread_that_was_not_started_withdraws_what_was_published(
        self, world: World, published: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heartbeat = heartbeat_of(world.broker)
        if published:
            heartbeat.first_beat()
            assert len(world.monitor.workers()) == 1
        withdrawn: list[bool] = []
        monkeypatch.setattr(heartbeat, "sign_off", lambda: withdrawn.append(True))

        heartbeat.end()

        assert withdrawn == [True] * published

    def test_signing_off_without_redis_raises_nothing(self) -> None:
        heartbeat_of(nowhere()).sign_off()


class TestFirstBeat:
    def test_without_redis_it_raises(self) -> None:
        with pytest.raises(Unavailable):
            heartbeat_of(nowhere()).first_beat()

    def test_a_queue_with_a_wrong_key_is_no_reason_to_raise(self, world: World) -> None:
        world.call("SET", "leases", "x")

        heartbeat_of(world.broker).first_beat()

        assert [view.id for view in world.monitor.workers()] == ["one"]

    @pytest.mark.parametrize(
        ("queues", "error", "raises"),
        [
            (["mail"], Unavailable("a node is away", sent=False), True),
            (["mail", "pdf"], Unavailable("a node is away", sent=False), False),
            (["mail", "pdf"], BrokerError("no right"), True),
        ],
    )
    def test_in_a_cluster_one_reachable_queue_is_enough_unless_waiting_does_not_help(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        queues: list[str],
        error: BrokerError,
        raises: bool,
    ) -> None:
        def miss_one(_: object, missed: list[BrokerError]) -> HeartbeatReply:
            missed.append(error)
            return HeartbeatReply([], [], set(), {})

        heartbeat = heartbeat_of(world.broker)
        heartbeat.serve(tuple(queues))
        monkeypatch.setattr(world.broker, "heartbeat", miss_one)

        with pytest.raises(BrokerError) if raises else nullcontext():
            heartbeat.first_beat()

    def test_it_writes_lost_names_of_queues_again(self, world: World) -> None:
        heartbeat_of(world.broker, nonempty_queues=["mail"]).first_beat()

        assert world.monitor.queue_names() == ["mail"]


class TestQueueNames:
    def test_names_that_redis_has_lost_are_written_again(self, world: World) -> None:
        heartbeat = heartbeat_of(world.broker, nonempty_queues=["mail"])

        heartbeat.beat()

        assert world.monitor.queue_names() == ["mail"]

    def test_a_queue_that_holds_nothing_is_not_listed(self, world: World) -> None:
        heartbeat_of(world.broker).beat()

        assert world.monitor.queue_names() == []


class TestCommands:
    @pytest.fixture
    def sent(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """The signals that this process sends to itself."""
        sent: list[int] = []
        monkeypatch.setattr(os, "kill", lambda _, number: sent.append(number))
        return sent

    def test_a_command_is_obeyed_once(
        self, world: World, sent: list[int], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        heartbeat = heartbeat_of(world.broker)

        assert heartbeat.apply_command(b"quiet 1")
        assert not heartbeat.apply_command(b"quiet 1")
        assert heartbeat.apply_command(b"quiet 2")

        assert sent == [signal.SIGUSR2, signal.SIGUSR2]
        assert caplog.messages == ["received worker command: quiet"] * 2

    @pytest.mark.parametrize("command", [None, BrokerError("no right"), b"dance 1"])
    def test_what_is_no_known_command_is_ignored(
        self, world: World, sent: list[int], command: object
    ) -> None:
        assert not heartbeat_of(world.broker).apply_command(command)
        assert sent == []

    def test_after_a_command_the_new_state_is_published_soon(
        self, world: World, sent: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heartbeat = heartbeat_of(world.broker)
        monkeypatch.setattr(heartbeat.registration, "publish", lambda: [b"stop 1"])

        assert heartbeat.beat() == COMMAND_SECONDS
        assert heartbeat.beat() == SECONDS / 3
