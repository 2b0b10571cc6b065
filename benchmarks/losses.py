"""python -m benchmarks.losses: how many acknowledged jobs asynchronous replication loses.

Producers enqueue without a pause while a primary dies, hangs, or is separated from its replica and
the Sentinels, but not from the producers. Then the acknowledged jobs are looked up.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from redis import Redis

from buoy import App, BuoyError
from tests.support.cluster import Cluster, wait_for
from tests.support.sentinel import Watched

PRODUCERS = 4
BEFORE, SPLIT = 1.0, 4.0
"""Seconds of enqueueing before the fault, and of a split."""
WATCHER_COMMANDS = "-ping -psync -replicaof -slaveof -multi -config|rewrite"


@dataclass
class Load:
    """Programs that enqueue without a pause, and record which jobs were acknowledged, and when."""

    app: App
    wait: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    acknowledged: dict[str, float] = field(default_factory=dict)
    refused: int = 0

    def run(self, number: int) -> None:
        count = 0
        while not self.stop.is_set():
            count += 1
            try:
                handle = self.app.push("shop.Charge", [count], queue="charges")
                if self.wait and not self.app.command("WAIT", 1, 200):
                    self.refused += 1
                    continue
                self.acknowledged[handle.id] = time.monotonic()
            except BuoyError:
                self.refused += 1

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.run, args=[n]) for n in range(PRODUCERS)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(BEFORE)
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def lost(self) -> list[str]:
        there = {id.decode() for id in self.app.command("HKEYS", self.app.key("charges", "jobs"))}
        return [id for id in self.acknowledged if id not in there]


def report(name: str, load: Load, began: float, ended: float) -> None:
    during = [id for id, at in load.acknowledged.items() if began <= at <= ended]
    lost = set(load.lost())
    of_these = len(lost & set(during))
    print(
        f"{name:58} acknowledged {len(load.acknowledged):6}, lost {len(lost):5}; "
        f"in the {ended - began:3.1f} s of the fault {len(during):6}, lost {of_these:5}; "
        f"refused {load.refused}",
        flush=True,
    )


def command(port: int, *words: object) -> None:
    with Redis(port=port) as client, suppress(Exception):
        client.execute_command(*[str(word) for word in words])


# Under Sentinel


def sentinel(
    name: str, fault: Callable[[Watched], None], *settings: str, wait: bool = False
) -> None:
    with Watched() as watched:
        for server in watched.servers:
            for n in range(0, len(settings), 2):
                command(server.port or 0, "CONFIG", "SET", *settings[n : n + 2])
        with Redis(port=watched.servers[0].port or 0) as primary:
            wait_for(lambda: bool(primary.wait(1, 100)), 10)
        load = Load(App(watched.url), wait)
        with load.running():
            began = time.monotonic()
            fault(watched)
            ended = time.monotonic()
            time.sleep(1.0)
        time.sleep(1.0)
        report(f"sentinel: {name}", load, began, ended)


def kill(watched: Watched) -> None:
    watched.kill_primary()


def split(watched: Watched) -> None:
    """The primary answers only the producers, until some time after its replacement."""
    port = watched.servers[0].port or 0
    began = time.monotonic()
    command(port, "ACL", "SETUSER", "default", *WATCHER_COMMANDS.split())
    command(port, "CLIENT", "KILL", "TYPE", "replica")
    watched.wait_for(lambda: int(watched.ask(watched.ports[0])["port"]) != port)
    time.sleep(max(0.0, began + SPLIT - time.monotonic()))
    command(port, "ACL", "SETUSER", "default", "+@all")
    wait_for(lambda: role(port) == "slave", 30)


def role(port: int) -> str:
    with Redis(port=port, decode_responses=True) as client:
        return str(client.role()[0])


# On a cluster


def cluster(name: str, fault: Callable[[Cluster, int], None], *settings: str) -> None:
    with Cluster(replicas=True) as six:
        for server in six.servers:
            for n in range(0, len(settings), 2):
                command(server.port or 0, "CONFIG", "SET", *settings[n : n + 2])
        app = App(six.url_of(0, 1, 2))
        app.push("shop.Charge", [0], queue="charges")
        ports = [server.port for server in six.servers]
        client = app.broker.client
        home = client.topology.node_of(["GET", app.key("charges", "jobs")])  # type: ignore[attr-defined]
        load = Load(app)
        with load.running():
            began = time.monotonic()
            fault(six, ports.index(int(home.rpartition(":")[2])))
            ended = time.monotonic()
            time.sleep(1.0)
        time.sleep(1.5)
        report(f"cluster: {name}", load, began, ended)


def kill_node(six: Cluster, number: int) -> None:
    six.servers[number].kill()
    wait_for(lambda: six.is_primary(number + 3), 15)


def freeze_node(six: Cluster, number: int) -> None:
    six.freeze(number)
    wait_for(lambda: six.is_primary(number + 3), 15)
    time.sleep(0.5)
    six.thaw(number)


def kill_with_lagging_replica(six: Cluster, number: int) -> None:
    """Stop the replica for 0.4 s, so that it lags, then kill the primary."""
    replica = six.servers[number + 3].pid or 0
    os.kill(replica, signal.SIGSTOP)
    time.sleep(0.4)
    six.servers[number].kill()
    os.kill(replica, signal.SIGCONT)
    wait_for(lambda: six.is_primary(number + 3), 15)


BOUND = ("min-replicas-to-write", "1", "min-replicas-max-lag", "1")

if __name__ == "__main__":
    sentinel("the primary is killed", kill)
    sentinel("split", split)
    sentinel("split, min-replicas-to-write 1, max-lag 1", split, *BOUND)
    sentinel("split, WAIT 1 200 after each enqueue", split, wait=True)
    cluster("the primary is killed", kill_node)
    cluster("the primary hangs until it is replaced", freeze_node)
    cluster("the replica is 0.4 s behind, the primary is killed", kill_with_lagging_replica)
    cluster("such a lag, min-replicas-to-write 1, max-lag 1", kill_with_lagging_replica, *BOUND)
