"""On a cluster, where queues lie on several nodes: what is known of a job lies beside it."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from buoy.connection.server import ServerClient
from buoy.testing import drain
from buoy_status import astatus, await_for, cancel, status, wait_for
from tests.support.cluster import Cluster
from tests.support.processes import Site, wait_until

from .apps.statuses import Brave, Work

QUEUES = [f"queue{number}" for number in range(6)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def site(cluster: Cluster, make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site on the cluster; no node counts as away because a busy machine holds it up."""
    for module in ("cluster", "async_client"):
        monkeypatch.setattr(f"buoy.connection.{module}.NODE_REPLY_SECONDS", 60.0)
    monkeypatch.setattr("buoy.broker.broker.WORKER_NODE_SECONDS", 60.0)  # or a quarter of a lease
    site = make_site(cluster, lease=240.0)
    site.lease = 1.0  # of workers
    return site


def test_jobs_of_all_nodes_are_told_of(site: Site) -> None:
    handles = [Brave.using(queue=queue).enqueue(7) for queue in QUEUES]
    with ThreadPoolExecutor(len(QUEUES)) as pool:
        ends = list(pool.map(lambda handle: pool.submit(wait_for, handle, 120), handles))
        drain(site.app)
        for queue, handle, end in zip(QUEUES, handles, ends, strict=True):
            found = end.result(120)
            assert found is not None
            assert (found.state, found.result, found.queue) == ("done", 14, queue)
            assert found == status(handle.id) == status(Brave.using(queue=queue), 7)


def test_a_running_job_is_told_of_and_cancelled(site: Site) -> None:
    handle = Work.using(queue="queue3").enqueue("word", "gate")
    worker = site.worker(queues="queue3", app="statuses")
    site.note("began")
    running = status(handle.id)
    assert running is not None
    assert running.progress is not None
    assert (running.state, running.progress.fraction) == ("running", 0.5)

    assert cancel(handle.id) == "running"
    assert wait_for(handle.id) == status(handle)
    worker.stop()


def test_awaiting_a_status_works_on_a_cluster(site: Site) -> None:
    async def ask() -> None:
        handle = await Brave.aenqueue(8)
        end = asyncio.create_task(await_for(handle, 120))
        await asyncio.sleep(0)
        await asyncio.to_thread(drain, site.app)
        found = await end
        assert found is not None
        assert found.result == 16
        assert found == await astatus(Brave, 8)
        await site.app.aclose()

    asyncio.run(ask())


def test_many_who_await_do_not_keep_others_from_redis(
    site: Site, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buoy_status.waiting.LONGEST_WAIT", 600.0)
    nodes = [ServerClient(server.url) for server in cluster.servers]

    def all_wait() -> bool:
        return any(b"blocked_clients:40" in node.call("INFO", "clients") for node in nodes)

    async def crowd() -> None:
        handles = [await Brave.using(queue="queue1").aenqueue(number) for number in range(40)]
        waits = [asyncio.create_task(await_for(handle)) for handle in handles]
        await asyncio.to_thread(wait_until, all_wait)
        await asyncio.wait_for(Brave.using(queue="queue1").aenqueue(99), 120)
        await asyncio.to_thread(drain, site.app)
        found = await asyncio.gather(*waits)
        assert [each and each.result for each in found] == [2 * n for n in range(40)]
        await site.app.aclose()

    asyncio.run(crowd())
    for node in nodes:
        node.close()
