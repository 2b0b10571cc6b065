"""Much that lies in Redis already, written there at once instead of by as many calls."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from buoy.broker.keys import Keys
from buoy.model.payload import Payload

from . import ours

CHUNK = 1000
FAR = 86_400_000
"""Milliseconds: what is due then does not disturb."""
KEYS = Keys()


def waiting(client: Any, count: int) -> None:
    """Jobs behind those that are there."""
    for ids in stored(client, count):
        client.rpush(KEYS.part(ours.QUEUE, "queued"), *ids)


def delayed(client: Any, count: int) -> None:
    """Jobs that are due tomorrow."""
    due = round(time.time() * 1000) + FAR
    for ids in stored(client, count):
        client.zadd(KEYS.part(ours.QUEUE, "delayed"), dict.fromkeys(ids, due))


def failed(client: Any, count: int) -> None:
    """Jobs that have failed just now."""
    now = round(time.time() * 1000)
    for ids in stored(client, count):
        client.zadd(KEYS.part(ours.QUEUE, "failed"), dict.fromkeys(ids, now))


def workers(client: Any, count: int) -> None:
    """Workers that seem to be alive."""
    now = round(time.time() * 1000)
    for n in range(count):
        client.zadd(KEYS.workers(), {f"worker-{n}": now})
        card = {"host": "there", "pid": n, "queues": ours.QUEUE, "executor": "fork", "slots": 1}
        client.hset(KEYS.worker(f"worker-{n}"), mapping=card | {"state": "running"})


def stored(client: Any, count: int) -> Iterator[list[str]]:
    """Store payloads, some at a time, and name their ids."""
    ids = (f"filled{n:018}" for n in range(count))
    while some := list(islice(ids, CHUNK)):
        client.hset(KEYS.part(ours.QUEUE, "jobs"), mapping=dict(payloads(some)))
        yield some


def payloads(ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    name = f"{ours.APP}.Spare"
    for id in ids:
        yield id, Payload(name, [0], {}, id, enqueued_at=round(time.time(), 3)).encoded()
