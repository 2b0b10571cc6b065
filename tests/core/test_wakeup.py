"""How an idle worker waits for work, without a worker."""

import select
import time
from collections.abc import Iterator

import pytest

from buoy.embedded.server import Server
from buoy.worker.queue_selection import POLL_SECONDS
from buoy.worker.wakeup import (
    BLOCK_SECONDS,
    LONGEST_POLL,
    SHORTEST_POLL,
    PollingWakeup,
    Wakeup,
    wakeup_for,
)
from tests.support.proxy import Proxy
from tests.support.tls import CERTIFICATE, TlsFront
from tests.support.world import World


@pytest.fixture
def wakeup(world: World, proxy: Proxy) -> Iterator[Wakeup]:
    wakeup = Wakeup(proxy.url, world.broker.keys)
    yield wakeup
    wakeup.close()


def is_readable(wakeup: Wakeup, seconds: float = 60.0) -> bool:
    return bool(select.select(wakeup.files(), [], [], seconds)[0])


class TestOneServer:
    def test_an_enqueued_job_wakes_who_listens_to_its_queue(
        self, world: World, wakeup: Wakeup
    ) -> None:
        wakeup.listen(["pdf", "mail"])
        assert not is_readable(wakeup, 0.05)

        world.enqueue("a")

        assert is_readable(wakeup)
        assert wakeup.read() == "mail"
        assert wakeup.files() == []

    def test_only_one_command_is_outstanding(
        self, world: World, proxy: Proxy, wakeup: Wakeup
    ) -> None:
        for _ in range(3):
            wakeup.listen(["mail"])
        world.enqueue("a")
        assert is_readable(wakeup)

        assert proxy.commands.count("BLPOP") == 1
        assert wakeup.seconds_to_listen() == BLOCK_SECONDS

    def test_other_queues_are_listened_to_at_once(self, world: World, wakeup: Wakeup) -> None:
        wakeup.listen(["pdf"])
        wakeup.listen(["mail", "pdf"])

        world.enqueue("a")

        assert is_readable(wakeup)
        assert wakeup.read() == "mail"

    def test_without_queues_nothing_is_sent(self, wakeup: Wakeup) -> None:
        wakeup.listen([])

        assert (wakeup.files(), wakeup.connection) == ([], None)

    def test_a_lost_connection_is_no_wakeup_and_is_opened_again_after_a_pause(
        self, world: World, proxy: Proxy, wakeup: Wakeup
    ) -> None:
        wakeup.listen(["mail"])
        proxy.wait_for(1)
        proxy.drop()
        assert is_readable(wakeup)
        assert wakeup.read() is None
        assert wakeup.seconds_to_listen() <= 0.05

        wakeup.backoff.until = time.monotonic() + 600
        wakeup.listen(["mail"])
        assert wakeup.files() == []
        wakeup.backoff.clear()
        wakeup.listen(["mail"])
        world.enqueue("a")

        assert is_readable(wakeup)
        assert wakeup.read() == "mail"

    def test_a_redis_that_is_away_raises_nothing(self, world: World) -> None:
        wakeup = Wakeup("redis://127.0.0.1:1", world.broker.keys)

        wakeup.listen(["mail"])

        assert wakeup.files() == []
        assert wakeup.backoff.failures == 1

    def test_what_a_server_with_tls_sends_of_its_own_is_no_reply(
        self, world: World, buoy_server: Server
    ) -> None:
        with TlsFront(buoy_server.url) as front:  # it sends tickets behind the handshake
            wakeup = Wakeup(f"{front.url}?ssl_ca_certs={CERTIFICATE}", world.broker.keys)
            wakeup.listen(["mail"])
            readable_before = is_readable(wakeup, 0.2)
            world.enqueue("a")

            assert not readable_before
            assert is_readable(wakeup)
            assert wakeup.read() == "mail"
            wakeup.close()

    def test_it_polls_seldom_whatever_it_finds(self, wakeup: Wakeup) -> None:
        wakeup.adapt(True)

        assert wakeup.poll_seconds == POLL_SECONDS


class TestCluster:
    def test_a_cluster_is_polled(self, world: World) -> None:
        keys = world.broker.keys

        assert isinstance(wakeup_for("redis+cluster://localhost", keys), PollingWakeup)
        assert isinstance(wakeup_for(world.broker.settings.url, keys), Wakeup)

    def test_it_polls_less_and_less_often_until_a_job_is_found(self) -> None:
        wakeup = PollingWakeup()
        polls = []
        for _ in range(30):
            polls.append(wakeup.poll_seconds)
            wakeup.adapt(False)

        assert polls[0] == SHORTEST_POLL
        assert polls[-1] == LONGEST_POLL
        assert polls == sorted(polls)
        wakeup.adapt(True)
        assert wakeup.seconds_to_listen() == SHORTEST_POLL

    def test_there_is_nothing_to_listen_to(self) -> None:
        wakeup = PollingWakeup()

        wakeup.listen(["mail"])

        assert (wakeup.files(), wakeup.read()) == ([], None)
        wakeup.close()
