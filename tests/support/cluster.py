"""A Redis Cluster of three masters on this machine."""

import time
from contextlib import ExitStack
from typing import Any, Self

from redis import Redis

from buoy.server import Server, free_port

SIZE = 3
SLOTS = 16384


class Cluster:
    """`with Cluster() as cluster`: three masters, each with a third of the slots.

    `servers` can be killed and started again one by one; slots do not move by themselves. With
    `appendonly` they keep their data.
    """

    def __init__(self, *, appendonly: bool = False) -> None:
        self.servers = [_node(appendonly) for _ in range(SIZE)]
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """The first node's; it tells a client of the others."""
        return f"redis+cluster://127.0.0.1:{self.servers[0].port}"

    def wait_until_ready(self, within: float = 15.0) -> None:
        """Wait until every node knows that all slots are served."""
        deadline = time.monotonic() + within
        while not all(_ready(server) for server in self.servers):
            assert time.monotonic() < deadline, "the cluster did not get ready in time"
            time.sleep(0.02)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for server in self.servers:
                starting.enter_context(server)
            _join(self.servers)
            self.wait_until_ready()
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()


def _node(appendonly: bool) -> Server:
    # The usual port of the cluster's bus, 10 000 above the first, may be taken or out of range.
    bus = ("--cluster-port", str(free_port()))
    timeout = ("--cluster-node-timeout", "1000")
    partial = ("--cluster-require-full-coverage", "no", "--appendfsync", "always")
    args = ("--cluster-enabled", "yes", *bus, *timeout, *(partial if appendonly else ()))
    return Server(port=True, appendonly=appendonly, args=args)


def _join(servers: list[Server]) -> None:
    for index, server in enumerate(servers):
        slots = range(SLOTS * index // SIZE, SLOTS * (index + 1) // SIZE)
        _ask(server, "ADDSLOTS", *slots)
        _ask(server, "SET-CONFIG-EPOCH", index + 1)
    for server in servers[1:]:
        bus = server.args[server.args.index("--cluster-port") + 1]
        _ask(servers[0], "MEET", "127.0.0.1", server.port, bus)


def _ready(server: Server) -> bool:
    info = _ask(server, "INFO")
    return bool(info["cluster_state"] == "ok" and info["cluster_known_nodes"] == str(SIZE))


def _ask(server: Server, *words: object) -> Any:
    with Redis.from_url(server.url) as client:
        return client.execute_command(f"CLUSTER {words[0]}", *words[1:])
