"""The bare fork: for each job one script call, a fork, a pipe, and a wait for the child's exit.

The process is as small as a client of Redis can be, or has the size that is given (MB).
"""

import gc
import json
import os
import socket
import sys
import time
from importlib import resources
from typing import Any, NoReturn

import hiredis

from benchmarks import ballast, jobs
from buoy.broker.keys import Keys

LEASE_MS = 30_000
EMPTY_SECONDS = 0.01


class Wire:
    """One connection, one command at a time."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("redis://").partition("/")[0].partition(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = hiredis.Reader()

    def call(self, *words: str | bytes | int) -> Any:
        self.socket.sendall(hiredis.pack_command(words))  # type: ignore[arg-type]  # any length
        while (reply := self.reader.gets()) is False:
            self.reader.feed(self.socket.recv(65536))
        return reply


def child(payload: bytes, pipe: int) -> NoReturn:
    job = json.loads(payload)
    jobs.mark(*job["args"])
    os.write(pipe, b"done")
    os._exit(0)


def run(payload: bytes) -> None:
    """Run one job in a forked child."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(payload, writer)
    os.close(writer)
    os.read(reader, 16)
    os.close(reader)
    os.waitpid(pid, 0)


def main(megabytes: float) -> None:
    wire = Wire(jobs.URL)
    text = resources.files(__package__).joinpath("least.lua").read_text()
    keys = [Keys().part(jobs.QUEUE, part) for part in ("queued", "jobs", "leases")]
    sha = wire.call("SCRIPT", "LOAD", text)
    ballast.grow_to(megabytes)
    gc.collect()
    gc.freeze()
    done: list[bytes] = []
    while True:
        done, payloads = wire.call("EVALSHA", sha, 3, *keys, LEASE_MS, 1, *done)
        for payload in payloads:
            run(payload)
        if not payloads:
            time.sleep(EMPTY_SECONDS)


if __name__ == "__main__":
    main(float(sys.argv[1]))
