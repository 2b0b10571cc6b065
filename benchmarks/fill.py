"""Fills Redis with many jobs and workers, faster than by enqueueing."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from buoy.broker.keys import Keys
from buoy.model.payload import Payload

from . import buoy_rows

CHUNK = 1000
FAR = 86_400_000
"""Milliseconds. Jobs that are due so late do not run during the measurement."""
KEYS = Keys()


def queued(client: Any, count: int) -> None:
    """Add jobs to the end of the queue."""
    for ids in stored(client, count):
        client.rpush(KEYS.part(buoy_rows.QUEUE, "queued"), *ids)


def delayed(client: Any, count: int) -> None:
    """Add jobs that are due tomorrow."""
    due = round(time.time() * 1000) + FAR
    for ids in stored(client, count):
        client.zadd(KEYS.part(buoy_rows.QUEUE, "delayed"), dict.fromkeys(ids, due))


def failed(client: Any, count: int) -> None:
    """Add jobs that have just failed."""
    now = round(time.time() * 1000)
    for ids in stored(client, count):
        client.zadd(KEYS.part(buoy_rows.QUEUE, "failed"), dict.fromkeys(ids, now))


def workers(client: Any, count: int) -> None:
    """Register workers that seem to be alive."""
    now = round(time.time() * 1000)
    for n in range(count):
        client.zadd(KEYS.workers(), {f"worker-{n}": now})
        card = {
            "host": "there",
            "pid": n,
            "queues": buoy_rows.QUEUE,
            "executor": "fork",
            "slots": 1,
        }
        client.hset(KEYS.worker(f"worker-{n}"), mapping=card | {"state": "running"})


def stored(client: Any, count: int) -> Iterator[list[str]]:
    """Store payloads in chunks; returns the ids of each chunk."""
    ids = (f"filled{n:018}" for n in range(count))
    while some := list(islice(ids, CHUNK)):
        client.hset(KEYS.part(buoy_rows.QUEUE, "jobs"), mapping=dict(payloads(some)))
        yield some


def payloads(ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    name = f"{buoy_rows.APP}.Spare"
    for id in ids:
        yield id, Payload(name, [0], {}, id, enqueued_at=round(time.time(), 3)).encoded()
