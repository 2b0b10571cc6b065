"""Six nodes: primaries that die, hang and hand slots over, under workers and producers at work."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import pytest

from buoy import App, EnqueueError, Job
from buoy.connection.cluster import ClusterClient
from tests.support.cluster import Cluster
from tests.support.processes import Site, in_some_round, wait_until

from .apps.jobs import Note, Wait

PROMPT = 2.0
"""Seconds within which a promoted replica is in use, in one of some rounds: the machine may be
busy."""
UNDISTURBED = 3.5
"""Seconds after which a job of a healthy node has run at the latest, in one of some rounds: mostly
less than one. No node hangs for so short a time here."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(replicas=True) as cluster:
        yield cluster


@pytest.fixture
def whole(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, whole again after the test: each primary where it was at first. Only the first
    one is replaced when it does not answer."""
    cluster.keep_primaries(1, 2)
    yield cluster
    cluster.restore()


@pytest.fixture
def site(whole: Cluster, make_site: Callable[..., Site]) -> Site:
    site = make_site(whole, lease=3.0)
    for server in whole.servers[:3]:
        App(server.url).command("FLUSHALL")
    return site


def queues(site: Site, cluster: Cluster) -> tuple[str, str, str]:
    """A queue for each primary; the first is on the node that also has the list of queues."""
    client = site.app.broker.client
    assert isinstance(client, ClusterClient)
    client.refresh_slots()
    homes = {
        client.topology.node_of(["GET", site.app.key(queue, "queued")]): queue
        for queue in (f"queue{n}" for n in range(30))
    }
    first, second, third = (f"127.0.0.1:{server.port}" for server in cluster.servers[:3])
    return homes[first], homes[second], homes[third]


class Producer:
    """Enqueues a job each few milliseconds, and again what was refused; notes when."""

    def __init__(self, queue: str, mark: str = "p") -> None:
        self.queue, self.mark = queue, mark
        self.times: dict[str, float] = {}
        self.first = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while not self.over.wait(0.02):
            word = f"{self.mark}{len(self.times)}"
            began = time.monotonic()
            while not self.enqueued(word):
                pass
            self.times[word] = began
        Job.app.broker.client.close()  # the connections are those of this thread

    def enqueued(self, word: str) -> bool:
        with suppress(EnqueueError):
            Note.using(queue=self.queue, id=f"{self.queue}-{word}").enqueue(word)
            return True
        return False

    def __enter__(self) -> "Producer":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def forget(self) -> None:
        """Look only at the jobs from now on: the worker has started."""
        self.first = len(self.times)

    def slowest(self, site: Site) -> float:
        """The longest time from an enqueue to the run of its job."""
        wait_until(lambda: self.times.keys() <= set(site.words()), what=site.logs)
        ran = {note.word: note.at for note in reversed(site.notes) if note.event == "ran"}
        times = list(self.times.items())[self.first :]
        return max(ran[word] - at for word, at in times)


def test_a_node_that_hangs_holds_up_none_but_its_own_queues(site: Site, whole: Cluster) -> None:
    site.lease = 6.0  # a worker that is held up for a moment must not lose the long job
    there, here, other = queues(site, whole)
    workers = [
        site.worker("--executor", each, queues=f"{there},{here},{other}")
        for each in ("thread", "async")
    ]
    for worker in workers:
        worker.wait_for_log("serves")
    for queue in (there, here, other):
        Note.using(queue=queue).enqueue(f"warm {queue}")
    wait_until(lambda: len(site.words()) == 3, what=site.logs)
    long = Wait.using(queue=here).enqueue("long", "gate").id
    site.note("began", "long")
    for number in (0, 3):  # nobody takes its place
        whole.freeze(number)
    rounds = count()

    def undisturbed() -> bool:
        mark = f"{next(rounds)}-"
        with Producer(here, f"a{mark}") as blocking, Producer(other, f"b{mark}") as second:
            awaited = asyncio.run(enqueue_for(4.0, here))
        slowest = max(awaited, blocking.slowest(site), second.slowest(site))
        return slowest < UNDISTURBED and len(blocking.times) > 50

    frozen_at = lease_end(site, here, long)
    in_some_round(undisturbed, what=site.logs)
    wait_until(lambda: lease_end(site, here, long) > frozen_at + 3000, what=site.logs)
    whole.restore()  # until all agree, the one that wakes may take a job that is lost with it
    site.open("gate")
    Note.using(queue=there).enqueue("thawed")
    site.note("ran", "thawed")
    for queue in (there, here, other):
        site.settled(queue)
    assert site.words("began").count("long") == 1  # its lease was renewed
    for worker in workers:
        worker.stop()


def lease_end(site: Site, queue: str, id: str) -> float:
    """When the lease of a job ends, in milliseconds."""
    return float(site.app.command("ZSCORE", site.app.key(queue, "leases"), id))


async def enqueue_for(seconds: float, queue: str) -> float:
    """Enqueue as a program does that awaits; returns how long it took at most."""
    started, slowest = time.monotonic(), 0.0
    while time.monotonic() < started + seconds:
        before = time.monotonic()
        await Note.using(queue=queue).aenqueue("awaited")
        slowest = max(slowest, time.monotonic() - before)
        await asyncio.sleep(0.1)
    await Note.app.aclose()
    return slowest


@pytest.mark.parametrize("end", ["killed", "frozen"])
def test_a_promoted_replica_is_in_use_at_once(site: Site, whole: Cluster, end: str) -> None:
    there, here, _ = queues(site, whole)
    worker = site.worker("--executor", "inline", queues=f"{there},{here}")
    rounds = count()

    def in_use_at_once() -> bool:
        number = next(rounds)
        if number > 0:
            whole.restore()
        before = len(site.words())
        with Producer(there, f"t{number}-") as lost, Producer(here, f"h{number}-") as undisturbed:
            wait_until(lambda: len(site.words()) > before + 20, what=site.logs)
            lost.forget()
            undisturbed.forget()
            put_away(whole, end)
            wait_until(lambda: whole.is_primary(3), what=site.logs)
            promoted = time.monotonic()
            wait_until(lambda: any(at > promoted for at in [*lost.times.values()]), what=site.logs)
            first = min((at, word) for word, at in [*lost.times.items()] if at > promoted)[1]
            waited = site.note("ran", first).at - promoted
            wait_until(lambda: len([at for at in [*lost.times.values()] if at > promoted]) > 10)
        slowest = undisturbed.slowest(site)
        site.settled(there)
        acknowledged = [word for word, at in lost.times.items() if at > promoted]
        words = site.words()[before:]
        assert set(acknowledged) <= set(words)
        assert len(lost.times.keys() - set(words)) <= 5  # what was not replicated yet
        assert len(words) - len(set(words)) <= 5
        return waited < PROMPT and slowest < UNDISTURBED

    in_some_round(in_use_at_once, what=site.logs)
    worker.stop()


def put_away(cluster: Cluster, end: str) -> None:
    """Let the first node die or hang."""
    if end in ("killed", "dead"):
        cluster.servers[0].kill()
    else:
        cluster.freeze(0)


def test_slots_that_move_under_load_lose_and_double_nothing(site: Site, whole: Cluster) -> None:
    whole.keep_primaries(0, 1, 2)
    _, here, _ = queues(site, whole)
    worker = site.worker("--executor", "inline", queues=here)
    client = site.app.broker.client
    assert isinstance(client, ClusterClient)
    with Producer(here) as producer:
        wait_until(lambda: len(site.words()) > 5, what=site.logs)
        for source, target in ((1, 2), (2, 1)):
            before = len(producer.times)
            whole.move_slot(site.app.key(here, "queued"), source, target)
            wait_until(lambda: len(producer.times) > before + 5)  # noqa: B023 - called here
    site.settled(here)
    assert sorted(site.words()) == sorted(producer.times)
    worker.stop()


@pytest.mark.parametrize("end", ["dead", "hung"])
def test_all_can_start_while_a_node_is_away(site: Site, whole: Cluster, end: str) -> None:
    """Soon, in one of some rounds: the machine may be busy."""
    _, here, _ = queues(site, whole)
    url = whole.url_of(0, 1, 2)
    rounds = count()

    def soon() -> bool:
        number = next(rounds)
        if number > 0:
            whole.restore()
        put_away(whole, end)
        site.app = App(url, lease=3.0)
        started = time.monotonic()
        worker = site.worker("--executor", "inline", queues=here, url=url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Job, "app", site.app)
            Note.using(queue=here).enqueue(f"started {number}")
        enqueued = time.monotonic()
        ran = site.note("ran", f"started {number}").at
        worker.signal(signal.SIGTERM)
        told = time.monotonic()
        assert worker.wait() == 0
        ended = time.monotonic()
        return enqueued - started < 4.0 and ran - enqueued < 8.0 and ended - told < 5.0

    in_some_round(soon, what=site.logs)
