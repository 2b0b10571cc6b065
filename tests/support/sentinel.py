"""A primary, its replica, and three sentinels that watch over them."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

import redis

from buoy.embedded.server import WATCHED, Server, find_server, free_port
from tests.support.processes import WITHIN

SERVICE = "shop"
DOWN_AFTER = 2000
"""Milliseconds of silence after which a primary counts as dead. With less, one that a busy machine
holds up for a moment would be replaced, and lose what was not yet replicated."""


def pipe_of(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin


class Watched:
    """Servers of which one is the primary; which one, the sentinels say."""

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="buoy-sentinel-"))
        self.servers = [Server(port=True)]
        self.servers[0].start()
        follow = ("--replicaof", "127.0.0.1", str(self.servers[0].port))
        self.servers.append(Server(port=True, args=follow))
        self.servers[1].start()
        self.ports = [free_port() for _ in range(3)]
        self.sentinels = [self.sentinel(port) for port in self.ports]
        self.wait_for(self.ready)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.sentinels:
            process.kill()
            process.wait()
            with pipe_of(process) as pipe, suppress(BrokenPipeError):
                pipe.write(b"\n")  # the watcher has nothing left to watch
        for server in self.servers:
            if server.pid is not None:
                os.kill(server.pid, signal.SIGCONT)  # it may be frozen
            server.stop()
        shutil.rmtree(self.folder)

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    def sentinel(self, port: int) -> subprocess.Popen[bytes]:
        config = self.folder / f"{port}.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.servers[0].port} 2\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER}\n"
            f"sentinel failover-timeout {SERVICE} 2000\n"
        )
        return subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, "sh", find_server(), str(config), "--sentinel"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ask(self, port: int) -> dict[str, Any]:
        with redis.Redis(port=port, decode_responses=True) as client:
            answer: dict[str, Any] = client.sentinel_master(SERVICE)
            return answer

    def ready(self) -> bool:
        """Whether all sentinels know of each other and of the replica, and it follows."""
        seen = [self.ask(port) for port in self.ports]
        known = all(each["num-slaves"] == 1 and each["num-other-sentinels"] == 2 for each in seen)
        with redis.Redis(port=self.servers[1].port or 0) as replica:
            return known and replica.info("replication")["master_link_status"] == "up"

    def kill_primary(self) -> None:
        """Kill the server that is the primary, and wait until the other one is."""
        before = int(self.ask(self.ports[0])["port"])
        dead = next(server for server in self.servers if server.port == before)
        dead.kill()
        self.wait_for(lambda: int(self.ask(self.ports[0])["port"]) != before)

    def wait_for(self, condition: Callable[[], bool], within: float = WITHIN) -> None:
        deadline = time.monotonic() + within
        while True:
            try:
                if condition():
                    return
            except redis.RedisError:
                pass
            assert time.monotonic() < deadline, "the sentinels have not come to an end in time"
            time.sleep(0.05)
