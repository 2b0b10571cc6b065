"""A worker on a cluster, whose queues lie on several nodes: it looks where it cannot wait."""

import signal
import time
from collections.abc import Callable, Iterator
from statistics import median

import pytest

from buoy.connection.cluster import ClusterClient
from buoy.connection.topology import slot_of
from tests.support.cluster import Cluster
from tests.support.processes import Site, in_some_round, wait_until

from .apps.jobs import Note, Wait

QUEUES = [f"queue{n}" for n in range(8)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def site(cluster: Cluster, make_site: Callable[..., Site]) -> Site:
    return make_site(cluster)


def test_all_queues_are_served_in_order(site: Site, executor: str) -> None:
    """In one of some rounds: a worker passes over a queue whose node is slow to answer."""

    def in_order() -> bool:
        before = len(site.words())
        for queue in reversed(QUEUES):
            Note.using(queue=queue).enqueue_many([(queue,), (queue,)])
        site.burst("--executor", executor, queues=",".join(QUEUES))
        return site.words()[before:] == [queue for queue in QUEUES for _ in range(2)]

    in_some_round(in_order, what=site.logs)


def test_an_idle_worker_finds_new_jobs_by_itself(site: Site, executor: str) -> None:
    for queue in QUEUES[1:]:  # one that is new is found a little later
        Note.using(queue=queue).enqueue("known")
    worker = site.worker("--executor", executor, queues="queue*,!queue0")
    wait_until(lambda: site.words().count("known") == 7)
    in_some_round(lambda: median(waits(site)) < 0.5)
    worker.stop()


def waits(site: Site) -> list[float]:
    """How long some jobs wait, each in another queue."""
    found = []
    first = len(site.words())
    for n in range(first, first + 10):
        before = time.monotonic()
        Note.using(queue=QUEUES[1 + n % 7]).enqueue(str(n))
        found.append(site.note("ran", str(n)).at - before)
    return found


def test_jobs_of_a_killed_worker_go_to_another(site: Site) -> None:
    Wait.using(queue="queue3").enqueue("running", "gate")
    queues = ",".join(QUEUES)
    first = site.worker(queues=queues)
    site.note("began")
    other = site.worker(queues=queues)
    other.wait_for_log("serves")
    first.signal(signal.SIGKILL)
    wait_until(lambda: len(site.words("began")) == 2)
    site.open("gate")
    site.settled("queue3")
    assert site.words() == ["running"]


def test_the_loss_of_a_node_stops_its_queues_alone_and_loses_nothing(
    make_site: Callable[..., Site],
) -> None:
    with Cluster(appendonly=True) as cluster:
        site = make_site(cluster, lease=3.0)
        here, there = (queue_of(site, cluster, number) for number in (0, 2))
        workers = [
            site.worker("--executor", each, queues=f"{there},{here}")
            for each in ("fork", "inline", "thread", "async")
        ]
        Note.using(queue=there).enqueue("before")
        site.note("ran", "before")

        cluster.servers[2].kill()
        Note.using(queue=here).enqueue_many([(f"meanwhile-{n}",) for n in range(10)])
        wait_until(lambda: len(set(site.words())) == 11, what=site.logs)
        cluster.servers[2].start()
        cluster.wait_until_ready()

        Note.using(queue=there).enqueue_many([(f"after-{n}",) for n in range(10)])
        wait_until(lambda: len(set(site.words())) == 21, what=site.logs)
        for worker in workers:
            worker.stop()


def queue_of(site: Site, cluster: Cluster, number: int) -> str:
    """A queue whose slot this node has."""
    port = cluster.servers[number].port
    client = site.app.broker.client
    assert isinstance(client, ClusterClient)
    return next(
        queue
        for queue in QUEUES
        if client.refresh_slots()[slot_of(["LLEN", f"buoy:{{{queue}}}:queued"])].endswith(
            f":{port}"
        )
    )
