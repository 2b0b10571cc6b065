"""Redis away, frozen or full: workers wait or drain, go on by themselves, and keep their jobs."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from buoy.embedded.server import Server
from buoy.errors import EnqueueError
from tests.support.processes import Site, WorkerProcess, holds_for, wait_until
from tests.support.proxy import Proxy

from .apps.jobs import Note, Sleep, Wait

LEASES = 3
"""How many leases an outage lasts here."""

WITHOUT_PAUSES = 1.0
"""CPU seconds that two seconds of tries without pauses take at least, on a busy machine, too. With
pauses it is a tenth of that."""


def runs(worker: WorkerProcess) -> bool:
    return worker.process.poll() is None


@contextmanager
def killed(server: Server) -> Iterator[None]:
    server.kill()
    yield
    server.start()


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    assert server.pid
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@pytest.mark.parametrize("outage", [killed, frozen])
def test_no_job_is_taken_from_a_worker_by_an_outage(
    own_site: Site, executor: str, outage: Callable[[Server], AbstractContextManager[None]]
) -> None:
    """One job ends in the midst of the outage, one after it; a second worker would take them."""
    site = own_site
    site.lease = 1.5
    Wait.enqueue("during", "first gate")
    Wait.enqueue("after", "second gate")
    workers = [site.worker("--executor", executor) for _ in range(2)]
    wait_until(lambda: len(site.words("began")) == 2)
    with outage(site.server):
        holds_for(LEASES * site.lease / 2, lambda: all(map(runs, workers)))
        site.open("first gate")
        site.note("ran", "during")
        holds_for(LEASES * site.lease / 2, lambda: all(map(runs, workers)))
    Note.enqueue("new")
    site.note("ran", "new")
    holds_for(1.5 * site.lease, lambda: len(site.words("began")) == 2)
    site.open("second gate")
    site.settled()
    assert sorted(site.words("began")) == ["after", "during"]
    assert site.words() == ["during", "new", "after"]
    assert site.view().done == 3
    for worker in workers:
        worker.stop()
        assert "lost the lease" not in worker.log


def test_while_clients_are_paused_no_job_is_taken(site: Site, executor: str) -> None:
    site.lease = 2.0
    Wait.enqueue("running", "gate")
    for _ in range(2):
        site.worker("--executor", executor).wait_for_log("serves")
    site.note("began")
    site.app.broker.client.call("CLIENT", "PAUSE", round(3 * site.lease * 1000))
    Note.enqueue("new")  # waits for the end of the pause
    site.note("ran", "new")
    holds_for(site.lease, lambda: site.words("began") == ["running"])
    site.open("gate")
    site.settled()


def test_an_outage_costs_little_and_says_little(own_site: Site, executor: str) -> None:
    site = own_site
    worker = site.worker("--executor", executor)
    Note.enqueue("before")
    site.note("ran", "before")
    wait_until(site.idle)
    lines, cost = len(worker.log.splitlines()), worker.cpu_seconds
    with killed(site.server):
        holds_for(3.0, lambda: runs(worker))
        assert worker.cpu_seconds - cost < WITHOUT_PAUSES
    Note.enqueue("after")
    site.note("ran", "after")
    worker.wait_for_log("Redis is back")
    assert len(worker.log.splitlines()) - lines <= 3, worker.log


def test_a_proxy_that_closes_every_connection_is_not_hammered(site: Site, executor: str) -> None:
    with Proxy(site.server.url) as proxy:
        worker = site.worker("--executor", executor, url=proxy.url)
        Note.enqueue("before")
        site.note("ran", "before")
        cost = worker.cpu_seconds
        proxy.refuse()
        proxy.drop()
        holds_for(2.0, lambda: runs(worker))
        assert worker.cpu_seconds - cost < WITHOUT_PAUSES
        proxy.resume()
        Note.enqueue("after")
        site.note("ran", "after")
        worker.stop()


def test_a_black_hole_does_not_keep_a_worker_from_stopping(site: Site, executor: str) -> None:
    with Proxy(site.server.url) as proxy:
        url = proxy.url + "?socket_timeout=1"
        worker = site.worker("--executor", executor, "--grace", "0.2", url=url)
        Wait.enqueue("running", "gate")
        site.note("began")
        proxy.freeze()
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
        proxy.resume()
    site.open("gate")
    site.burst("--executor", executor)
    site.worker("--executor", executor)
    site.settled()
    assert set(site.words()) == {"running"}


def test_what_redis_cannot_do_for_now_is_waited_for(own_site: Site, executor: str) -> None:
    site, client = own_site, own_site.app.broker.client
    Wait.enqueue("running", "gate")
    Note.enqueue("next")
    worker = site.worker("--executor", executor)
    site.note("began")
    client.call("REPLICAOF", "127.0.0.1", "1")  # all writes are refused from now on
    site.open("gate")
    worker.wait_for_log("read only replica")
    holds_for(2 * site.lease, lambda: runs(worker))
    client.call("REPLICAOF", "NO", "ONE")
    site.note("ran", "next")
    site.settled()
    assert site.words("began") == ["running"]
    assert worker.log.count("trying again") == 1
    worker.stop()


def test_an_idle_worker_stops_soon_though_redis_is_away(own_site: Site, executor: str) -> None:
    worker = own_site.worker("--executor", executor, "--grace", "600")
    # Without a job: the answer to what it says of one could be lost, and it would ask for that.
    worker.wait_for_log("serves")
    own_site.server.kill()
    worker.wait_for_log("trying again")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0


def test_a_full_redis_takes_nothing_in_and_is_drained(own_site: Site, executor: str) -> None:
    site, client = own_site, own_site.app.broker.client
    Sleep.enqueue_many([(str(n), 0.005) for n in range(100)])
    used = client.call("INFO", "memory").split(b"used_memory:")[1].split(b"\r")[0]
    client.call("CONFIG", "SET", "maxmemory", int(used) // 2)
    with pytest.raises(EnqueueError, match="Redis is full"):
        Note.enqueue("one too many")
    site.lease = 10.0
    workers = [site.worker("--executor", executor) for _ in range(2)]
    site.settled()
    assert sorted(site.words(), key=int) == [str(n) for n in range(100)]
    client.call("CONFIG", "SET", "maxmemory", 0)
    Note.enqueue("room again")
    site.note("ran", "room again")
    for worker in workers:
        worker.stop()


def test_a_full_redis_keeps_leases_alive(own_site: Site) -> None:
    site, client = own_site, own_site.app.broker.client
    site.lease = 2.0
    Wait.enqueue("running", "gate")
    for _ in range(2):
        site.worker().wait_for_log("serves")
    site.note("began")
    client.call("CONFIG", "SET", "maxmemory", 1)
    holds_for(2.5 * site.lease, lambda: site.words("began") == ["running"])
    site.open("gate")
    site.settled()
    assert site.view().done == 1


def test_a_redis_that_forgets_everything_stops_no_worker(site: Site, executor: str) -> None:
    Wait.enqueue("forgotten", "gate")
    worker = site.worker("--executor", executor, "-v")
    site.note("began")
    site.app.broker.client.call("FLUSHALL")
    site.app.broker.registered.clear()
    Note.enqueue("new")
    site.open("gate")
    site.note("ran", "new")
    site.settled()
    assert site.view().done == 1
    worker.stop()


def test_scripts_that_redis_forgets_are_sent_again(site: Site, executor: str) -> None:
    site.worker("--executor", executor)
    for n in range(5):
        site.app.broker.client.call("SCRIPT", "FLUSH")
        Note.enqueue(str(n))
        site.note("ran", str(n))
