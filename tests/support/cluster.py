"""A Redis Cluster of three primaries, each with a replica if it is wanted, on this machine."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Self

from redis import Redis
from redis.exceptions import RedisError

from buoy.embedded.server import Server, free_port
from tests.support.processes import WITHIN

SIZE = 3
SLOTS = 16384
STARTING_TIMEOUT = 1000
"""Milliseconds of silence after which a node counts as dead, while a cluster starts: the less, the
sooner nodes find each other. With replicas also later: after that one takes over."""
BUSY_TIMEOUT = 60_000
"""The same once a cluster without replicas is ready: nodes that a busy machine holds up for a
second would else take each other for dead, and refuse all commands for a while."""


class Cluster:
    """`with Cluster() as cluster`: three primaries, each with a third of the slots.

    `servers` can be killed, frozen and started again one by one. With `replicas`, the one behind
    a primary (server n + 3 behind server n) takes its place; without them slots do not move by
    themselves. With `appendonly` they keep their data.
    """

    def __init__(self, *, appendonly: bool = False, replicas: bool = False) -> None:
        count = 2 * SIZE if replicas else SIZE
        self.partial = appendonly or replicas
        self.servers = [_node(appendonly, partial=self.partial) for _ in range(count)]
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """The first node's; it tells a client of the others. With replicas: that of all primaries,
        for any of them may be away."""
        return self.url_of(*range(SIZE if len(self.servers) > SIZE else 1))

    def url_of(self, *numbers: int) -> str:
        """A URL that names these nodes."""
        hosts = ",".join(f"127.0.0.1:{self.servers[number].port}" for number in numbers)
        return f"redis+cluster://{hosts}"

    def wait_until_ready(self, within: float = WITHIN) -> None:
        """Wait until every node knows that all slots are served, and replicas follow."""
        wait_for(lambda: all(map(self.is_ready, self.servers)), within)
        if len(self.servers) == SIZE:
            for server in self.servers:
                with Redis.from_url(server.url) as client:
                    client.config_set("cluster-node-timeout", BUSY_TIMEOUT)
            # One may have taken another for dead before it was told to be patient.
            wait_for(lambda: all(map(self.is_ready, self.servers)), within)

    def is_ready(self, server: Server) -> bool:
        info, slots = _ask(server, "INFO"), _ask(server, "SLOTS")
        known = info["cluster_known_nodes"] == str(len(self.servers))
        follows = all(len(nodes) == len(self.servers) // SIZE for _, _, *nodes in slots)
        return bool(info["cluster_state"] == "ok" and known and follows and _linked(server))

    def freeze(self, number: int) -> None:
        """Let a node hang: it keeps its connections, and says nothing."""
        os.kill(self.servers[number].pid or 0, signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        os.kill(self.servers[number].pid or 0, signal.SIGCONT)

    def is_primary(self, number: int) -> bool:
        """Whether the node takes itself for a primary."""
        with Redis.from_url(self.servers[number].url, socket_timeout=60) as client:
            return bool(client.role()[0] in ("master", b"master"))

    def keep_primaries(self, *numbers: int) -> None:
        """Let no replica take the place of one of these by itself, and of the others again: nodes
        that a busy machine holds up for a second take each other for dead."""
        for number in range(SIZE):
            kept = "yes" if number in numbers else "no"
            with Redis.from_url(self.servers[SIZE + number].url) as client:
                client.config_set("cluster-replica-no-failover", kept)

    def restore(self) -> None:
        """Let all nodes run, with those as the primaries that were it at first."""
        for number, server in enumerate(self.servers):
            if server.pid is None:
                server.start()
            self.thaw(number)
        wait_for(self.is_restored, WITHIN)

    def is_restored(self) -> bool:
        """Whether all nodes agree that the first are the primaries; helps a little."""
        for number in range(SIZE):
            if not self.is_primary(number):
                with suppress(RedisError):  # it may take itself for the primary by now
                    _ask(self.servers[number], "FAILOVER")
                    time.sleep(0.1)
        wanted = {server.port for server in self.servers[:SIZE]}
        views = [{nodes[0][1] for _, _, *nodes in _ask(each, "SLOTS")} for each in self.servers]
        return all(view == wanted for view in views) and all(map(self.is_ready, self.servers))

    def move_slot(self, key: str, source: int, target: int) -> None:
        """Move the slot of a key, with all that lies in it, from one primary to another."""
        giver, taker = self.servers[source], self.servers[target]
        slot = _ask(giver, "KEYSLOT", key)
        _ask(taker, "SETSLOT", slot, "IMPORTING", _ask(giver, "MYID"))
        _ask(giver, "SETSLOT", slot, "MIGRATING", _ask(taker, "MYID"))
        with Redis.from_url(giver.url) as client:
            while keys := _ask(giver, "GETKEYSINSLOT", slot, 100):
                client.execute_command(
                    "MIGRATE", "127.0.0.1", taker.port, "", 0, 60_000, "KEYS", *keys
                )
        for server in (taker, giver):
            _ask(server, "SETSLOT", slot, "NODE", _ask(taker, "MYID"))

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for server in self.servers:
                starting.enter_context(server)
            _join(self.servers)
            for primary, replica in zip(self.servers, self.servers[SIZE:], strict=False):
                name = _ask(primary, "MYID")
                wait_for(lambda: _replicate(replica, name), WITHIN)  # noqa: B023 - called here
            self.wait_until_ready()
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()


def _node(appendonly: bool, *, partial: bool) -> Server:
    # The usual port of the cluster's bus, 10 000 above the first, may be taken or out of range.
    bus = ("--cluster-port", str(free_port()))
    timeout = ("--cluster-node-timeout", str(STARTING_TIMEOUT), "--repl-diskless-sync-delay", "0")
    some = ("--cluster-require-full-coverage", "no") if partial else ()
    always = ("--appendfsync", "always") if appendonly else ()
    args = ("--cluster-enabled", "yes", *bus, *timeout, *some, *always)
    return Server(port=True, appendonly=appendonly, args=args)


def _join(servers: list[Server]) -> None:
    for index, server in enumerate(servers[:SIZE]):
        slots = range(SLOTS * index // SIZE, SLOTS * (index + 1) // SIZE)
        _ask(server, "ADDSLOTS", *slots)
        _ask(server, "SET-CONFIG-EPOCH", index + 1)
    for server in servers[1:]:
        bus = server.args[server.args.index("--cluster-port") + 1]
        _ask(servers[0], "MEET", "127.0.0.1", server.port, bus)


def _replicate(replica: Server, primary: str) -> bool:
    try:
        _ask(replica, "REPLICATE", primary)
    except RedisError:  # it has not heard of the primary yet
        return False
    return True


def _linked(server: Server) -> bool:
    with Redis.from_url(server.url) as client:
        info = client.info("replication")
        return bool(info["role"] == "master" or info["master_link_status"] == "up")


def _ask(server: Server, *words: object) -> Any:
    with Redis.from_url(server.url, decode_responses=True) as client:
        return client.execute_command(f"CLUSTER {words[0]}", *words[1:])


def wait_for(condition: Callable[[], bool], within: float) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "the cluster did not get ready in time"
        time.sleep(0.02)
