"""The bare loop: settles and reserves in batches, decodes, calls, and nothing else.

With "buoy" it uses buoy's script; with "least" the shortest script that loses no job.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib import resources
from typing import Any

import redis

from benchmarks import jobs
from buoy.broker.keys import Keys
from buoy.broker.scripts import script

BATCH = 256
LEASE_MS = 30_000
EMPTY_SECONDS = 0.01
Pair = tuple[bytes, bytes]
Advance = Callable[[list[Pair]], tuple[list[Pair], list[bytes]]]
"""Takes the jobs that are done (id, token); returns the reserved jobs and their payloads."""


def with_buoys(client: Any) -> Advance:
    """The script of buoy's workers."""
    advance = client.register_script(script("buoy.broker", "advance").text)
    keys = Keys().queue(jobs.QUEUE)
    number = 0

    def go(done: list[Pair]) -> tuple[list[Pair], list[bytes]]:
        nonlocal number
        number += 1
        words = [0, LEASE_MS, 2, "bare", number, 0, BATCH, 0, 0, *settlements_of(done), 0, 0]
        given = advance(keys, words)[6]
        return list(zip(given[0::5], given[1::5], strict=True)), given[2::5]

    return go


def settlements_of(done: list[Pair]) -> list[Any]:
    """The words of settlements, all of one kind: see lua/advance.lua."""
    if not done:
        return [0, 0]
    kind = ["bench.Job", 1, 1, 0, 0, len(done)]
    return [1, *kind, 1, 1, len(done), *(word for pair in done for word in pair)]


def with_least(client: Any) -> Advance:
    """The shortest script."""
    text = resources.files(__package__).joinpath("least.lua").read_text()
    advance = client.register_script(text)
    keys = [Keys().part(jobs.QUEUE, part) for part in ("queued", "jobs", "leases")]

    def go(done: list[Pair]) -> tuple[list[Pair], list[bytes]]:
        ids, payloads = advance(keys, [LEASE_MS, BATCH, *(id for id, _ in done)])
        return [(id, b"") for id in ids], payloads

    return go


def main(way: str) -> None:
    client = redis.Redis.from_url(jobs.URL)
    advance = {"buoy": with_buoys, "least": with_least}[way](client)
    calls = {"Mark": jobs.mark}
    done: list[Pair] = []
    while True:
        done, payloads = advance(done)
        for payload in payloads:
            job = json.loads(payload)
            calls[job["class"].rpartition(".")[2]](*job["args"])
        if not payloads:  # all jobs are done: do not use CPU that would be counted
            time.sleep(EMPTY_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
